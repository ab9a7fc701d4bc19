"""Exact quantiles of a weighted list in O(n), without a sort."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._xla import kept, varying_as

# XLA: up to this many values, quantiles are found by comparing all pairs. In batches, this takes half the time or less
# up to 32 values, and more time from 64 values on (two CPU cores).
_MAX_COMPARED = 32


def quantiles(
    values: Float[Array, " n"],
    weights: Float[Array, " n"],
    levels: Sequence[float],
    wanted: Bool[Array, ""] | bool = True,
) -> Float[Array, " q"]:
    """Returns the quantiles of a list; for equal weights, they are those of `numpy.quantile`.

    A quantile is the mean of the values within a window of mass h = sum_i a_i^2, which is 1/n for equal weights. The
    window slides from the least value at level 0 to the largest at level 1. So quantiles are continuous in all values
    and weights, and ties share the derivative in proportion to their weights.

    Args:
        values: finite, shape `(n,)`; NaN makes all quantiles NaN.
        weights: nonnegative, summing to 1, shape `(n,)`.
        levels: in [0, 1].
        wanted: whether the answer is used; if not, it may be any number. It must be the same for all lists that
            `jax.vmap` puts together, see `otsort._xla.anywhere`.
    """
    width = jnp.sum(weights**2)
    low = jnp.asarray(levels, values.dtype) * (1 - width)
    # Numerics: rounding must not let the window reach a value that it only touches, which may be 1e9 times as large.
    margin = jnp.minimum(8 * jnp.finfo(values.dtype).eps, width / 4)
    low, high = low + margin, low + width - margin
    ends = stop_gradient(jnp.concatenate([low, high]))
    found = kept(_smallest_reaching(stop_gradient(values), stop_gradient(weights), ends, wanted))

    def mean(low: Array, high: Array, first: Array, last: Array) -> Array:
        """Returns the mean of the values between two levels; `first` and `last` are the values at these levels."""
        at_last = (values == last) & (last > first)
        of_last = jnp.clip(high - jnp.sum(jnp.where(values < last, weights, 0)), 0, high - low)
        shares = jnp.where((first < values) & (values < last), weights, 0)
        shares = (shares + jnp.where(at_last, of_last * normalised(weights, at_last), 0)) / (high - low)
        shares = shares + (1 - jnp.sum(shares)) * normalised(weights, values == first)
        return first + jnp.sum(shares * (values - first))

    return jax.vmap(mean)(low, high, *jnp.split(found, 2))


def normalised(weights: Float[Array, " n"], among: Bool[Array, " n"]) -> Float[Array, " n"]:
    """Returns the weights of the values that `among` marks, scaled to sum to 1, with zeros for the others.

    If the marked values have no weight, it returns all weights.
    """
    chosen = jnp.where(among, weights, 0)
    total = jnp.sum(chosen)
    some = total > 0
    return jnp.where(some, chosen, weights) / jnp.where(some, total, 1)


def _smallest_reaching(
    values: Float[Array, " n"], weights: Float[Array, " n"], levels: Float[Array, " q"], wanted: Bool[Array, ""] | bool
) -> Float[Array, " q"]:
    """Returns, for each level, the smallest value that has at least that much weight together with the values below it.

    Floating-point numbers are ordered as their bits are. The value is therefore found bit by bit, with one sum over the
    list for each bit.
    """
    if len(values) <= _MAX_COMPARED:
        upto = jnp.sum(jnp.where(values[:, None] <= values[None], weights[:, None], 0), axis=0)
        return jax.vmap(lambda level: jnp.min(jnp.where(upto < level, jnp.inf, values)))(levels)
    keys = _ordered_bits(values)
    bits, least = jnp.iinfo(keys.dtype).bits, jnp.iinfo(keys.dtype).min

    def step(i: Int[Array, ""], found: Int[Array, " q"]) -> Int[Array, " q"]:
        bit = jnp.left_shift(jnp.ones_like(found), (bits - 1 - i).astype(keys.dtype))
        candidates = found + bit  # from the least integer on, the first bit leads to 0
        below = jax.vmap(lambda candidate: jnp.sum(jnp.where(keys < candidate, weights, 0)))(candidates)
        return jnp.where(below < levels, candidates, found)

    start = varying_as(jnp.full(levels.shape, least, keys.dtype), (keys, weights, levels))
    found = jax.lax.fori_loop(0, jnp.where(wanted, bits, 0), step, start)
    return jnp.where(wanted, jax.lax.bitcast_convert_type(_flipped(found), values.dtype), values[:1])


def _ordered_bits(values: Float[Array, " n"]) -> Int[Array, " n"]:
    """Returns integers in the order of the values."""
    integers = jnp.dtype(f"int{jnp.finfo(values.dtype).bits}")
    return _flipped(jax.lax.bitcast_convert_type(values, integers))


def _flipped(bits: Int[Array, " n"]) -> Int[Array, " n"]:
    """Inverts all bits but the sign of negative numbers; applied twice, it returns the original bits."""
    return jnp.where(bits < 0, bits ^ jnp.iinfo(bits.dtype).max, bits)
