"""Where a transport needs resolution: knots on [0, 1] that follow the data.

Both conditional means of an entropic plan with squared cost, E[y | x] and E[x | y], are nondecreasing maps of [0, 1]
into itself whose derivative is 2/epsilon times the conditional variance. All functions that the plan defines vary on
the scale of epsilon / (2 sd), sd the conditional deviation. As 2 sd / epsilon is the square root of 2/epsilon times
that derivative, the number of such lengths in [0, 1] is at most (2/epsilon)^(1/2), however the data are spread.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

#: Relative growth of the local scale per unit of length: resolution must not end where a steep transition does.
_GROWTH = 0.7


def num_lengths(epsilon: float) -> float:
    """The most local lengths that [0, 1] holds in `adapted_knots`."""
    return 1.15 * math.sqrt(2 / epsilon) + 2


def adapted_knots(means: Float[Array, " grid"], epsilon: Float[Array, ""], count: int) -> Float[Array, " k"]:
    """Knots 0 ... 1 between which functions of the plan vary equally much.

    Args:
        means: a conditional mean, in [0, 1] and nondecreasing, on a regular grid of [0, 1]. By the inequality of
            Cauchy and Schwarz its rise bounds the number of local lengths in each cell of the grid, also where
            it is steeper than the grid can see.
        epsilon: regularisation.
        count: number of intervals, one less than the knots returned.
    """
    cells = means.size - 1
    index = jnp.arange(cells, dtype=jnp.int32)
    centres = (index.astype(means.dtype) + 0.5) / cells
    steepness = jnp.sqrt(2 / epsilon * cells * jnp.maximum(jnp.diff(means), 0))
    padded = jnp.pad(steepness, 1)
    widened = jnp.maximum(steepness, jnp.maximum(padded[2:], padded[:-2]))
    scale = 1 / (widened + 0.15 * jnp.mean(steepness) + 2)
    # Few cells: comparing and multiplying each with each takes less time, and to compile, than scans and searches.
    scale = jnp.min(scale[:, None] + _GROWTH * jnp.abs(centres[:, None] - centres[None, :]), axis=0)
    before = (index[:, None] < jnp.arange(cells + 1, dtype=jnp.int32)[None, :]).astype(means.dtype)
    lengths = jnp.sum(before / scale[:, None], axis=0)
    levels = jnp.arange(count + 1, dtype=means.dtype) * (lengths[-1] / count)
    cell = jnp.sum((lengths[None, 1:-1] <= levels[:, None]).astype(jnp.int32), axis=1)
    take = lambda array: array.at[cell].get(mode="promise_in_bounds")
    knots = (cell.astype(means.dtype) + (levels - take(lengths[:-1])) * take(scale)) / cells
    return knots.at[-1].set(1)
