"""The state of a training in a file, written whole or not at all."""

import io
import json
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx

from ..folder import reading, replacing, writing

State = TypeVar("State")


def save(path: Path | None, name: str, curves: Any, state: Any) -> None:
    """Keeps it in place of whatever the file held.

    Args:
        path: of the file; None keeps nothing.
        name: of the training.
        curves: JSON values; NaN is one of them here.
        state: its arrays.

    Raises:
        InputError: it cannot be written; what the file held is kept.
    """
    if path is None:
        return
    with writing(path), replacing(path) as draft, draft.open("wb") as file:
        file.write(json.dumps({"name": name, "curves": curves}).encode() + b"\n")
        eqx.tree_serialise_leaves(file, state)


def restore(path: Path | None, name: str, state: State) -> tuple[Any, State] | None:
    """Reads curves and state as they were kept.

    Args:
        path: of the file; None has nothing.
        name: of the training.
        state: of the same shapes.

    Returns:
        None if the file is damaged or not of the training of this name, which then starts anew.

    Raises:
        InputError: the file cannot be read.
    """
    if path is None:
        return None
    with reading(path):
        if not path.exists():
            return None
        file = io.BytesIO(path.read_bytes())
    try:
        kept = json.loads(file.readline())
        return (kept["curves"], eqx.tree_deserialise_leaves(file, state)) if kept["name"] == name else None
    except Exception:  # whatever a damaged file leads to
        return None
