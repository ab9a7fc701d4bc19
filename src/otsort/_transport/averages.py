"""Averages that keep the digits of float32."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from .._xla import with_jvp


def origin(values: Float[Array, "n *d"]) -> Float[Array, "1 *d"]:
    """Returns the number that values are counted from while they are averaged.

    It is the value nearest to zero if all values have the same sign, and zero otherwise.

    Numerics: differences to the origin are exact where values lie close together, and never larger than the
    values. The origin plus an average of differences loses no digits to an offset that all values share.
    """
    low, high = _ends(values)
    return stop_gradient(jnp.clip(jnp.zeros_like(low), low, high))


def within_range(means: Float[Array, "k *d"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    """Returns averages of values, clipped to the range of the values; derivatives are kept.

    Rounding, or the interpolation of a table, may take an average out of that range.
    """
    return within(means, *_ends(values))


def within(
    array: Float[Array, "*shape"], low: Float[ArrayLike, "..."], high: Float[ArrayLike, "..."]
) -> Float[Array, "*shape"]:
    """Returns numbers clipped to a range that only rounding took them out of; derivatives are kept."""
    inside = (array >= low) & (array <= high)
    # Numerics: minus zero is added where nothing changes, because it leaves every number as it is, also zeros of both
    # signs and infinity. The derivative of a clip would be zero outside the range, so the correction is a constant.
    return array + stop_gradient(jnp.where(inside, -0.0, jnp.clip(array, low, high) - array))


def rising(array: Float[Array, "k *d"]) -> Float[Array, "k *d"]:
    """Returns numbers without the decreases along the first axis that only rounding caused; derivatives are kept."""
    return within(array, stop_gradient(jax.lax.cummax(array)), jnp.inf)


def with_value(value: Float[Array, "*shape"], smooth: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns `value`, bit for bit, with the derivative of `smooth`, an array of the same shape."""
    return with_jvp(lambda value, smooth: value, _with_value_jvp, value, smooth)


def _with_value_jvp(primals, tangents):
    value, smooth = primals
    return with_value(value, smooth), jnp.zeros_like(smooth) if tangents[1] is None else tangents[1]


def centred(average: Callable[[Array], Array], values: Float[Array, "n *d"]) -> Float[Array, "k *d"]:
    """Returns `average(values)` without losing digits to an offset, clipped to the range of the values.

    Args:
        average: maps values to weighted averages of them; it is called with the differences to `origin(values)`.
        values: what is averaged, along the first axis.
    """
    start = origin(values)
    return within_range(start + average(values - start), values)


def log_or_flat(shares: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the logarithm of nonnegative numbers; at 0 it is minus infinity, with the derivative 0."""
    nothing = shares == 0
    # Numerics: the inner `where` keeps the derivative of log(0) out of the gradient, where it would be NaN.
    return jnp.where(nothing, -jnp.inf, jnp.log(jnp.where(nothing, 1, shares)))


def _ends(values: Float[Array, "n *d"]) -> tuple[Float[Array, "1 *d"], Float[Array, "1 *d"]]:
    """Returns the least and the largest of the values."""
    return jnp.min(values, axis=0, keepdims=True), jnp.max(values, axis=0, keepdims=True)
