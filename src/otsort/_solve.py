"""From numbers that a user typed to a solved problem."""

import numbers

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ._checks import probabilities, require
from ._cost import SquaredCost
from ._plan import MonotonePlan
from ._problem import Problem
from ._solution import RESULTS, Solution
from ._solver import SMALLEST_EPSILON, AbstractSolver, Newton, NorthWestCorner, Quadrature, compressible
from ._target import AbstractTarget
from ._types import Cost, Scalar, Squash
from .squash import logistic


def solve(
    x: ArrayLike,
    target: AbstractTarget,
    *,
    solver: AbstractSolver | None = None,
    epsilon: Scalar | None = None,
    weights: ArrayLike | None = None,
    cost: Cost | None = None,
    squash: Squash | None = None,
    throw: bool = True,
) -> Solution:
    """Transports one list of values to a target measure; the operators read their answers from the plan.

    With `Quadrature` it also solves with finer sizes, for `discretisation_error` in the `stats`; the operators do not.

    Args:
        x: values, shape `(n,)`; use `jax.vmap` for batches. Integers are promoted, float16 and bfloat16 computed in
            float32. A NaN or infinite value makes the answer NaN.
        target: measure to transport to.
        solver: if neither it nor epsilon is given, `Newton()`, or `Quadrature()` where that works on fewer entries.
        epsilon: short for the default solver at this epsilon, in units of the cost; the number 0 means
            `NorthWestCorner()`. A traced epsilon must be positive.
        weights: of the values, nonnegative, shape `(n,)`, scaled to sum to 1; uniform if None.
        cost: even convex function of the displacement; `SquaredCost()` if None.
        squash: increasing map of the values into [0, 1]; `otsort.squash.logistic` if None. The exact solver needs none.
        throw: raise if the solve misses its tolerance, or else say so in `Solution.result`.

    Raises:
        ValueError: x is empty or not one-dimensional, the weights' shape differs, epsilon is a negative number.
        TypeError: both epsilon and solver, or values that are not real.
        RuntimeError: the solve failed and throw is true, or a traced argument is out of range.
    """
    x, _ = as_values(x)
    if x.ndim != 1:
        raise ValueError(f"solve takes one list of values, shape (n,), got {x.shape}: use jax.vmap for batches")
    w = None if weights is None else as_values(weights)[0].astype(x.dtype)
    if w is not None and w.shape != x.shape:
        raise ValueError(f"weights must have the shape of the values, {x.shape}, got {w.shape}")
    a = jnp.full(x.size, 1 / x.size, x.dtype) if w is None else probabilities(w, "weights")
    target, cost = target.astype(x.dtype), cost or SquaredCost()
    solver = as_solver(solver, epsilon, x.size, target, cost)
    return _solve(x, a, target, solver, cost, squash or logistic, throw)


@eqx.filter_jit
def _solve(x, weights, target, solver, cost, squash, throw):
    problem = pose(x, weights, target, solver, cost, squash)
    solution = solve_problem(problem, solver, throw)
    stats = solution.stats | jax.lax.stop_gradient(solver.indicators(problem, solution.plan))
    return eqx.tree_at(lambda s: s.stats, solution, stats)


def pose(
    x: Float[Array, " n"],
    weights: Float[Array, " n"],
    target: AbstractTarget,
    solver: AbstractSolver,
    cost: Cost,
    squash: Squash,
) -> Problem:
    """The problem of arguments that are checked already."""
    positions = x if solver.order_only else squash(x, weights)
    # Whatever the squash and the solver: an answer that rests on NaN or infinity is NaN.
    positions = jnp.where(jnp.all(jnp.isfinite(x)), positions, jnp.nan)
    return Problem(positions, weights, target, cost)


def solve_problem(problem: Problem, solver: AbstractSolver, throw: bool) -> Solution:
    """The solution, which raises when it is used if the solve failed and throw is true."""
    solution = solver.solve(problem)
    if not throw or isinstance(solution.plan, MonotonePlan):  # the exact plan cannot fail
        return solution
    # NaN input is answered with NaN; whatever else went wrong is an error. The check sits on the potential: on an
    # operator's output, differentiation would drop it as dead code, and a long array it would gather on one device.
    finite = jnp.all(jnp.isfinite(problem.positions + problem.weights))
    failed = (solution.result != RESULTS.successful) & finite
    potential = lambda solution: solution.plan.potential
    return eqx.tree_at(potential, solution, solution.result.error_if(potential(solution), failed))


def as_values(x: ArrayLike) -> tuple[Float[Array, "..."], jnp.dtype]:
    """x in the dtype of computation, and the dtype of the answer.

    Raises:
        ValueError: no values.
        TypeError: complex, or no numbers at all.
    """
    x = jnp.asarray(x)
    if x.size == 0:
        raise ValueError(f"there is nothing to sort: the input has shape {x.shape}")
    if jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == bool:
        x = x.astype(float)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"values must be real numbers, got {x.dtype}")
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x, x.dtype


def as_solver(
    solver: AbstractSolver | None, epsilon: Scalar | None, n: int, target: AbstractTarget, cost: Cost
) -> AbstractSolver:
    """The solver that the two options name, its numbers made arrays so that another value does not recompile.

    Raises:
        TypeError: both options, or a solver that is none.
        ValueError: an epsilon that is negative, or not a scalar.
    """
    if solver is not None and epsilon is not None:
        raise TypeError("give either solver or epsilon: epsilon is short for the default solver at that epsilon")
    if solver is None:
        solver = _default_solver(1e-2 if epsilon is None else epsilon, n, target, cost)
    if not isinstance(solver, AbstractSolver):
        raise TypeError(f"solver must be a solver such as otsort.Newton(epsilon=1e-2), got {solver!r}")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, solver)


def _default_solver(epsilon: Scalar, n: int, target: AbstractTarget, cost: Cost) -> AbstractSolver:
    """Newton, or Quadrature where its problem is the smaller one."""
    if not isinstance(epsilon, numbers.Real):
        epsilon = jnp.asarray(epsilon, float)
        if epsilon.ndim:
            raise ValueError(f"epsilon must be a scalar, got shape {epsilon.shape}: use jax.vmap for several")
        return Newton(epsilon=require(epsilon, epsilon > 0, "a traced epsilon must be positive"))
    if epsilon == 0:
        return NorthWestCorner()
    newton = Newton(epsilon=float(epsilon))
    if epsilon < SMALLEST_EPSILON or not compressible(target, cost):
        return newton
    quadrature = Quadrature(epsilon=float(epsilon))
    return quadrature if quadrature.entries(n, target) < newton.entries(n, target) else newton
