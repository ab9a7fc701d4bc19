"""Stores rows in a file of JSON lines that grows line by line."""

import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import InputError
from .folder import reading, writing
from .study import AbstractCase, Row


def read(path: Path, parts: Sequence[type[AbstractCase]]) -> tuple[dict[AbstractCase, Row], int]:
    """Returns the rows by case, and how many bytes hold them. An incomplete last line is not a row.

    Raises:
        InputError: a line before the last is not a row of one of the parts, or the file cannot be read.
    """
    kinds = {kind.part: kind for kind in parts}
    rows: dict[AbstractCase, Row] = {}
    size = 0
    with reading(path):
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError
            row = json.loads(line)
            rows[kinds[row["part"]].of(row)] = row
            size += len(line)
        except (ValueError, KeyError, TypeError):
            if number < len(lines):
                said = "delete this line and run the same command again, or choose another folder"
                raise InputError(f"line {number} of {path} is damaged: {said}") from None
    return rows, size


def resume(path: Path, parts: Sequence[type[AbstractCase]]) -> dict[AbstractCase, Row]:
    """Returns the rows by case, and cuts off an incomplete last line, so that rows can be appended.

    Raises:
        InputError: see `read`; or the file cannot be written to.
    """
    rows, size = read(path, parts)
    with writing(path):
        if path.exists():
            os.truncate(path, size)
    return rows


def append(path: Path, row: Row) -> None:
    """Appends a row, which is in the file when this function returns.

    Raises:
        InputError: the file cannot be written to, for example because the disk is full. The file is unchanged.
    """
    line = json.dumps(_finite(row), allow_nan=False) + "\n"
    with writing(path):
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line.encode())
        except OSError:
            with suppress(OSError):  # a part of the line may have been written
                os.truncate(path, size)
            raise


def _finite(value: Any) -> Any:
    """Replaces NaN and infinities by None, because JSON does not have them."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
