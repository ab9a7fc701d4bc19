"""Numbers with more digits than the dtype of computation: large integers, and float64 where JAX computes in float32."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._checks import as_own


def are_lost(x: Array | np.ndarray, dtype: jnp.dtype) -> bool:
    """Returns whether a cast of x to a floating-point dtype may round its numbers."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.finfo(x.dtype).nmant > jnp.finfo(dtype).nmant
    return x.dtype != bool and jnp.iinfo(x.dtype).bits > jnp.finfo(dtype).nmant + 1


def in_parts(x: Array | np.ndarray, dtype: jnp.dtype) -> tuple[Float[Array, "..."], ...]:
    """Returns three arrays whose sum is x, exactly, the lowest digits first."""
    split = _float_parts if jnp.issubdtype(x.dtype, jnp.floating) else _integer_parts
    low, middle, high = (as_own(part, dtype) for part in split(x, dtype))
    return low, middle, high


def _integer_parts(x, dtype):
    width = min(jnp.finfo(dtype).nmant + 1, jnp.iinfo(x.dtype).bits // 2)  # bits of a part, which the dtype holds
    mask = (1 << width) - 1
    low, middle = x & mask, (x >> width & mask) << width
    return low, middle, x - low - middle


def _float_parts(x, dtype):
    if not isinstance(x, np.ndarray):
        return jnp.zeros_like(x), jnp.zeros_like(x), x
    parts, rest = [], x.astype(np.float64)
    for _ in range(3):
        with np.errstate(over="ignore"):
            part = rest.astype(dtype)
        parts.append(part)
        rest = np.where(np.isfinite(part), rest - np.where(np.isfinite(part), part, 0), 0)
    return parts[::-1]


def exact_order(x: Array | np.ndarray, dtype: jnp.dtype) -> Int[Array, "..."] | None:
    """Returns integers that are ordered as x is, exactly; None if the dtype holds the numbers of x themselves."""
    if not are_lost(x, dtype):
        return None
    if not isinstance(x, np.ndarray):
        return x
    if not x.size or _are_held(x, dtype):
        return None
    return jnp.asarray(np.unique(x, return_inverse=True)[1].reshape(x.shape).astype(np.int32))


def _are_held(x: np.ndarray, dtype: jnp.dtype) -> bool:
    """Returns whether a floating-point dtype holds each of the numbers."""
    if np.issubdtype(x.dtype, np.integer):
        most = 2 ** (jnp.finfo(dtype).nmant + 1)
        return -most <= x.min() and x.max() <= most
    with np.errstate(over="ignore"):
        return np.array_equal(x.astype(dtype), x, equal_nan=True)
