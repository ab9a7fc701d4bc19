"""Starts of log-domain solvers: callables `problem -> f` that give the first potential.

The starts in this module are Equinox modules, so a solver that holds one can pass through `jax.jit`. Under
`equinox.filter_jit`, a start can be any function.
"""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._xla import per_target, sum_along
from .problem import Problem
from .target import AbstractTarget

# XLA: up to this many inputs, comparing each with each takes less time than sorting them, because the compiler's sort
# is slow on a CPU.
MAX_COMPARED = 256

Start: TypeAlias = Callable[[Problem], Float[Array, " m"]]


class ExactStart(eqx.Module):
    """The dual potential of the exact plan (epsilon = 0), in closed form.

    In the exact plan, the mass for the target y_j ends at a position X_j, called a corner, and the mass for y_{j+1}
    begins there. Both targets are equally good at X_j, so f_{j+1} - f_j = h(y_{j+1} - X_j) - h(y_j - X_j). X_j is the
    quantile of the inputs at the cumulative target weight B_j. Where the quantile function jumps, X_j is the midpoint
    of the jump. Potentials are in units of the cost.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> def sweeps(start):
        ...     solver = otsort.LogSinkhorn(0.05, start=start)
        ...     return otsort.solve(x, otsort.UniformTarget(5), solver=solver).stats["num_steps"]
        >>> print(sweeps(otsort.exact_start) < sweeps(otsort.zero_start))
        True
    """

    def __call__(self, problem: Problem) -> Float[Array, "m *lists"]:
        if len(problem.positions) <= MAX_COMPARED:
            return counted_start(problem)
        order = jnp.argsort(problem.positions)
        corners = sorted_corners(problem.positions[order], problem.weights[order], problem.target)
        return _potential(problem, corners)


class ZeroStart(eqx.Module):
    """The zero potential, the start of the paper: beta_0 = 0 in equation (3) of Cuturi et al. (2019).

    Here f = 0, and in the paper beta = f + epsilon log b = 0. For equal weights b, the two differ by a constant alone.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.LogSinkhorn(0.05, tol=None, max_steps=100, start=otsort.ZeroStart())
        >>> print(otsort.rank(x, solver=solver))
        [1.35 2.71 2.22 3.99 4.74]
    """

    def __call__(self, problem: Problem) -> Float[Array, "m *lists"]:
        return jnp.zeros((problem.target.size, *problem.positions.shape[1:]), problem.positions.dtype)


class WarmStart(eqx.Module):
    """A start from the potential of an earlier solve, for example that of the last training step.

    Attributes:
        potential: `solution.plan.potential` of the earlier solve, shape `(m,)`, in units of the cost. Another value
            does not recompile the program.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> kept = otsort.solve(x, otsort.UniformTarget(5)).plan.potential
        >>> solver = otsort.LogSinkhorn(start=otsort.WarmStart(kept))
        >>> print(otsort.solve(x, otsort.UniformTarget(5), solver=solver).stats["num_steps"] <= 1)
        True
    """

    potential: Float[Array, " m"]

    def __call__(self, problem: Problem) -> Float[Array, " m"]:
        return self.potential.astype(problem.target.points.dtype)


#: `ExactStart()`, the default.
exact_start = ExactStart()
#: `ZeroStart()`.
zero_start = ZeroStart()


def sorted_corners(
    positions: Float[Array, " n"], weights: Float[Array, " n"], target: AbstractTarget
) -> Float[Array, " k"]:
    """Returns the corner between each target and the next, for sorted positions."""
    levels = cumulative_shares(weights)
    low, high = _cuts(target)
    # `side="right"` finds an input with mass. Inputs without mass have the level of the input before them.
    below, above = (positions[jnp.searchsorted(levels, cut, side="right")] for cut in (low, high))
    return below / 2 + above / 2  # Numerics: the sum of the two may overflow


def cumulative_shares(weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns the share of the mass up to each input; the last is 1.

    Numerics: the weights are divided by the largest, so sums of weights that are equal or zero are exact. A share then
    equals the level of a uniform target wherever it should, however long the padding of the list is.
    """
    levels = jnp.cumsum(weights / stop_gradient(jnp.max(weights)))
    return levels / levels[-1]


def counted_start(problem: Problem) -> Float[Array, "m *lists"]:
    """Returns the potential of `exact_start` for few inputs, by comparing each input with each."""
    return start_from(counted_levels(problem.positions, problem.weights), problem)


def counted_entries(n: int) -> int:
    """Returns how many comparisons `exact_start` holds in memory at once."""
    return n**2 if n <= MAX_COMPARED else 0


def counted_levels(x: Float[Array, "n *lists"], weights: Float[Array, "n *lists"]) -> Float[Array, "n *lists"]:
    """Returns the share of the mass at each input and below it."""
    masses = jnp.where(x[None, :] <= x[:, None], weights[None, :], 0)
    return sum_along(masses, 1) / jnp.sum(weights, axis=0, keepdims=True)


def start_from(levels: Float[Array, "n *lists"], problem: Problem) -> Float[Array, "m *lists"]:
    """Returns the potential of `exact_start` from the levels of few inputs, as `counted_levels` gives them."""
    x = problem.positions
    low, high = (counted_quantiles(levels, x, per_target(cut, x)) for cut in _cuts(problem.target))
    return _potential(problem, (low + high) / 2)


def counted_quantiles(
    levels: Float[Array, "n *lists"], x: Float[Array, "n *lists"], cuts: Float[Array, "k *lists"]
) -> Float[Array, "k *lists"]:
    """Returns the quantile of few inputs at each cut: the least input whose level is above the cut."""
    return jnp.min(jnp.where(levels[None, :] > cuts[:, None], x[None, :], jnp.inf), axis=1)


def _cuts(target: AbstractTarget) -> tuple[Float[Array, "k *lists"], Float[Array, "k *lists"]]:
    """Returns the levels of the m - 1 corners twice: moved a little down, and moved a little up.

    Numerics: where a level of the inputs equals a level of the target, the quantile function of the inputs jumps. The
    two cuts lie on either side of the jump, even if rounding has separated the two levels.
    """
    cuts = target.cumulative[:-1]
    slack = 4 * jnp.finfo(cuts.dtype).eps
    return jnp.maximum(cuts - slack, 0), jnp.minimum(cuts + slack, 1 - slack)


def _potential(problem: Problem, corners: Float[Array, "k *lists"]) -> Float[Array, "m *lists"]:
    """Returns the potential for which the two targets next to each corner are equally good there."""
    points = problem.points
    steps = problem.cost(points[1:] - corners) - problem.cost(points[:-1] - corners)
    return jnp.pad(jnp.cumsum(steps, axis=0), [(1, 0)] + [(0, 0)] * (steps.ndim - 1))
