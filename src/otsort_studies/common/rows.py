"""Rows in a file of JSON lines that grows line by line."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import InputError
from .study import AbstractCase, Row


def read(path: Path, parts: Sequence[type[AbstractCase]]) -> tuple[dict[AbstractCase, Row], int]:
    """The rows by their case, and how many bytes hold them: a last line that is torn is no row.

    Raises:
        InputError: a line before the last is not a row of one of the parts.
    """
    kinds = {kind.part: kind for kind in parts}
    rows: dict[AbstractCase, Row] = {}
    size = 0
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
                raise InputError(f"line {number} of {path} is damaged: choose another folder") from None
    return rows, size


def append(path: Path, row: Row) -> None:
    """Adds a row, which is in the file when this returns."""
    with path.open("a") as file:
        file.write(json.dumps(_finite(row), allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    """Without NaN and infinities, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
