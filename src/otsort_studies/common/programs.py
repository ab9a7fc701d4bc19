"""Limits the memory maps of compiled programs, of which the operating system allows a fixed number."""

from pathlib import Path

import jax

_MAPS = Path("/proc/self/maps")
_MOST = 40_000  # Linux allows 65 530 memory maps per process, and a program needs some for each of its kernels


def drop_programs() -> None:
    """Drops all compiled programs if they use so many memory maps that the process would soon be killed."""
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST:
        jax.clear_caches()
