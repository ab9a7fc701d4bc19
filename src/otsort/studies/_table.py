"""A table in a file that grows row by row."""

import csv
import dataclasses
from pathlib import Path
from typing import Any, Generic, TypeVar

from ._errors import InputError

Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows of one dataclass, whose fields are str, int or float, in a .csv file.

    A file that an interrupted run left behind is read again; a last line that was not finished is dropped.

    Attributes:
        rows: all of them, in the order of the file.

    Raises:
        InputError: the file holds something else.
    """

    def __init__(self, path: Path, kind: type[Row]):
        self.rows: list[Row] = []
        self._path = path
        self._fields: Any = {field.name: field.type for field in dataclasses.fields(kind)}  # pyright: ignore
        text = path.read_text() if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        lines = list(csv.reader(whole.splitlines()))
        if lines and lines[0] != list(self._fields):
            raise InputError(f"the columns of {path} are not those of this version: choose another folder")
        for number, line in enumerate(lines[1:], start=2):
            try:
                self.rows.append(kind(*(parse(cell) for parse, cell in zip(self._fields.values(), line, strict=True))))
            except ValueError:
                raise InputError(f"line {number} of {path} is damaged: choose another folder") from None
        if whole != text:
            path.write_text(whole)

    def append(self, row: Row) -> None:
        """Adds a row, which is in the file when this returns."""
        self.rows.append(row)
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(self._fields)
            writer.writerow([getattr(row, name) for name in self._fields])
