"""Where a transport needs resolution: knots on [0, 1] that follow the data.

Both conditional means of an entropic plan with squared cost, E[y | x] and E[x | y], are nondecreasing maps of [0, 1]
into itself whose derivative is 2/epsilon times the conditional variance. All functions that the plan defines vary on
the scale of epsilon / (2 sd), sd the conditional deviation. As 2 sd / epsilon is the square root of 2/epsilon times
that derivative, the number of such lengths in [0, 1] is at most (2/epsilon)^(1/2), however the data are spread.
"""

import math

import jax
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
    grid = jnp.linspace(0, 1, cells + 1, dtype=means.dtype)
    centres = (grid[1:] + grid[:-1]) / 2
    steepness = jnp.sqrt(2 / epsilon * cells * jnp.maximum(jnp.diff(means), 0))
    padded = jnp.pad(steepness, 1)
    widened = jnp.maximum(steepness, jnp.maximum(padded[2:], padded[:-2]))
    scale = 1 / (widened + 0.15 * jnp.mean(steepness) + 2)
    from_left = jax.lax.cummin(scale - _GROWTH * centres) + _GROWTH * centres
    from_right = jax.lax.cummin(scale + _GROWTH * centres, reverse=True) - _GROWTH * centres
    lengths = jnp.cumsum(1 / jnp.minimum(from_left, from_right))
    lengths = jnp.concatenate([jnp.zeros(1, means.dtype), lengths / lengths[-1]])
    knots = jnp.interp(jnp.linspace(0, 1, count + 1, dtype=means.dtype), lengths, grid)
    return knots.at[-1].set(1)
