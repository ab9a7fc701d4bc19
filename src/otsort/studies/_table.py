"""A table in a file that grows row by row."""

import csv
import dataclasses
import os
from pathlib import Path
from typing import Any, Generic, TypeVar

from ._errors import InputError

Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows of one dataclass, whose fields are str, int or float, in a .csv file.

    A file that an interrupted run left behind is read again; a last line that is not whole is cut off.

    Attributes:
        rows: all of them, in the order of the file.

    Raises:
        InputError: the file holds something else.
    """

    def __init__(self, path: Path, kind: type[Row]):
        self.rows: list[Row] = []
        self._path = path
        self._fields: Any = {field.name: field.type for field in dataclasses.fields(kind)}  # pyright: ignore
        content = path.read_bytes() if path.exists() else b""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        if lines and self._cells(lines[0]) != list(self._fields):
            raise InputError(f"the columns of {path} are not those of this version: choose another folder")
        for number, line in enumerate(lines[1:], start=2):
            try:
                cells = zip(self._fields.values(), self._cells(line), strict=True)
                self.rows.append(kind(*(parse(cell) for parse, cell in cells)))
            except ValueError:
                if number < len(lines):
                    raise InputError(f"line {number} of {path} is damaged: choose another folder") from None
                lines.pop()
        whole = sum(map(len, lines))
        if whole != len(content):
            os.truncate(path, whole)

    @staticmethod
    def _cells(line: bytes) -> list[str]:
        return next(csv.reader([line.decode(errors="replace")]), [])

    def append(self, row: Row) -> None:
        """Adds a row, which is in the file when this returns."""
        self.rows.append(row)
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(self._fields)
            writer.writerow([getattr(row, name) for name in self._fields])
