"""Manages the folder of a run and its configuration, so that rows of two configurations never mix."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import InputError, accessing

CONFIG, ROWS, REPORT, CHECKPOINT = "config.json", "results.jsonl", "report.md", "checkpoint"
LOCK = "otsort.lock"  # a name that no file of a user has, because the file is removed


def claim(folder: Path, configuration: dict[str, Any]) -> None:
    """Writes the configuration into a new folder, or checks that the folder already has this configuration.

    Args:
        folder: created if it does not exist.
        configuration: JSON values; the date is added to them.

    Raises:
        InputError: the folder holds results of another configuration, or other files. Nothing was written.
    """
    with writing(folder):
        if (folder / CONFIG).exists():
            wanted = _flat(json.loads(json.dumps(configuration)))  # in the form in which it is read back
            found = _flat(read_config(folder))
            if (study := found.get("study")) != wanted.get("study"):
                raise InputError(f"{folder} holds a run of the study {study}: choose another --out")
            different = [name for name in {**wanted, **found} if wanted.get(name, ...) != found.get(name, ...)]
            if said := ", ".join(name for name in different if name != "date"):
                raise InputError(f"{folder} holds results of another configuration (see {said}): choose another --out")
            return
        own = folder / LOCK, _draft(folder / CONFIG)  # the draft remains if a run was killed before its first row
        if folder.exists() and any(other not in own for other in folder.iterdir()):
            raise InputError(f"{folder} holds other files: choose a new folder with --out")
        folder.mkdir(parents=True, exist_ok=True)
        dated = {**configuration, "date": datetime.now(UTC).isoformat(timespec="seconds")}
        write_text(folder / CONFIG, json.dumps(dated, indent=2, allow_nan=False) + "\n")


def writing(path: Path) -> AbstractContextManager[None]:
    """Reports in one line that a file or a folder cannot be written to."""
    return accessing(
        f"write to {path}", "free space or allow writing there, and repeat the command, which keeps all rows"
    )


def reading(path: Path) -> AbstractContextManager[None]:
    """Reports in one line that a file cannot be read."""
    return accessing(f"read {path}", "restore the file and allow reading it, or choose another folder")


def read_config(folder: Path) -> dict[str, Any]:
    """Reads the configuration of a run.

    Raises:
        InputError: the folder is not the folder of a run.
    """
    path = folder / CONFIG
    try:
        with reading(path):
            if path.exists():
                return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InputError(f"{path} is damaged: choose another folder") from None
    lack = f"has no {CONFIG}" if folder.is_dir() else "is no folder" if folder.exists() else "does not exist"
    raise InputError(
        f"FOLDER must be the folder of a run, got {folder}, which {lack}: give the one that compare or study wrote to "
        "(see --out)"
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields the path of a draft, which replaces the file at the end: it is written completely or not at all."""
    draft = _draft(path)
    try:
        yield draft
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Writes a text file completely or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _draft(path: Path) -> Path:
    return path.with_suffix(".tmp")


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Flattens nested dictionaries; the names of their entries are joined by a space."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= {f"{name} {key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat
