"""What a study is."""

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from matplotlib.figure import Figure
from tabulate import tabulate

#: Names one measurement: str, int and float.
Case: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Report:
    """What a reader gets.

    Attributes:
        text: Markdown, the answers first, with the tables that they rest on.
        figures: file name without suffix -> picture and its caption.
    """

    text: str
    figures: dict[str, tuple[Figure, str]]


@dataclass(frozen=True)
class AbstractStudy(abc.ABC):
    """A question, the measurements that answer it and the report.

    The fields of a study are its configuration: numbers, strings and tuples of them, by default those of the
    documentation. The row that a case gives begins with the fields of the case. Nothing else than its case and the
    configuration may enter a row, so that a run that was interrupted ends as if it had not been.

    Attributes:
        title: one line.
        question: Markdown, what is asked and how it is measured.
        dtype: of the computations that are studied, in words.
        row: the class of the rows, a dataclass of str, int and float.
    """

    title: ClassVar[str]
    question: ClassVar[str]
    dtype: ClassVar[str]
    row: ClassVar[type]

    @classmethod
    @abc.abstractmethod
    def quick(cls) -> "AbstractStudy":
        """The same study in about a minute."""

    @abc.abstractmethod
    def cases(self) -> Sequence[Case]:
        """All cases in the order of measurement; those that share a compiled program are neighbours."""

    @abc.abstractmethod
    def measure(self, cases: Sequence[Case]) -> Iterator[Any]:
        """The rows of some of the cases, in their order, one by one."""

    @abc.abstractmethod
    def report(self, rows: Sequence[Any]) -> Report:
        """The report on all rows, in the order of the cases."""


def markdown_table(lines: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    """A table in Markdown, its cells as they are."""
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)
