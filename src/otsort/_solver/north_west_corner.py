"""The exact solver, for epsilon = 0."""

from typing import ClassVar

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._transport.averages import rising
from .._transport.monotone_plan import MonotonePlan
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.solution import RESULTS, Solution
from .._transport.start import cumulative_shares
from .._transport.target import AbstractTarget
from .._xla import kept
from .base import AbstractSolver

_FEW_TARGETS = 4  # a quantile has three


class NorthWestCorner(AbstractSolver):
    """The exact solver (epsilon = 0) for every convex cost: Proposition 1 of Cuturi et al. (2019).

    It takes O((n + m) log(n + m)) time and O(n + m) memory. Inputs of equal value share their mass equally, as in the
    limit epsilon -> 0. The plan is locally constant in the inputs, so answers have derivatives in the inputs only
    through the values that are pushed. The masses of the plan have derivatives in the weights of inputs and targets.
    These are one-sided where the mass of an input and that of a target end at the same level.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 4.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.NorthWestCorner()))
        [1.  4.  2.5 2.5 5. ]
    """

    order_only: ClassVar[bool] = True

    def solve(self, problem: Problem) -> Solution:
        """Returns the exact plan, with zero steps in its `stats`."""
        keys = problem.positions if problem.order is None else problem.order
        order = kept(jnp.argsort(keys))
        positions, weights, keys = problem.positions[order], problem.weights[order], keys[order]
        tie = jnp.cumsum(jnp.concatenate([jnp.zeros(1, int), (keys[1:] != keys[:-1]).astype(int)]))
        levels = rising(cumulative_shares(weights))
        cuts = rising(_snap(problem.target.cumulative, levels))
        # A segment ends at each cumulative weight of either measure. Its source and its goal are the numbers of input
        # and of target weights that end before it.
        n, m = levels.size, problem.target.size
        reached = jnp.searchsorted(levels, cuts, side="right")
        from_target, goal = _ends_of_targets(reached + jnp.arange(m, dtype=reached.dtype), n + m)
        source = jnp.arange(n + m, dtype=goal.dtype) - goal
        source_end, goal_end = levels[source.clip(max=n - 1)], cuts[goal.clip(max=m - 1)]
        ends = jnp.where(from_target, goal_end, source_end)
        mass = jnp.diff(ends, prepend=jnp.zeros(1, ends.dtype))
        plan = MonotonePlan(
            positions,
            order,
            tie,
            source.clip(max=n - 1),
            goal.clip(max=m - 1),
            jnp.where(jnp.any(jnp.isnan(positions + weights)), jnp.nan, mass),
            weights,
            problem.target,
            problem.cost,
        )
        zero = jnp.zeros((), ends.dtype)
        stats = {"num_steps": jnp.asarray(0), "marginal_error": plan.marginal_error(), "tol": zero}
        return Solution(plan, RESULTS.successful, stats, None)

    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Returns no entries; see `AbstractSolver.diagnostics`."""
        return {}

    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """Returns n + m; see `AbstractSolver.peak_entries`."""
        return n + target.size


def _ends_of_targets(places: Int[Array, " m"], number: int) -> tuple[Bool[Array, " k"], Int[Array, " k"]]:
    """Returns, for each segment, whether it ends where a target ends, and how many targets end before it.

    Args:
        places: indices of the segments with which targets end, increasing.
        number: number of segments.
    """
    if len(places) <= _FEW_TARGETS:
        # XLA: with few targets, comparisons fuse with the code that uses them. A scatter and a cumulative sum would
        # each pass over memory, for every quantile (`benchmarks/scripts/order_statistics.py`).
        index = jnp.arange(number, dtype=places.dtype)[None]
        return jnp.any(places[:, None] == index, axis=0), jnp.sum(places[:, None] < index, axis=0, dtype=places.dtype)
    ends = jnp.zeros(number, places.dtype).at[places].set(1)
    return ends == 1, jnp.cumsum(ends) - ends


def _snap(cuts: Float[Array, " m"], levels: Float[Array, " n"]) -> Float[Array, " m"]:
    """Returns the cuts, moved to the nearest level if only rounding separates them; their derivative is kept.

    Numerics: a cut that misses a level by rounding would leave a segment with the mass of a rounding error, between an
    input and a target that share no mass.
    """
    place = jnp.searchsorted(levels, cuts).clip(1, max(1, levels.size - 1))
    below, above = levels[place - 1], levels[place.clip(max=levels.size - 1)]
    nearest = jnp.where(cuts - below < above - cuts, below, above)
    close = jnp.abs(nearest - cuts) <= 4 * jnp.finfo(cuts.dtype).eps
    return stop_gradient(jnp.where(close, nearest, cuts)) + (cuts - stop_gradient(cuts))
