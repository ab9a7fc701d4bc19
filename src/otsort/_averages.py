"""Averages that keep the digits of float32."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float


def origin(values: Float[Array, "n *d"]) -> Float[Array, "1 *d"]:
    """What values should be counted from when they are averaged: the one nearest to zero if all have one sign, or zero.

    Differences to it are exact where values lie close together, and never larger than twice the values. An average of
    differences, plus the origin, loses no digits to an offset that all values share.
    """
    low, high = jnp.min(values, axis=0, keepdims=True), jnp.max(values, axis=0, keepdims=True)
    return stop_gradient(jnp.clip(jnp.zeros_like(low), low, high))


def within_range(means: Float[Array, "k *d"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    """Averages of the values, moved into their range where rounding or a table took them out; derivatives are kept."""
    low, high = jnp.min(values, axis=0, keepdims=True), jnp.max(values, axis=0, keepdims=True)
    return means + stop_gradient(jnp.clip(means, low, high) - means)


def centred(average: Callable[[Array], Array], values: Float[Array, "n *d"]) -> Float[Array, "k *d"]:
    """Averages of values, by a function that need not keep an offset's digits, within the range of the values."""
    start = origin(values)
    return within_range(start + average(values - start), values)
