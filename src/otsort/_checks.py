"""Checks of values: at once when the value is known, at run time when it is traced."""

from typing import TypeVar

import equinox as eqx
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

_Arrays = TypeVar("_Arrays")


def require(arrays: _Arrays, ok: Bool[ArrayLike, "..."], message: str) -> _Arrays:
    """Returns `arrays`, whose every use then depends on `ok` being true.

    Args:
        arrays: an array of any shape, or a tree of them.
        ok: one or several truth values computed from it.
        message: what is wrong and what to do about it.

    Raises:
        ValueError: `ok` is known and false.
        RuntimeError: `ok` is traced and turns out false when the program runs.
    """
    if isinstance(ok, jax.core.Tracer):
        return eqx.error_if(arrays, jnp.logical_not(ok), message)
    if not np.all(ok):
        raise ValueError(message)
    return arrays


def probabilities(weights: Float[Array, "... n"], name: str) -> Float[Array, "... n"]:
    """Scales nonnegative weights to sum to one along the last axis.

    Raises:
        ValueError, RuntimeError: as `require`, for a negative weight or a zero sum. NaN passes through.
    """
    weights = require(weights, ~jnp.any(weights < 0), f"{name} must not be negative")
    total = jnp.sum(weights, axis=-1, keepdims=True)
    total = require(total, ~jnp.any(total == 0), f"{name} must not all be zero")
    return weights / total
