"""Knots on [0, 1] that follow the data: they are dense where functions of the plan vary fast.

Both conditional means of an entropic plan with squared cost, E[y | x] and E[x | y], are nondecreasing maps of [0, 1]
into itself, with

    d/dx E[y | x] = (2 / epsilon) Var[y | x].

Functions of the plan vary on the scale l(x) = epsilon / (2 sd(x)), the *local length*, where sd^2 is that variance.
The number of local lengths in [0, 1] is the integral of 1 / l = (2 / epsilon d/dx E[y | x])^(1/2). By the inequality of
Cauchy and Schwarz it is at most (2 / epsilon)^(1/2), however the data are spread. A number of knots in proportion to
this bound therefore serves all data, and is known when a program is compiled.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

#: The most that the local length may grow per unit of distance. Without a limit, resolution would end where a steep
#: transition ends, although functions of the plan still vary there.
_GROWTH = 0.7


def num_lengths(epsilon: float) -> float:
    """Returns the number of local lengths in [0, 1] that sizes are made for.

    It is the bound of the module's docstring, with the terms that `adapted_knots` adds to 1 / l.
    """
    return 1.15 * math.sqrt(2 / epsilon) + 2


def adapted_knots(means: Float[Array, " grid"], epsilon: Float[Array, ""], count: int) -> Float[Array, " k"]:
    """Returns knots from 0 to 1 with the same number of local lengths between neighbours.

    Args:
        means: a conditional mean, in [0, 1] and nondecreasing, on a regular grid of [0, 1]. Its rise over a cell of the
            grid bounds the number of local lengths in the cell (Cauchy and Schwarz), also where it is steeper than the
            grid can resolve.
        epsilon: regularisation.
        count: number of intervals, one less than the number of knots.
    """
    cells = means.size - 1
    index = jnp.arange(cells, dtype=jnp.int32)
    centres = (index.astype(means.dtype) + 0.5) / cells
    steepness = jnp.sqrt(2 / epsilon * cells * jnp.maximum(jnp.diff(means), 0))
    # The grid is coarse, so a cell counts as at least as steep as its neighbours. The two other terms keep some knots
    # where the mean is flat.
    padded = jnp.pad(steepness, 1)
    widened = jnp.maximum(steepness, jnp.maximum(padded[2:], padded[:-2]))
    scale = 1 / (widened + 0.15 * jnp.mean(steepness) + 2)
    # XLA: there are few cells. Comparing and multiplying each with each takes less time than scans and searches, and
    # less time to compile, because cumulative sums, minima and searches become dozens of operations each.
    scale = jnp.min(scale[:, None] + _GROWTH * jnp.abs(centres[:, None] - centres[None, :]), axis=0)
    before = (index[:, None] < jnp.arange(cells + 1, dtype=jnp.int32)[None, :]).astype(means.dtype)
    lengths = jnp.sum(before / scale[:, None], axis=0)
    levels = jnp.arange(count + 1, dtype=means.dtype) * (lengths[-1] / count)
    cell = jnp.sum((lengths[None, 1:-1] <= levels[:, None]).astype(jnp.int32), axis=1)
    take = lambda array: array.at[cell].get(mode="promise_in_bounds")
    knots = (cell.astype(means.dtype) + (levels - take(lengths[:-1])) * take(scale)) / cells
    # Numerics: rounding may leave the last knot beside 1, and points up to 1 have to lie in the last interval.
    return knots.at[-1].set(1)
