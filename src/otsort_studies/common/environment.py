"""What results depend on beside the question asked."""

import importlib.metadata
import platform
from typing import Any

import jax

import otsort

PACKAGES = ("jax", "jaxlib", "equinox", "jaxopt", "numpy", "scipy", "scikit-learn", "optax", "ott-jax")


def environment() -> dict[str, Any]:
    """Versions and device."""
    versions = {"otsort": otsort.__version__, **{package: _version(package) for package in PACKAGES}}
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
