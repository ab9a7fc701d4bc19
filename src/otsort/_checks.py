"""Checks of what users give: at once when a value is known, at run time when it is traced."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

_Arrays = TypeVar("_Arrays")


def is_traced(value: Any) -> bool:
    """Whether a value is known only when the program runs."""
    return isinstance(value, jax.core.Tracer)


def require(arrays: _Arrays, ok: Bool[ArrayLike, "..."], message: str, throw: bool = True) -> _Arrays:
    """Returns floating-point `arrays`, whose every use then depends on `ok` being true.

    Args:
        arrays: an array of any shape, or a tree of them.
        ok: one or several truth values computed from it.
        message: what is wrong and what to do about it.
        throw: what is traced raises when it is wrong; or else the arrays become NaN.

    Raises:
        ValueError: `ok` is known and false.
        RuntimeError: `ok` is traced and turns out false when the program runs, and throw is true.
    """
    if not is_traced(ok):
        if not np.all(ok):
            raise ValueError(message)
        return arrays
    if not throw:
        return jax.tree.map(lambda array: jnp.where(jnp.all(ok), array, jnp.nan), arrays)
    # Around an array that is spread over devices, the check would gather it on one.
    zero = eqx.error_if(jnp.zeros(()), jnp.logical_not(ok), message)
    return jax.tree.map(lambda array: array + zero.astype(array.dtype), arrays)


def probabilities(weights: Float[Array, "... n"], name: str, throw: bool = True) -> Float[Array, "... n"]:
    """Scales nonnegative weights to sum to one along the last axis.

    Raises:
        ValueError, RuntimeError: as `require`, for a negative weight or a zero sum. NaN passes through.
    """
    weights = require(weights, ~jnp.any(weights < 0), f"{name} must not be negative", throw)
    total = jnp.sum(weights, axis=-1, keepdims=True)
    total = require(total, ~jnp.any(total == 0), f"{name} must not all be zero", throw)
    return weights / total


def checked_weights(
    weights: ArrayLike, shape: tuple[int, ...], axes: tuple[int, ...], throw: bool = True
) -> Float[Array, "..."]:
    """Weights of values of some shape, or of their shape along some axes: the same weights, not scaled.

    Raises:
        ValueError: another shape.
        ValueError, RuntimeError: as `require`, for a negative weight, or a zero sum along the axes. NaN passes through.
    """
    weights, _ = as_values(weights)
    along = tuple(shape[i] for i in axes)
    if weights.shape not in (shape, along):
        raise ValueError(
            f"weights must have the shape of the values, {shape}, or along the axes, {along}; got {weights.shape}"
        )
    known = jnp if is_traced(weights) else np
    axis = axes if weights.shape == shape else None
    weights = require(weights, known.all(~(known.asarray(weights) < 0)), "weights must not be negative", throw)
    total = known.sum(known.asarray(weights), axis=axis)
    return require(weights, known.all(total != 0), "weights must not all be zero", throw)


def as_values(x: ArrayLike) -> tuple[Float[Array, "..."], jnp.dtype]:
    """x in the dtype of computation, and the dtype of the answer.

    Raises:
        ValueError: no values.
        TypeError: complex, or no numbers at all.
    """
    x = jnp.asarray(x)
    if x.size == 0:
        raise ValueError(f"there is nothing to sort: the input has shape {x.shape}")
    if jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == bool:
        x = x.astype(float)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"values must be real numbers, got {x.dtype}")
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x, x.dtype
