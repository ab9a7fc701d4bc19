"""From one list to its transport plans."""

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
from .._xla import largest_anywhere
from .guard import GuardedPlan
from .one_list import OneList


class Transport(eqx.Module):
    """The transport of one list, or of lists in the last axis, whose plans are solved for when they are asked for.

    Attributes:
        positions: of the values, after the squash.
        order: integers in the exact order of the values; None where that is the order of the positions.
        weights: of the values, which sum to 1.
        solver: of the problems.
        cost: of a displacement.
        throw: whether an answer raises if its solve failed.
    """

    positions: Float[Array, "n *lists"]
    order: Int[Array, "n *lists"] | None
    weights: Float[Array, "n *lists"]
    solver: AbstractSolver
    cost: Cost
    throw: bool

    def plan_to(self, target: AbstractTarget) -> AbstractPlan:
        """Returns the plan to a target, guarded; values that are equal share what they send."""
        solution, guard = self.solve(self.problem(target))
        return GuardedPlan(solution.plan, guard)

    def untied_plan_to(self, target: AbstractTarget, descending: bool) -> AbstractPlan:
        """Returns the plan in which values that are equal are sent one after the other, by their position.

        Only the exact plan tells them apart.

        Args:
            target: of the plan.
            descending: the first of equal values goes to the largest of their targets, as in `jax.lax.top_k`.
        """
        if not self.solver.order_only:
            return self.plan_to(target)
        keys = self.positions if self.order is None else self.order
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
        # Input that is NaN gives answers that are NaN; whatever else went wrong is an error. The check is around a
        # scalar, as it would gather a long array on one device.
        failed = failed & jnp.all(jnp.isfinite(problem.positions + problem.weights), axis=0)
        # Of a batch, Equinox reports one result, and finds none in an empty batch. The index of success is 0.
        reported = jax.tree.map(lambda index: largest_anywhere(jnp.where(failed, index, 0)), solution.result)
        return solution, reported.error_if(guard, failed)


def squashed(
    one_list: OneList, solver: AbstractSolver, squash: Squash
) -> tuple[Float[Array, "n *lists"], Float[Array, "k *lists"] | None]:
    """Returns the positions at which the solver sees the values of a list, and other values among them."""
    x, weights, at = one_list.x, one_list.weights, one_list.at
    if x.ndim > 1:
        squash = jax.vmap(squash, in_axes=-1, out_axes=-1)
    if solver.order_only:
        return jnp.where(jnp.any(jnp.isnan(x), axis=0, keepdims=True), jnp.nan, x), at
    if at is None:
        positions = squash(x, weights)
    else:
        # Where NaN says nothing of the list, and infinity is far away.
        most = jnp.finfo(at.dtype).max
        finite = jnp.where(jnp.isnan(at), x[:1], jnp.clip(at, -most, most))
        with_others = jnp.concatenate([x, finite]), jnp.concatenate([weights, jnp.zeros_like(at)])
        positions, others = jnp.split(squash(*with_others), [len(x)])
        at = jnp.where(jnp.isnan(at), jnp.nan, others)
    # Whatever the squash and the solver: an answer that rests on NaN is NaN.
    sound = jnp.isfinite(positions) & ~jnp.isnan(x)
    return jnp.where(jnp.all(sound, axis=0, keepdims=True), positions, jnp.nan), at
