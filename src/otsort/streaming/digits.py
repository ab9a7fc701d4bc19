"""Sums and differences that lose no digits to a large offset, and stay finite up to the ends of the range."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np


def power_of_two(size: float, dtype: np.dtype) -> float:
    """Returns a power of two between a quarter and half of a positive size; division by it does not round.

    It is at least the smallest normal number of the dtype. Its reciprocal is normal too, for sizes within the range of
    the dtype.

    XLA: the compiler multiplies by the reciprocal, and treats numbers that are not normal as 0.
    """
    return max(2.0 ** (math.frexp(size)[1] - 2), float(jnp.finfo(dtype).tiny))


def two_sum(a: float, b: float) -> tuple[float, float]:
    """Returns the rounded sum a + b, and its rounding error (Knuth)."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def shifted(values: Any, unit: Any, high: Any, low: Any) -> Any:
    """Returns values / unit - (high + low), where high + low is one number with twice the digits of a dtype.

    Args:
        values: an array of NumPy or of JAX; the result is of the same kind.
        unit: a power of two, an array or scalar whose dtype is that of the result.
        high: the number to subtract, in the unit.
        low: the rounding error of high.
    """
    dtype = unit.dtype
    if not jnp.issubdtype(values.dtype, jnp.integer) or values.dtype.itemsize < 4:
        return (values.astype(dtype) / unit - high) - low
    # Numerics: integers of 64 bits have more digits than floats. They are split into two halves, each of which a float
    # holds, and differences of floats do not wrap around.
    bits = 4 * values.dtype.itemsize
    coarse, fine = (values >> bits).astype(dtype) * 2.0**bits, (values & (2**bits - 1)).astype(dtype)
    return (coarse / unit - high) + (fine / unit - low)
