"""Rows of a matrix that are cut off at a threshold, so that the rest has the weighted sum 1: a weighted sparsemax.

Of the values v of a row with weights w, S = max(v - L, 0) with sum w S = 1 defines the threshold L. It is where the
softmax has the logarithm of its normaliser (Martins and Astudillo, 2016).

For any set of entries, the level at which they alone would have the sum 1 is (sum w v - 1) / sum w. The threshold is
the largest of these levels, and the set that attains it consists of the largest entries.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._xla import anywhere, max_along, sum_along, varying_as, with_jvp

# XLA: up to this many entries, comparing each with each is faster than Newton's loop. For 2 entries it takes a fifth of
# the time, and for 10 twice the time (`benchmarks/scripts/thresholds.py`).
_MAX_COMPARED = 4
_MAX_STEPS = 50  # of Newton's method, which takes at most one for each entry of a row, and usually a few


def thresholds(
    values: Float[Array, "k l *lists"],
    weights: Float[Array, "l *lists"],
    at_least: Float[Array, "k *lists"] | float = -jnp.inf,
) -> Float[Array, "k *lists"]:
    """Returns the threshold L of each row, without a derivative.

    Args:
        values: v.
        weights: w, the same for all rows.
        at_least: a lower bound of L that is known; it saves steps.
    """
    values, weights = stop_gradient((values, weights))
    if values.shape[1] <= _MAX_COMPARED:
        return compared_thresholds(values, weights)
    return searched_thresholds(values, weights, at_least)


def compared_thresholds(
    values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]
) -> Float[Array, "k *lists"]:
    """Returns the threshold of each row of few entries, by comparing each with each."""
    top = _largest(values, weights)
    values = values - top[:, None]  # Numerics: the large entries, which count, become small numbers with finer digits
    at_least = values[:, None, :] >= values[:, :, None]
    mass = sum_along(jnp.where(at_least, weights[None, None], 0), 2)
    total = sum_along(jnp.where(at_least, (weights[None] * values)[:, None], 0), 2)
    levels = jnp.where(mass > 0, (total - 1) / jnp.where(mass > 0, mass, 1), -jnp.inf)
    return max_along(levels, 1) + top


@jax.jit  # a loop outside of any program is compiled anew at each call
def searched_thresholds(
    values: Float[Array, "k l *lists"],
    weights: Float[Array, "l *lists"],
    at_least: Float[Array, "k *lists"] | float = -jnp.inf,
) -> Float[Array, "k *lists"]:
    """Returns the threshold of each row by Newton's method.

    The sum that L has to solve is a convex decreasing function of L with kinks. Newton's method from below rises to the
    solution and reaches it after finitely many steps (Michelot, 1986).
    """
    # With the whole mass at its best target, the sum is at least 1.
    start = _largest(values - 1 / jnp.where(weights > 0, weights, 1)[None], weights)
    rounding = 4 * jnp.finfo(values.dtype).eps

    def step(search: _Search) -> _Search:
        above = jnp.maximum(values - search.level[:, None], 0)
        mass = sum_along(jnp.where(above > 0, weights[None], 0), 1)
        missing = sum_along(weights[None] * above, 1) - 1
        level = search.level + jnp.maximum(missing, 0) / jnp.where(mass > 0, mass, 1)
        # Numerics: a step below the rounding of L changes nothing, however large the rest of the sum is.
        return _Search(level, (missing > rounding) & (level > search.level), search.step + 1)

    going_on = lambda search: anywhere(search.moving) & (search.step < _MAX_STEPS)
    begin = _Search(jnp.maximum(start, at_least), jnp.ones(start.shape, bool), jnp.zeros((), int))
    return jax.lax.while_loop(going_on, step, varying_as(begin, (values, weights))).level


class _Search(NamedTuple):
    level: Float[Array, "k *lists"]
    moving: Bool[Array, "k *lists"]
    step: Array


def _largest(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Returns the largest entry with weight of each row."""
    return max_along(jnp.where(weights[None] > 0, values, -jnp.inf), 1)


def cut_rows(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k l *lists"]:
    """Returns S = max(v - L, 0) of each row. Its derivative is that at a fixed set of positive entries."""
    return with_jvp(_cut_rows, _cut_rows_jvp, values, weights)


def rows_above(
    levels: Float[Array, "k *lists"], values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]
) -> Float[Array, "k l *lists"]:
    """Returns S = max(v - L, 0) of each row for known thresholds, which are constants: no derivative of it is right."""
    rows = jnp.maximum(values - levels[:, None], 0)
    # Numerics: the threshold is as exact as the values, whose rounding may be larger than that of the sum 1.
    return rows / sum_along(weights[None] * rows, 1)[:, None]


def _cut_rows(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k l *lists"]:
    return rows_above(thresholds(values, weights), values, weights)


def _cut_rows_jvp(primals, tangents):
    (values, weights), (values_dot, weights_dot) = primals, tangents
    rows = cut_rows(values, weights)  # called again: higher derivatives see the function, not a constant
    positive = (rows > 0).astype(rows.dtype)
    values_dot = jnp.zeros_like(values) if values_dot is None else values_dot
    change = weights[None] * positive * values_dot
    if weights_dot is not None:
        change = change + weights_dot[None] * rows
    shift = sum_along(change, 1) / sum_along(weights[None] * positive, 1)
    return rows, positive * (values_dot - shift[:, None])
