"""Stores the state of a training in a file, which is written completely or not at all."""

import io
import json
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx

from ..folder import reading, replacing, writing

State = TypeVar("State")


def save(path: Path | None, name: str, curves: Any, state: Any) -> None:
    """Replaces the content of the file by the state of a training.

    Args:
        path: path of the file; None stores nothing.
        name: name of the training.
        curves: JSON values; NaN is allowed.
        state: arrays of the training.

    Raises:
        InputError: the file cannot be written. Its old content is kept.
    """
    if path is None:
        return
    with writing(path), replacing(path) as draft, draft.open("wb") as file:
        file.write(json.dumps({"name": name, "curves": curves}).encode() + b"\n")
        eqx.tree_serialise_leaves(file, state)


def restore(path: Path | None, name: str, state: State) -> tuple[Any, State] | None:
    """Returns the stored curves and state of a training.

    Args:
        path: path of the file; None means that nothing was stored.
        name: name of the training.
        state: a state with the same shapes.

    Returns:
        None if the file is damaged or belongs to another training. The training then starts from the beginning.

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
    except Exception:  # a damaged file can raise anything
        return None
