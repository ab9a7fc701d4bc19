"""The state of a training in a file, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx

State = TypeVar("State")


def save(path: Path | None, name: str, curves: Any, state: Any) -> None:
    """Keeps it in place of whatever the file held.

    Args:
        path: of the file; None keeps nothing.
        name: of the training.
        curves: JSON values; NaN is one of them here.
        state: its arrays.
    """
    if path is None:
        return
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        file.write(json.dumps({"name": name, "curves": curves}).encode() + b"\n")
        eqx.tree_serialise_leaves(file, state)
    os.replace(draft, path)


def restore(path: Path | None, name: str, state: State) -> tuple[Any, State] | None:
    """Curves and state as they were kept, or None if the file is not of the training of this name.

    Args:
        path: of the file; None has nothing.
        name: of the training.
        state: of the same shapes.
    """
    if path is None or not path.exists():
        return None
    with path.open("rb") as file:
        kept = json.loads(file.readline())
        return (kept["curves"], eqx.tree_deserialise_leaves(file, state)) if kept["name"] == name else None
