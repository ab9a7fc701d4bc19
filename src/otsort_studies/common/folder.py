"""The folder of a run: its configuration, so that rows of two configurations never mix."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import InputError

CONFIG, ROWS, REPORT, CHECKPOINT = "config.json", "results.jsonl", "report.md", "checkpoint"


def claim(folder: Path, configuration: dict[str, Any]) -> None:
    """Makes the folder that of this configuration, or finds that it is already.

    Args:
        folder: made if it does not exist.
        configuration: of JSON values; the date is added to it.

    Raises:
        InputError: the folder holds results of another configuration, or anything else; nothing was written.
    """
    with writing(folder):
        if (folder / CONFIG).exists():
            wanted = _flat(json.loads(json.dumps(configuration)))  # as it is read
            found = _flat(read_config(folder))
            different = [name for name in {**wanted, **found} if wanted.get(name, ...) != found.get(name, ...)]
            if said := ", ".join(name for name in different if name != "date"):
                raise InputError(f"{folder} holds results of another configuration (see {said}): choose another --out")
            return
        draft = _draft(folder / CONFIG)  # of a run that was killed before its first row
        if folder.exists() and any(other != draft for other in folder.iterdir()):
            raise InputError(f"{folder} holds other files: choose a new folder with --out")
        folder.mkdir(parents=True, exist_ok=True)
        dated = {**configuration, "date": datetime.now(UTC).isoformat(timespec="seconds")}
        write_text(folder / CONFIG, json.dumps(dated, indent=2, allow_nan=False) + "\n")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tells in one line that a folder cannot be written to."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from None


def read_config(folder: Path) -> dict[str, Any]:
    """What was claimed.

    Raises:
        InputError: the folder is not that of a run.
    """
    path = folder / CONFIG
    try:
        return dict(json.loads(path.read_text()))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, TypeError):
        raise InputError(f"{path} is damaged: choose another folder") from None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    _draft(path).write_text(text)
    os.replace(_draft(path), path)


def _draft(path: Path) -> Path:
    return path.with_suffix(".tmp")


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The entries of its dictionaries, under both names, beside its own."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= {f"{name} {key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat
