"""Checks of what users give: at once when a value is known, at run time when it is traced."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, DTypeLike, Float


def is_traced(value: Any) -> bool:
    """Whether a value is known only when the program runs."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value))


def as_array(value: ArrayLike) -> Array | np.ndarray:
    """Numbers, or lists of them, as an array; one of NumPy if they are known, so that checks are too."""
    if isinstance(value, jax.Array | np.ndarray):
        return value
    return jnp.asarray(value) if is_traced(value) else np.asarray(value)


def checked(
    value: ArrayLike,
    condition: Callable[[Any], Any],
    message: str,
    *,
    dtype: DTypeLike = float,
    throw: bool = True,
) -> Float[Array, "..."]:
    """A value as an array of floating-point numbers, every use of which depends on a condition.

    Args:
        value: of any shape.
        condition: gives truth values for the array, all of which have to be true.
        message: what is wrong and what to do about it.
        dtype: of the array.
        throw: a traced value raises where it is wrong; or else the array becomes NaN.

    Raises:
        ValueError: the value is known and wrong.
        RuntimeError: the value is traced and turns out wrong when the program runs, and throw is true.
    """
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if not is_traced(value):
        known = np.asarray(value, dtype)
        if not np.all(condition(known)):
            raise ValueError(message)
        return jnp.asarray(known)
    array = jnp.asarray(value, dtype)
    ok = jnp.all(condition(array))
    if not throw:
        return jnp.where(ok, array, jnp.nan)
    # Around an array that is spread over devices, the check would gather it on one.
    return array + eqx.error_if(jnp.zeros((), dtype), jnp.logical_not(ok), message)


def probabilities(weights: ArrayLike, name: str) -> Float[Array, " n"]:
    """Nonnegative weights, scaled to sum to one.

    Raises:
        ValueError, RuntimeError: as `checked`, for a negative weight or a zero sum. NaN passes through.
    """
    sound = lambda weights: ~(weights < 0).any() & (weights.sum() != 0)
    weights = checked(weights, sound, f"{name} must not be negative, nor all zero")
    return weights / jnp.sum(weights)


def checked_weights(
    weights: ArrayLike, shape: tuple[int, ...], axes: tuple[int, ...], throw: bool = True
) -> Float[Array, "..."]:
    """Weights of values of some shape, or of their shape along some axes: the same weights, not scaled.

    Raises:
        ValueError: another shape.
        ValueError, RuntimeError: as `checked`, for a negative weight, or a zero sum along the axes. NaN passes through.
    """
    weights, along = as_array(weights), tuple(shape[i] for i in axes)
    if weights.shape not in (shape, along):
        raise ValueError(
            f"weights must have the shape of the values, {shape}, or along the axes, {along}; got {weights.shape}"
        )
    axis = axes if weights.shape == shape else None
    sound = lambda weights: ~(weights < 0).any() & (weights.sum(axis=axis) != 0)
    message = "weights must not be negative, nor all zero"
    return checked(weights, sound, message, dtype=_dtypes(weights)[0], throw=throw)


def as_values(x: ArrayLike) -> tuple[Float[Array, "..."], jnp.dtype]:
    """x in the dtype of computation, and the dtype of the answer.

    Raises:
        ValueError: no values.
        TypeError: complex, or no numbers at all.
    """
    x = as_array(x)
    if x.size == 0:
        raise ValueError(f"there is nothing to sort: the input has shape {x.shape}")
    computing, answer = _dtypes(x)
    return jnp.asarray(x, computing), answer


def _dtypes(x: Array | np.ndarray) -> tuple[jnp.dtype, jnp.dtype]:
    """Those of computation and of the answer: integers count as real numbers, and half precision is too little."""
    dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    if jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.bool_):
        dtype = jax.dtypes.canonicalize_dtype(float)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"values must be real numbers, got {dtype}")
    return (jnp.dtype(jnp.float32) if dtype.itemsize < 4 else dtype), dtype
