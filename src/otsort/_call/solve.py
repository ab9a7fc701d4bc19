"""The public function `solve`: the plan of one list, with its accuracy."""

from jaxtyping import ArrayLike

from .._solver import AbstractSolver
from .._transport.solution import Solution
from .._transport.target import AbstractTarget
from .._types import Cost, Scalar, Squash
from .batch import Batch
from .options import Options


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
    """Solves the transport problem of one list of values and a target.

    The operators read their answers from the plan of such a problem. The `stats` of the solution include the solver's
    `diagnostics`, which operators do not compute. With `Quadrature`, this takes a second solve with finer sizes, for
    `discretisation_error`.

    Args:
        x: values, shape `(n,)`; use `jax.vmap` for batches. Integers are promoted, and float16 and bfloat16 are
            computed in float32. NaN makes the answer NaN. Infinity does too, except with the exact solver or with a
            squash that maps it into [0, 1], such as `otsort.squash.robust`.
        target: the target, a measure to transport the values to.
        solver: the method that computes the plan. If neither solver nor epsilon is given, it is `Newton()` or
            `Quadrature()`, whichever is estimated to be faster.
        epsilon: the amount of smoothing, in units of the cost. It is short for the default solver at this epsilon. The
            number 0 means `NorthWestCorner()`. A traced epsilon must be positive.
        weights: weights of the values, finite and nonnegative, shape `(n,)`, scaled to sum to 1; uniform if None.
        where: a boolean mask of the values that take part, shape `(n,)`; all if None. The plan has no mass for the
            others, whatever they are. Values pulled to them, or pushed from them, have no meaning. If no value takes
            part, the plan is that of n equal values.
        cost: even convex function of the displacement; `SquaredCost()` if None.
        squash: increasing map of the values into [0, 1]; `otsort.squash.logistic` if None. The exact solver needs none.
        throw: whether to raise an error if the solve misses its tolerance. If false, only `Solution.result` reports it.
            The compiled program then makes no callbacks, and traced weights that are out of range make the answer NaN.

    Returns:
        The plan, how the solve ended, and its statistics.

    Raises:
        ValueError: x is empty or not one-dimensional; weights or where have another shape; a weight is negative or not
            finite, or none is positive; epsilon is negative or not a scalar; the solver does not accept the target or
            the cost.
        TypeError: both epsilon and solver are given, solver is not a solver, values are not real, or where is not
            boolean.
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
    given = Options(weights=weights, where=where, solver=solver, epsilon=epsilon, cost=cost, squash=squash, throw=throw)
    batch = Batch(x, given)
    if len(batch.axes.shape) != 1:
        raise ValueError(f"x must be one list of values, shape (n,), got {batch.axes.shape}: use jax.vmap for batches")
    return batch.solve(target)
