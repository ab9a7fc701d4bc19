"""The options that every operator takes."""

from collections.abc import Sequence
from typing import TypedDict

from jaxtyping import ArrayLike

from .._solver import AbstractSolver
from .._types import Cost, Scalar, Squash


class Options(TypedDict, total=False):
    """Options of every operator, by keyword.

    Attributes:
        axis: one axis, several axes (whose values form one list), or None for all axes; -1 unless given.
        weights: finite and nonnegative, of the shape of x, or of its shape along the axes; uniform unless given. They
            are shares, scaled to sum to 1, and not counts. A value of weight zero counts as absent: n is the number of
            the other values, their answers do not depend on it, and its own answer is its place among them.
        where: a mask of the values that take part, boolean, of the shape of x, or of its shape along the axes; all
            unless given. Answers and derivatives are those of the lists without the other values, which may be
            anything, for example NaN. Ranks count only values that take part, and sorted values come first. The rest of
            an answer is 0 and has no gradient, and so is the whole answer of a list in which no value takes part. To
            fill the rest with another number, use `jnp.where(where, answer, filler)`.
        solver: how to transport; unless given, `Newton()` or `Quadrature()`, whichever is estimated to be faster.
        epsilon: short for the default solver at that epsilon, in units of the cost; the number 0 gives the exact
            operators. With `solver` it is a TypeError.
        cost: even convex function of the displacement; `SquaredCost()` unless given, which `jax.numpy.square` names
            too. Long lists with another cost are solved by `Newton()`, which is slower.
        squash: increasing map into [0, 1]; `otsort.squash.logistic` unless given.
        throw: whether to raise RuntimeError if the solve misses its tolerance; True unless given. If false, the best
            answer is returned, and nothing calls back from the program, so that `jax.export` accepts it. Traced
            arguments out of range then give NaN.

    Raises:
        ValueError: axis does not name different axes of x; also where `solve` raises it.
        TypeError: an option is unknown, or both num_targets and target are given; also where `solve` raises it.
        RuntimeError: where `solve` raises it.

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
