"""The folder of a run: its configuration, so that results of two configurations never mix."""

import importlib.metadata
import json
import math
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax

import otsort

from ._errors import InputError


def environment() -> dict[str, Any]:
    """Versions and device: what results depend on beside the question asked."""
    packages = ("jax", "jaxlib", "equinox", "jaxopt", "numpy", "scipy", "scikit-learn", "optax", "ott-jax")
    versions = {"otsort": otsort.__version__, **{name: _version(name) for name in packages}}
    device = jax.devices()[0]
    return {
        "versions": {**versions, "python": platform.python_version()},
        "device": {"platform": device.platform, "kind": device.device_kind, "machine": platform.machine()},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def claim(folder: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """Makes the folder that of this configuration, or finds that it is already.

    Args:
        folder: made if it does not exist.
        configuration: of JSON values.

    Returns:
        What config.json holds: the configuration, and the date when the folder was made.

    Raises:
        InputError: the folder holds results of another configuration, or anything else.
    """
    try:
        return _claim(folder, configuration)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from None


def _claim(folder: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    path = folder / "config.json"
    if path.exists():
        found = _read(path)
        differences = [
            key for key in {**configuration, **found} if key != "date" and _differ(key, configuration, found)
        ]
        if differences:
            raise InputError(
                f"{folder} holds results of another configuration (see {', '.join(differences)}): choose another --out"
            )
        return found
    draft = path.with_suffix(".tmp")  # of a run that was killed before its first result
    if folder.exists() and any(other != draft for other in folder.iterdir()):
        raise InputError(f"{folder} holds other files: choose a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    content = {**configuration, "date": datetime.now(UTC).isoformat(timespec="seconds")}
    write_json(path, content)
    return content


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise InputError(f"{path} is damaged: choose a new folder with --out") from None


def _differ(key: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    return key not in one or key not in other or one[key] != other[key]


def write_json(path: Path, content: Any) -> None:
    """Writes a file whole or not at all."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    draft = path.with_suffix(".tmp")
    draft.write_text(text)
    os.replace(draft, path)


def json_row(row: Any) -> dict[str, Any]:
    """A row without NaN and infinities, which JSON does not know."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(row).items()
    }
