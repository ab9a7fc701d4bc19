"""Loads one column of numbers, from a file of the user or from the example."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import NoDataError, PolarsError

from .data import REAL
from .errors import InputError, accessing

# Solvers and reference store n x n matrices, and an unrolled derivative stores hundreds of them.
MAX_VALUES = 2000


@dataclass(frozen=True)
class Column:
    """A column of finite numbers, not all equal.

    Attributes:
        values: float64, shape `(n,)`, rounded to float32 numbers, so that both precisions use the same data.
        source: file name, or name of the data set.
        name: name of the column; empty for an array without columns.

    Raises:
        InputError: there are fewer than 2 or more than `MAX_VALUES` values, a value is not finite in float32, or all
            values are equal.
    """

    values: np.ndarray
    source: str
    name: str

    def __post_init__(self):
        where = words(self.source, self.name)
        if not 2 <= self.values.size <= MAX_VALUES:
            count = "1 value" if self.values.size == 1 else f"{self.values.size} values"
            raise InputError(f"{where} has {count}: give between 2 and {MAX_VALUES}")
        with np.errstate(over="ignore"):
            rounded = self.values.astype(np.float32).astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(rounded))
        if bad.size:
            raise InputError(f"value {bad[0] + 1} of {where} is {self.values[bad[0]]}: float32 must hold it")
        if np.all(rounded == rounded[0]):
            raise InputError(f"the values of {where} are all equal in float32: there is nothing to sort")
        object.__setattr__(self, "values", rounded)


def words(source: str, name: str) -> str:
    """Describes the source of the values in words."""
    return f"column {name} of {source}" if name else source


def example() -> Column:
    """Loads blood serum s2 (low-density lipoproteins) of the diabetes data bundled with scikit-learn.

    This column has the fewest ties of that data set: 302 of its 442 values are different, and no value occurs more than
    5 times. In comparison, bmi has 163 different values, and one value of s4 occurs 128 times.
    """
    return Column(REAL["diabetes s2"](), "scikit-learn diabetes", "s2")


def load(path: Path, column: str | None) -> Column:
    """Loads a column of a file.

    Args:
        path: a .csv file whose first line names the columns, or an .npy file of one or two dimensions.
        column: name of the column, or its index from 0 in an .npy file; None if the file has only one column.

    Raises:
        InputError: the file or the column does not exist or does not hold numbers.
    """
    readers = {".csv": _read_csv, ".npy": _read_npy}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is neither a .csv nor an .npy file")
    with accessing(f"read {path}", "give --data a file that exists and may be read"):
        return readers[path.suffix.lower()](path, column)


def _read_csv(path: Path, column: str | None) -> Column:
    try:
        lines = pl.read_csv(path.read_bytes(), has_header=False, infer_schema=False, truncate_ragged_lines=True)
    except NoDataError:
        raise InputError(f"{path} is empty") from None
    except PolarsError as error:
        raise InputError(f"{path} is not a .csv file: {' '.join(str(error).split())}") from None
    lines = lines.with_row_index("line", offset=1).filter(~pl.all_horizontal(pl.exclude("line").is_null()))
    header = [(name or "").strip() for name in next(lines.drop("line").iter_rows(), ("",))]
    index = _index(header, column, path)
    texts = lines[:, index + 1].fill_null("")
    numbers = texts.str.strip_chars().cast(pl.Float64, strict=False)
    if column is None and numbers[:1].is_not_null().any():
        raise InputError(f"the first line of {path} must name its column, got {header[0]!r}")
    if (bad := numbers[1:].is_null()).any():
        place = 1 + bad.arg_true()[0]
        said = f"{texts[place]!r} in column {header[index]!r} is not a number"
        if not texts[place].strip():
            said = f"column {header[index]!r} has no value: leave out lines without one"
        raise InputError(f"line {lines['line'][place]} of {path}: {said}")
    return Column(numbers[1:].to_numpy(), path.name, header[index])


def _read_npy(path: Path, column: str | None) -> Column:
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError:
        raise InputError(f"{path} is not an .npy file of numbers") from None
    if array.dtype.kind not in "iuf":
        raise InputError(f"{path} does not hold an array of real numbers")
    if array.ndim == 1:
        if column is not None:
            raise InputError(f"{path} is one list of values: leave out --column")
        return Column(array.astype(np.float64), path.name, "")
    if array.ndim != 2:
        raise InputError(f"{path} has {array.ndim} dimensions: give one or two")
    index = _index([str(i) for i in range(array.shape[1])], column, path)
    return Column(array[:, index].astype(np.float64), path.name, str(index))


def _index(names: list[str], column: str | None, path: Path) -> int:
    known = ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:10])}, ... ({len(names)} in all)"
    if column is None:
        if len(names) != 1:
            raise InputError(f"{path} has several columns: choose one with --column from {known}")
        return 0
    if names.count(column) != 1:
        count = f"{names.count(column)} columns" if column in names else "no column"
        hint = "; columns must be separated by commas" if len(names) == 1 and ";" in names[0] else ""
        raise InputError(f"{path} has {count} {column!r}: it has {known}{hint}")
    return names.index(column)
