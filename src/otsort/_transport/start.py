"""Where a log-domain solver starts: callables `problem -> f`, the potential of `EntropicPlan`.

The ones here are modules, so that a solver that holds one passes through `jax.jit`; any function serves under
`equinox.filter_jit`.
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

_FEW = 256  # inputs that are compared each with each in less time than they are sorted

Start: TypeAlias = Callable[[Problem], Float[Array, " m"]]


class ExactStart(eqx.Module):
    """The dual potentials of the exact plan (epsilon = 0), in closed form.

    Where the mass sent to y_j ends and that of y_{j+1} begins, at X, both targets are equally good:
    f_{j+1} - f_j = h(y_{j+1} - X) - h(y_j - X). X is the quantile of the inputs at level B_j, the midpoint of a jump.
    Potentials are in units of the cost.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> def sweeps(start):
        ...     solver = otsort.LogSinkhorn(0.05, start=start)
        ...     return otsort.solve(x, otsort.UniformTarget(5), solver=solver).stats["num_steps"]
        >>> print(sweeps(otsort.exact_start) < sweeps(otsort.zero_start))
        True
    """

    def __call__(self, problem: Problem) -> Float[Array, "m *lists"]:
        if len(problem.positions) <= _FEW:
            return counted_start(problem)
        order = jnp.argsort(problem.positions)
        corners = sorted_corners(problem.positions[order], problem.weights[order], problem.target)
        return _potential(problem, corners)


class ZeroStart(eqx.Module):
    """The paper's: beta_0 = 0 in equation (3) of Cuturi et al. (2019), up to a constant where b is uniform.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.LogSinkhorn(0.05, tol=None, max_steps=100, start=otsort.ZeroStart())
        >>> print(otsort.rank(x, solver=solver))
        [1.35 2.71 2.22 3.99 4.74]
    """

    def __call__(self, problem: Problem) -> Float[Array, "m *lists"]:
        return jnp.zeros((problem.target.size, *problem.positions.shape[1:]), problem.positions.dtype)


class WarmStart(eqx.Module):
    """A potential kept from an earlier solve, `solution.plan.potential`: across the steps of a training, say.

    Attributes:
        potential: shape `(m,)`, in units of the cost; another value does not recompile.

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
    """X between each target and the next, for positions that do not decrease."""
    levels = cumulative_shares(weights)
    low, high = _cuts(target)
    # To the right of a level lies an input with mass, as far as there is one.
    below, above = (positions[jnp.searchsorted(levels, cut, side="right")] for cut in (low, high))
    return below / 2 + above / 2  # the sum may overflow


def cumulative_shares(weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns the share of the mass up to each input; the last is 1.

    Numerics: of weights that are equal or zero, all sums are exact, so that a share is the level of a uniform target
    wherever the two should be equal, however long the list is padded.
    """
    levels = jnp.cumsum(weights / stop_gradient(jnp.max(weights)))
    return levels / levels[-1]


def counted_start(problem: Problem) -> Float[Array, "m *lists"]:
    """`exact_start` for few inputs, by comparing each with each."""
    return start_from(counted_levels(problem.positions, problem.weights), problem)


def counted_entries(n: int) -> int:
    """How many comparisons `exact_start` holds at once."""
    return n**2 if n <= _FEW else 0


def counted_levels(x: Float[Array, "n *lists"], weights: Float[Array, "n *lists"]) -> Float[Array, "n *lists"]:
    """The share of the mass at each input and below."""
    masses = jnp.where(x[None, :] <= x[:, None], weights[None, :], 0)
    return sum_along(masses, 1) / jnp.sum(weights, axis=0, keepdims=True)


def start_from(levels: Float[Array, "n *lists"], problem: Problem) -> Float[Array, "m *lists"]:
    """`exact_start`, from the levels of few inputs.

    Below and above a corner is the least input with more mass up to it than the cut.
    """
    x = problem.positions
    first = lambda cut: jnp.min(jnp.where(levels[None, :] > cut[:, None], x[None, :], jnp.inf), axis=1)
    low, high = (per_target(cut, x) for cut in _cuts(problem.target))
    return _potential(problem, (first(low) + first(high)) / 2)


def _cuts(target: AbstractTarget) -> tuple[Float[Array, "k *lists"], Float[Array, "k *lists"]]:
    """The levels of the m - 1 corners, from below and above: levels that differ by rounding alone are one corner."""
    cuts = target.cumulative[:-1]
    slack = 4 * jnp.finfo(cuts.dtype).eps
    return jnp.maximum(cuts - slack, 0), jnp.minimum(cuts + slack, 1 - slack)


def _potential(problem: Problem, corners: Float[Array, "k *lists"]) -> Float[Array, "m *lists"]:
    """The one for which the targets on both sides of each corner are equally good there."""
    points = problem.points
    steps = problem.cost(points[1:] - corners) - problem.cost(points[:-1] - corners)
    return jnp.pad(jnp.cumsum(steps, axis=0), [(1, 0)] + [(0, 0)] * (steps.ndim - 1))
