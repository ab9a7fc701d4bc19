"""JAX with and without float64."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np


@contextlib.contextmanager
def precision(dtype: Any) -> Iterator[None]:
    """JAX as a user has it: with float64 only if it is asked for."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", np.dtype(dtype) == np.float64)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)
