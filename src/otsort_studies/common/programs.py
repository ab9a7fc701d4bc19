"""Keeps compiled programs within what the operating system allows."""

from pathlib import Path

import jax

_MAPS = Path("/proc/self/maps")
_MOST = 40_000  # Linux lets a process map 65 530 pieces of memory, and a program takes some for each of its kernels


def drop_programs() -> None:
    """Drops all compiled programs if they take so many pieces of memory that the process would soon be killed."""
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST:
        jax.clear_caches()
