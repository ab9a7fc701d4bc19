"""Switches float64 in JAX on and off."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np


@contextlib.contextmanager
def precision(dtype: Any) -> Iterator[None]:
    """Sets up JAX as a user has it: float64 is enabled only for the dtype float64."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", np.dtype(dtype) == np.float64)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)
