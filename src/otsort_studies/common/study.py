"""Defines the interface of a study and of its rows."""

import abc
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any, ClassVar, Self, TypeAlias

import polars as pl

#: The fields of a case, its outcome and its measurements, as JSON values; None for a number that does not exist.
Row: TypeAlias = dict[str, Any]

_TYPES: dict[Any, Any] = {str: pl.String, int: pl.Int64, float: pl.Float64}
_TYPES |= {list[kind]: pl.List(_TYPES[kind]) for kind in (int, float)}


@dataclass(frozen=True)
class AbstractCase(abc.ABC):
    """Identifies one measurement, a few seconds of work, by fields of type str, int or float.

    Attributes:
        part: name of the part of the study. All rows of a part have the same columns.
        measured: name -> type of each column that the row has in addition to these fields and the outcome. Types are
            str, int, float, or a list of numbers.
    """

    part: ClassVar[str]
    measured: ClassVar[dict[str, Any]]

    def row(self, outcome: str, **measured: Any) -> Row:
        """Returns the row of this case. Measurements that are left out do not exist."""
        if unknown := measured.keys() - self.measured.keys():
            raise TypeError(f"rows of the part {self.part} have no {', '.join(sorted(unknown))}")
        return {"part": self.part, **asdict(self), "outcome": outcome, **measured}

    @classmethod
    def of(cls, row: Row) -> Self:
        """Returns the case that a row belongs to."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Returns the columns of a frame of such rows, with their types."""
        kinds = {**{field.name: field.type for field in fields(cls)}, "outcome": str, **cls.measured}
        return {name: _TYPES[kind] for name, kind in kinds.items()}


@dataclass(frozen=True)
class AbstractStudy(abc.ABC):
    """A question and the measurements that answer it.

    The fields of a study are its configuration: numbers, strings and tuples of these. The defaults are the
    configuration of the documentation. Next to the module of a study there are two more modules, which are imported
    only when they are needed:

        measure.measure(study, cases): yields the rows of some of the cases, in order. A row may depend only on its case
            and the configuration, so that an interrupted run ends with the same rows as an uninterrupted one.
        report.report(study, frames): returns the `Report` on all rows, which are given as one frame for each part. It
            imports neither JAX nor otsort; everything that it says comes from the rows.

    Attributes:
        name: name of its folder.
        title: title of the report, one line.
        full_time: rough time of a full run on two CPU cores, in words.
        question: Markdown that states the question and the method.
        dtype: precision of the computations that are studied, in words.
        parts: types of its cases.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    full_time: ClassVar[str]
    question: ClassVar[str]
    dtype: ClassVar[str]
    parts: ClassVar[tuple[type[AbstractCase], ...]]

    @classmethod
    @abc.abstractmethod
    def quick(cls) -> Self:
        """Returns a small configuration of the study that takes about a minute."""

    @abc.abstractmethod
    def cases(self) -> list[Any]:
        """Returns all cases in the order of measurement. Cases that share a compiled program follow each other."""

    @classmethod
    def frames(cls, rows: Collection[Row]) -> dict[str, pl.DataFrame]:
        """Returns a frame for each part, with its rows in the given order."""
        found = {kind.part: [row for row in rows if row["part"] == kind.part] for kind in cls.parts}
        return {kind.part: pl.DataFrame(found[kind.part], schema=kind.schema()) for kind in cls.parts}

    def module(self, name: str) -> Any:
        """Imports the module of this name from the folder of the study."""
        return import_module(f".{name}", type(self).__module__.rpartition(".")[0])
