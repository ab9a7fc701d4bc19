"""The step from one list to its transport plans."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._checks import is_traced
from .._solver import AbstractSolver
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.solution import RESULTS, Solution
from .._transport.target import AbstractTarget
from .._types import Cost, Squash
from .._xla import kept, largest_anywhere
from .guard import GuardedPlan
from .one_list import OneList


class Transport(eqx.Module):
    """The transport of one list, or of lists in the last axis; a plan is solved for when it is asked for.

    Attributes:
        positions: of the values, after the squash.
        order: integers that are ordered as the values are, exactly; None if the positions are ordered so.
        weights: of the values, which sum to 1.
        solver: of the problems.
        cost: of a displacement.
        throw: whether an answer raises if its solve failed.
        at: positions of other values, which plans place among those of the list; None for none.
    """

    positions: Float[Array, "n *lists"]
    order: Int[Array, "n *lists"] | None
    weights: Float[Array, "n *lists"]
    solver: AbstractSolver
    cost: Cost
    throw: bool
    at: Float[Array, "k *lists"] | None

    @classmethod
    def of(cls, one_list: OneList, squash: Squash, solver: AbstractSolver, cost: Cost, throw: bool) -> "Transport":
        """Returns the transport of a list, whose values are squashed."""
        positions, at = _squashed(one_list, squash, solver)
        return cls(positions, one_list.order, one_list.weights, solver, cost, throw, at)

    @property
    def keys(self) -> Array:
        """Returns the exact order of the values, or the positions if these are ordered as the values are."""
        return self.positions if self.order is None else self.order

    def plan_to(self, target: AbstractTarget) -> AbstractPlan:
        """Returns the guarded plan to a target, in which equal values share the mass that they send."""
        solution, guard = self.solve(self.problem(target))
        return GuardedPlan(solution.plan, guard)

    def untied_plan_to(self, target: AbstractTarget, descending: bool) -> AbstractPlan:
        """Returns the plan in which equal values are sent one after the other, in the order of the list.

        Only the exact plan tells equal values apart.

        Args:
            target: of the plan.
            descending: whether the first of equal values goes to the largest of their targets, as in `jax.lax.top_k`.
        """
        if not self.solver.order_only:
            return self.plan_to(target)
        keys = self.keys
        sorts = len(keys) - 1 - jnp.argsort(keys[::-1]) if descending else jnp.argsort(keys)
        places = jnp.arange(len(keys), dtype=jnp.int32)
        return dataclasses.replace(self, order=places.at[sorts].set(places)).plan_to(target)

    def problem(self, target: AbstractTarget) -> Problem:
        """Returns the problem with a target."""
        return Problem(self.positions, self.weights, target, self.cost, self.order)

    def solve(self, problem: Problem) -> tuple[Solution, Float[Array, ""]]:
        """Returns the solution of a problem, and its guard."""
        solution = self.solver.solve(problem)
        failed = solution.result != RESULTS.successful
        guard = jnp.ones((), problem.positions.dtype)
        if not self.throw or not (is_traced(failed) or failed):
            return solution, guard
        # NaN in the input makes the answers NaN; any other failure is an error. The check is around a scalar, because
        # it would gather a long array on one device.
        failed = failed & jnp.all(jnp.isfinite(problem.positions + problem.weights), axis=0)

        def worst(index: Array) -> Array:
            return largest_anywhere(jnp.where(failed, index, 0))  # 0 is success

        # Equinox reports one result of a batch, and finds none in an empty batch, so the largest index is taken here.
        return solution, kept(jax.tree.map(worst, solution.result).error_if(guard, failed))


def _squashed(
    one_list: OneList, squash: Squash, solver: AbstractSolver
) -> tuple[Float[Array, "n *lists"], Float[Array, "k *lists"] | None]:
    """Returns the positions that the solver is given for the values of a list, and for the other values."""
    x, weights, at = one_list.x, one_list.weights, one_list.at
    if x.ndim > 1:
        squash = jax.vmap(squash, in_axes=-1, out_axes=-1)
    if solver.order_only:
        return jnp.where(jnp.any(jnp.isnan(x), axis=0, keepdims=True), jnp.nan, x), at
    if at is None:
        positions = squash(x, weights)
    else:
        # Other values must not spoil the squash of the list: for it, NaN becomes a value of the list, and infinity the
        # largest number.
        most = jnp.finfo(at.dtype).max
        finite = jnp.where(jnp.isnan(at), x[:1], jnp.clip(at, -most, most))
        with_others = jnp.concatenate([x, finite]), jnp.concatenate([weights, jnp.zeros_like(at)])
        positions, others = jnp.split(squash(*with_others), [len(x)])
        at = jnp.where(jnp.isnan(at), jnp.nan, others)
    # Whatever squash and solver make of it, one NaN in a list makes all of its answers NaN.
    sound = jnp.isfinite(positions) & ~jnp.isnan(x)
    return jnp.where(jnp.all(sound, axis=0, keepdims=True), positions, jnp.nan), at
