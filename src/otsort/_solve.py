"""From numbers that a user typed to a solved problem."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ._axes import Axes
from ._checks import as_mask, as_values, checked_weights, is_traced
from ._cost import SQUARED
from ._default import default_solver
from ._problem import Problem
from ._row import filled, taking_part
from ._solution import RESULTS, Solution
from ._solver import AbstractSolver
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
    where: ArrayLike | None = None,
    cost: Cost | None = None,
    squash: Squash | None = None,
    throw: bool = True,
) -> Solution:
    """Transports one list of values to a target measure; the operators read their answers from the plan.

    The `stats` of the solution have the solver's `diagnostics` too, which the operators do not pay for: with
    `Quadrature` it also solves with finer sizes, for `discretisation_error`.

    Args:
        x: values, shape `(n,)`; use `jax.vmap` for batches. Integers are promoted, float16 and bfloat16 computed in
            float32. A NaN or infinite value makes the answer NaN.
        target: measure to transport to.
        solver: if neither it nor epsilon is given, `Newton()` or `Quadrature()`, by their estimated time.
        epsilon: short for the default solver at this epsilon, in units of the cost; the number 0 means
            `NorthWestCorner()`. A traced epsilon must be positive.
        weights: of the values, nonnegative, shape `(n,)`, scaled to sum to 1; uniform if None.
        where: which values take part, boolean, shape `(n,)`; all if None. The plan has no mass for the others, whatever
            they are; what it pulls to them, and what is pushed from them, has no meaning. Where none takes part, the
            plan is that of one value.
        cost: even convex function of the displacement; `SquaredCost()` if None.
        squash: increasing map of the values into [0, 1]; `otsort.squash.logistic` if None. The exact solver needs none.
        throw: raise if the solve misses its tolerance, or else say so in `Solution.result`. Without it nothing calls
            back from the program: traced weights that are out of range make the answer NaN.

    Returns:
        The plan, how the solve ended, and its figures.

    Raises:
        ValueError: x is empty or not one-dimensional; weights or where of another shape; a negative weight, or none
            that is positive; epsilon negative or no scalar; a target or cost that the solver does not take.
        TypeError: both epsilon and solver, a solver that is none, values that are not real, where that is not boolean.
        RuntimeError: the solve failed and throw is true, or a traced argument is out of range.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solution = otsort.solve(x, otsort.UniformTarget(5))
        >>> print(solution.plan.as_matrix())
        [[0.2  0.   0.   0.   0.  ]
         [0.   0.03 0.17 0.   0.  ]
         [0.   0.16 0.03 0.   0.  ]
         [0.   0.   0.   0.2  0.  ]
         [0.   0.   0.   0.   0.2 ]]
        >>> print(solution.stats["marginal_error"] <= solution.stats["tol"])
        True
    """
    x, _ = as_values(x)
    if x.ndim != 1:
        raise ValueError(f"solve takes one list of values, shape (n,), got {x.shape}: use jax.vmap for batches")
    axes = Axes.of(x.shape, 0)
    where = None if where is None else as_mask(where, axes)
    a = jnp.ones_like(x) if weights is None else checked_weights(weights, where, axes, throw).astype(x.dtype)
    if where is not None:
        where = jnp.asarray(where)
        x, a = filled(x, where), taking_part(a, where)
    target, cost = target.astype(x.dtype), cost or SQUARED
    solver = as_solver(solver, epsilon, x.size, target, cost, throw)
    return _solve(x, a / jnp.sum(a), target, solver, cost, squash or logistic, throw)


@eqx.filter_jit
def _solve(x, weights, target, solver, cost, squash, throw):
    positions, _ = squashed(x, weights, None, solver, squash)
    problem = Problem(positions, weights, target, cost)
    solution, one = solve_problem(problem, solver, throw)
    stats = solution.stats | jax.lax.stop_gradient(solver.diagnostics(problem, solution.plan))
    guard = lambda leaf: leaf * one.astype(leaf.dtype) if eqx.is_inexact_array(leaf) else leaf
    plan = jax.tree.map(guard, solution.plan)
    return Solution(plan, solution.result, stats, solution.state)


def squashed(
    x: Float[Array, "n *lists"],
    weights: Float[Array, "n *lists"],
    at: Float[Array, "k *lists"] | None,
    solver: AbstractSolver,
    squash: Squash,
) -> tuple[Float[Array, "n *lists"], Float[Array, "k *lists"] | None]:
    """Where the solver sees values, and others among them: of one list, or of many side by side."""
    if x.ndim > 1:
        squash = jax.vmap(squash, in_axes=-1, out_axes=-1)
    if solver.order_only:
        positions = x
    elif at is None:
        positions = squash(x, weights)
    else:
        # Where NaN says nothing of the list, and infinity is far away.
        most = jnp.finfo(at.dtype).max / 4
        finite = jnp.where(jnp.isnan(at), x[:1], jnp.clip(at, -most, most))
        together = jnp.concatenate([x, finite]), jnp.concatenate([weights, jnp.zeros_like(at)])
        positions, others = jnp.split(squash(*together), [len(x)])
        at = jnp.where(jnp.isnan(at), jnp.nan, others)
    # Whatever the squash and the solver: an answer that rests on NaN or infinity is NaN.
    return jnp.where(jnp.all(jnp.isfinite(x), axis=0, keepdims=True), positions, jnp.nan), at


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
    return solution, solution.result.error_if(one, failed)


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
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, solver)
