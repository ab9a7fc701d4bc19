"""The options that every operator takes."""

from collections.abc import Sequence
from typing import TypedDict

from jaxtyping import ArrayLike

from .._solver import AbstractSolver
from .._types import Cost, Scalar, Squash


class Options(TypedDict, total=False):
    """Options of every operator, by keyword.

    Attributes:
        axis: an axis, several (taken together as one list of values), or None for all; -1 unless given.
        weights: finite and nonnegative, of the shape of x, or of its shape along the axes; uniform unless given. They
            are shares, scaled to sum to 1, and not counts. A value of weight zero is as if it were not there: n counts
            the others, whose answers do not depend on it, and its own answer is its place among them.
        where: which values take part, all unless given; boolean, of the shape of x, or of its shape along the axes.
            Answers and derivatives are those of the lists without the other values, whatever these are: NaN, say. Ranks
            count what takes part, and sorted values come first. The rest of an answer is 0 and passes no gradient, as
            is all of a list in which no value takes part; for another filler, `jnp.where(where, answer, filler)`.
        solver: how to transport; unless given `Newton()` or `Quadrature()`, by their estimated time.
        epsilon: short for the default solver at that epsilon, in units of the cost; the number 0 gives the exact
            operators. With `solver` it is a TypeError.
        cost: even convex function of the displacement; `SquaredCost()` unless given.
        squash: increasing map into [0, 1]; `otsort.squash.logistic` unless given.
        throw: raise RuntimeError if the solve misses its tolerance (True unless given), or return its best. Without it
            nothing calls back from the program, which `jax.export` takes: traced arguments out of range give NaN.

    Raises:
        ValueError: axis does not name distinct axes of x; and as `solve`.
        TypeError: an unknown option, or both num_targets and target; and as `solve`.
        RuntimeError: as `solve`.

    Example:
        >>> x = jnp.array([[1.0, 5.0, 4.0, 8.0, 12.0], [3.0, 1.0, 2.0, 9.0, 0.0]])
        >>> print(otsort.rank(x, epsilon=0, axis=0))
        [[1. 2. 2. 1. 2.]
         [2. 1. 1. 2. 1.]]
        >>> print(otsort.rank(x, epsilon=0, where=x < 9))
        [[1. 3. 2. 4. 0.]
         [4. 2. 3. 0. 1.]]
    """

    axis: int | Sequence[int] | None
    weights: ArrayLike | None
    where: ArrayLike | None
    solver: AbstractSolver | None
    epsilon: Scalar | None
    cost: Cost | None
    squash: Squash | None
    throw: bool
