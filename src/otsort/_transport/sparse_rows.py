"""Rows of a matrix that are cut off at a threshold, so that the rest has the weighted sum 1: a weighted sparsemax.

Of the values v of a row with weights w, S = max(v - L, 0) with sum w S = 1 defines the threshold L. It is where the
softmax has the logarithm of its normaliser (Martins and Astudillo, 2016).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._xla import anywhere, max_along, sum_along, with_jvp

_MAX_STEPS = 50  # of Newton's method, which takes at most one for each entry of a row, and usually a few


@jax.jit  # a loop outside of any program is compiled anew at each call
def thresholds(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Returns the threshold L of each row, without a derivative.

    The sum that L has to solve is a convex decreasing function of L with kinks. Newton's method from below rises to the
    solution and reaches it after finitely many steps (Michelot, 1986).
    """
    values, weights = stop_gradient((values, weights))
    weighted = weights[None, :] > 0
    # With the whole mass at its best target, the sum is at least 1.
    start = max_along(jnp.where(weighted, values - 1 / jnp.where(weighted, weights[None, :], 1), -jnp.inf), 1)
    rounding = 4 * jnp.finfo(values.dtype).eps

    def step(search: _Search) -> _Search:
        above = jnp.maximum(values - search.level[:, None], 0)
        mass = sum_along(jnp.where(above > 0, weights[None, :], 0), 1)
        missing = sum_along(weights[None, :] * above, 1) - 1
        level = search.level + jnp.maximum(missing, 0) / jnp.where(mass > 0, mass, 1)
        return _Search(level, missing > rounding, search.step + 1)

    going_on = lambda search: anywhere(search.moving) & (search.step < _MAX_STEPS)
    return jax.lax.while_loop(going_on, step, _Search(start, jnp.ones(start.shape, bool), jnp.zeros((), int))).level


class _Search(NamedTuple):
    level: Float[Array, "k *lists"]
    moving: Bool[Array, "k *lists"]
    step: Array


def cut_rows(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k l *lists"]:
    """Returns S = max(v - L, 0) of each row. Its derivative is that at a fixed set of positive entries."""
    return with_jvp(_cut_rows, _cut_rows_jvp, values, weights)


def _cut_rows(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k l *lists"]:
    rows = jnp.maximum(values - thresholds(values, weights)[:, None], 0)
    # Numerics: the threshold is as exact as the values, whose rounding may be larger than that of the sum 1.
    return rows / sum_along(weights[None, :] * rows, 1)[:, None]


def _cut_rows_jvp(primals, tangents):
    (values, weights), (values_dot, weights_dot) = primals, tangents
    rows = cut_rows(values, weights)  # called again: higher derivatives see the function, not a constant
    positive = (rows > 0).astype(rows.dtype)
    values_dot = jnp.zeros_like(values) if values_dot is None else values_dot
    change = weights[None, :] * positive * values_dot
    if weights_dot is not None:
        change = change + weights_dot[None, :] * rows
    shift = sum_along(change, 1) / sum_along(weights[None, :] * positive, 1)
    return rows, positive * (values_dot - shift[:, None])
