"""Averages that keep the digits of float32."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from .._xla import with_jvp


def origin(values: Float[Array, "n *d"]) -> Float[Array, "1 *d"]:
    """What values should be counted from when they are averaged: the one nearest to zero if all have one sign, or zero.

    Differences to it are exact where values lie close together, and never larger than twice the values. An average of
    differences, plus the origin, loses no digits to an offset that all values share.
    """
    low, high = _ends(values)
    return stop_gradient(jnp.clip(jnp.zeros_like(low), low, high))


def within_range(means: Float[Array, "k *d"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    """Averages of the values, moved into their range where rounding or a table took them out; derivatives are kept."""
    return within(means, *_ends(values))


def within(
    array: Float[Array, "*shape"], low: Float[ArrayLike, "..."], high: Float[ArrayLike, "..."]
) -> Float[Array, "*shape"]:
    """Numbers moved into a range that rounding alone took them out of; derivatives are kept."""
    inside = (array >= low) & (array <= high)
    # Minus zero, as it leaves every number as it is, zeros of both signs and infinity among them.
    return array + stop_gradient(jnp.where(inside, -0.0, jnp.clip(array, low, high) - array))


def rising(array: Float[Array, "k *d"]) -> Float[Array, "k *d"]:
    """Numbers that do not decrease along the first axis but for rounding, without that; derivatives are kept."""
    return within(array, stop_gradient(jax.lax.cummax(array)), jnp.inf)


def with_value(value: Float[Array, "*shape"], smooth: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns a value, bit for bit, with the derivative of another array of its shape."""
    return with_jvp(lambda value, smooth: value, _with_value_jvp, value, smooth)


def _with_value_jvp(primals, tangents):
    value, smooth = primals
    return with_value(value, smooth), jnp.zeros_like(smooth) if tangents[1] is None else tangents[1]


def centred(average: Callable[[Array], Array], values: Float[Array, "n *d"]) -> Float[Array, "k *d"]:
    """Averages of values, by a function that need not keep an offset's digits, within the range of the values."""
    start = origin(values)
    return within_range(start + average(values - start), values)


def _ends(values: Float[Array, "n *d"]) -> tuple[Float[Array, "1 *d"], Float[Array, "1 *d"]]:
    """The least and the largest of the values."""
    return jnp.min(values, axis=0, keepdims=True), jnp.max(values, axis=0, keepdims=True)
