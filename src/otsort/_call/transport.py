"""From one list to its transport plan."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._checks import is_traced
from .._solver import AbstractSolver, Tolerances
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.solution import RESULTS, Solution
from .._transport.target import AbstractTarget, UniformTarget
from .._types import Cost, Scalar, Squash
from .._xla.layout import largest_anywhere
from .axes import Axes, Dims
from .default_solver import default_solver
from .guard import GuardedPlan
from .one_list import AbstractListwise, AbstractReading, AbstractTransport, Row


class Transported(AbstractListwise):
    """A reading with the transport that it reads from."""

    reading: AbstractReading
    solver: AbstractSolver
    cost: Cost
    squash: Squash
    throw: bool

    def __call__(self, row: Row) -> Float[Array, "..."]:
        positions, at = squashed(row, self.solver, self.squash)
        transport = _Transport(positions, row.order, row.weights, self.solver, self.cost, self.throw)
        return self.reading(dataclasses.replace(row, at=at), transport)

    def side_by_side(self, n: int) -> bool:
        return self.solver.side_by_side(n, self.reading.target or UniformTarget(n))

    def dims(self, axes: Axes) -> Dims:
        return self.reading.dims(axes)


class _Transport(AbstractTransport):
    positions: Float[Array, "n *lists"]
    order: Int[Array, "n *lists"] | None
    weights: Float[Array, "n *lists"]
    solver: AbstractSolver
    cost: Cost
    throw: bool

    def __call__(self, target: AbstractTarget) -> AbstractPlan:
        return self._plan(target, self.order)

    def untied(self, target: AbstractTarget, descending: bool) -> AbstractPlan:
        if not self.solver.order_only:
            return self(target)
        keys = self.positions if self.order is None else self.order
        sorts = len(keys) - 1 - jnp.argsort(keys[::-1]) if descending else jnp.argsort(keys)
        places = jnp.arange(len(keys), dtype=jnp.int32)
        return self._plan(target, jnp.zeros_like(places).at[sorts].set(places))

    def _plan(self, target: AbstractTarget, order: Int[Array, "n *lists"] | None) -> AbstractPlan:
        problem = Problem(self.positions, self.weights, target, self.cost, order)
        solution, one = solve_problem(problem, self.solver, self.throw)
        return GuardedPlan(solution.plan, one)


def squashed(
    row: Row, solver: AbstractSolver, squash: Squash
) -> tuple[Float[Array, "n *lists"], Float[Array, "k *lists"] | None]:
    """Returns where the solver sees the values of a list, and others among them."""
    x, weights, at = row.x, row.weights, row.at
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
        together = jnp.concatenate([x, finite]), jnp.concatenate([weights, jnp.zeros_like(at)])
        positions, others = jnp.split(squash(*together), [len(x)])
        at = jnp.where(jnp.isnan(at), jnp.nan, others)
    # Whatever the squash and the solver: an answer that rests on NaN is NaN.
    sound = jnp.isfinite(positions) & ~jnp.isnan(x)
    return jnp.where(jnp.all(sound, axis=0, keepdims=True), positions, jnp.nan), at


def solve_problem(problem: Problem, solver: AbstractSolver, throw: bool) -> tuple[Solution, Float[Array, ""]]:
    """The solution, and a one for its answers to be multiplied by: it raises if the solve failed and throw is true."""
    solution = solver.solve(problem)
    failed = solution.result != RESULTS.successful
    one = jnp.ones((), problem.positions.dtype)
    if not throw or not (is_traced(failed) or failed):
        return solution, one
    # NaN input is answered with NaN; whatever else went wrong is an error. The check is around a scalar, as it would
    # gather a long array on one device.
    failed = failed & jnp.all(jnp.isfinite(problem.positions + problem.weights), axis=0)
    # Of a batch, Equinox reports one result, and finds none in an empty batch. The index of success is 0.
    reported = jax.tree.map(lambda index: largest_anywhere(jnp.where(failed, index, 0)), solution.result)
    return solution, reported.error_if(one, failed)


def as_solver(
    solver: AbstractSolver | None, epsilon: Scalar | None, n: int, target: AbstractTarget, cost: Cost, throw: bool
) -> AbstractSolver:
    """The solver that the two options name, its numbers made arrays so that another value does not recompile.

    Raises:
        TypeError: both options, or a solver that is none.
        ValueError: an epsilon that is negative, or not a scalar.
    """
    if solver is not None and epsilon is not None:
        raise TypeError("give either solver or epsilon: epsilon is short for the default solver at that epsilon")
    if solver is None:
        solver = default_solver(1e-2 if epsilon is None else epsilon, n, target, cost, throw)
    if not isinstance(solver, AbstractSolver):
        raise TypeError(f"solver must be a solver such as otsort.Newton(epsilon=1e-2), got {solver!r}")
    is_tolerances = lambda leaf: isinstance(leaf, Tolerances)
    number = lambda leaf: leaf.of(target.dtype) if isinstance(leaf, Tolerances) else leaf
    array = lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf
    return jax.tree.map(array, jax.tree.map(number, solver, is_leaf=is_tolerances))
