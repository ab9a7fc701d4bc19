"""The interface of a study, and of its rows."""

import abc
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any, ClassVar, Self, TypeAlias

import polars as pl

#: A case, its outcome and what was measured: JSON values, None for a number that does not exist.
Row: TypeAlias = dict[str, Any]

_TYPES: dict[Any, Any] = {str: pl.String, int: pl.Int64, float: pl.Float64}
_TYPES |= {list[kind]: pl.List(_TYPES[kind]) for kind in (int, float)}


@dataclass(frozen=True)
class AbstractCase(abc.ABC):
    """Names one measurement, a few seconds of work, by fields that are str, int or float.

    Attributes:
        part: of the study; all rows of a part are of one kind.
        measured: what its row holds beside these fields and the outcome, and as which type: str, int, float, or a list
            of numbers.
    """

    part: ClassVar[str]
    measured: ClassVar[dict[str, Any]]

    def row(self, outcome: str, **measured: Any) -> Row:
        """The row of this case; what is left out does not exist."""
        if unknown := measured.keys() - self.measured.keys():
            raise TypeError(f"rows of the part {self.part} have no {', '.join(sorted(unknown))}")
        return {"part": self.part, **asdict(self), "outcome": outcome, **measured}

    @classmethod
    def of(cls, row: Row) -> Self:
        """The case that a row belongs to."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Columns of a frame of such rows."""
        kinds = {**{field.name: field.type for field in fields(cls)}, "outcome": str, **cls.measured}
        return {name: _TYPES[kind] for name, kind in kinds.items()}


@dataclass(frozen=True)
class AbstractStudy(abc.ABC):
    """A question, and the measurements that answer it.

    The fields of a study are its configuration: numbers, strings and tuples of them, by default those of the
    documentation. Beside its module there are two more, which are imported only when they are needed:

        measure.measure(study, cases): the rows of some of the cases, in their order, one by one. Nothing else than a
            case and the configuration may enter its row, so that a run that was interrupted ends as if it had not been.
        report.report(study, frames): the `Report` on all rows, given as one frame for each part. It knows neither JAX
            nor otsort: the rows hold all that it says.

    Attributes:
        name: of its folder.
        title: one line.
        question: Markdown, what is asked and how it is measured.
        dtype: of the computations that are studied, in words.
        parts: the kinds of its cases.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    dtype: ClassVar[str]
    parts: ClassVar[tuple[type[AbstractCase], ...]]

    @classmethod
    @abc.abstractmethod
    def quick(cls) -> Self:
        """Returns a configuration of the same study that takes about a minute."""

    @abc.abstractmethod
    def cases(self) -> list[Any]:
        """All cases in the order of measurement; those that share a compiled program are neighbours."""

    @classmethod
    def frames(cls, rows: Collection[Row]) -> dict[str, pl.DataFrame]:
        """By part, the rows in their order."""
        found = {kind.part: [row for row in rows if row["part"] == kind.part] for kind in cls.parts}
        return {kind.part: pl.DataFrame(found[kind.part], schema=kind.schema()) for kind in cls.parts}

    def module(self, name: str) -> Any:
        """The module of this name beside that of the study."""
        return import_module(f".{name}", type(self).__module__.rpartition(".")[0])
