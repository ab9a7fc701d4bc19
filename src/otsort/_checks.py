"""Checks of what users give: at once when a value is known, at run time when it is traced."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float

from ._axes import Axes


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
    array = jnp.asarray(value, dtype) if is_traced(value) else np.asarray(value, dtype)
    ok = condition(array)
    if not is_traced(ok):
        if not np.all(ok):
            raise ValueError(message)
        return jnp.asarray(array)
    array, ok = jnp.asarray(array), jnp.all(ok)
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
    weights: ArrayLike, where: Bool[Array, "..."] | np.ndarray | None, axes: Axes, throw: bool = True
) -> Float[Array, "..."]:
    """Weights of the values of an array, or of its shape along the axes: the same weights, not scaled.

    Args:
        weights: of values.
        where: which take part, of the same shapes; all for None.
        axes: that hold a list.
        throw: see `checked`.

    Raises:
        ValueError: another shape.
        ValueError, RuntimeError: as `checked`, for a negative weight, or a zero sum in a list. NaN passes through.
    """
    weights, mask = as_array(weights), np.ones((1,) * len(axes.shape), bool) if where is None else axes.expanded(where)
    _check_shape(weights, axes, "weights")
    module = jnp if is_traced((weights, where)) else np

    def sound(weights: Any) -> Any:
        weights = module.where(mask, axes.expanded(weights), 0)
        none = (weights.sum(axis=axes.chosen) == 0) & mask.any(axis=axes.chosen)
        return ~(weights < 0).any() & ~none.any()

    message = "weights must not be negative, nor all zero"
    return checked(weights, sound, message, dtype=_dtypes(weights)[0], throw=throw)


def as_mask(where: ArrayLike, axes: Axes) -> Bool[Array, "..."] | np.ndarray:
    """What takes part, of the shape of an array or of its shape along the axes.

    Raises:
        ValueError: another shape.
        TypeError: it is not boolean.
    """
    where = as_array(where)
    if where.dtype != bool:
        raise TypeError(f"where must be boolean, such as x > 0, got {where.dtype}")
    _check_shape(where, axes, "where")
    return where


def _check_shape(array: Array | np.ndarray, axes: Axes, name: str) -> None:
    if array.shape not in (axes.shape, axes.lengths):
        raise ValueError(
            f"{name} must have the shape of the values, {axes.shape}, or along the axes, {axes.lengths}; "
            f"got {array.shape}"
        )


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
