"""The options that every operator takes."""

from collections.abc import Sequence
from typing import TypedDict

from jaxtyping import ArrayLike

from .._solver import AbstractSolver
from .._types import Cost, Scalar, Squash


class Options(TypedDict, total=False):
    """The options of every operator, given by keyword.

    Attributes:
        axis: the axis whose values form a list, several axes (whose values form one list), or None for all axes; -1
            unless given. The other axes are the batch.
        weights: finite and nonnegative, of the shape of x, or of its shape along the axes; uniform unless given. They
            are shares, scaled to sum to 1, and not counts. A value of weight zero counts as absent: n is the number of
            the other values, and their answers do not depend on it. Its own answer is its place among the others.
        where: a boolean mask of the values that take part, of the shape of x, or of its shape along the axes; all
            unless given. Answers and derivatives are those of the lists without the other values, which may be
            anything, for example NaN. Ranks count only values that take part, and sorted values come first. The rest of
            an answer is 0 and has no gradient. If no value of a list takes part, its whole answer is 0. To fill the
            rest with another number, use `jnp.where(where, answer, filler)`.
        solver: the method that computes the plan; unless given, `Newton()` or `Quadrature()`, whichever is estimated to
            be faster.
        epsilon: the amount of smoothing, in units of the cost. It is short for the default solver at that epsilon. The
            number 0 gives the exact operators. Giving it together with `solver` is a TypeError.
        cost: even convex function of the displacement; `SquaredCost()` unless given. `jax.numpy.square` names the same
            cost. Long lists with another cost are solved by `Newton()`, which is slower.
        squash: increasing map of the values into [0, 1]; `otsort.squash.logistic` unless given.
        throw: whether to raise RuntimeError if the solve misses its tolerance; True unless given. If false, the answer
            of the last step is returned, however inaccurate. The compiled program then makes no callbacks, so
            `jax.export` accepts it. Traced arguments out of range then give NaN.

    Raises:
        ValueError: axis does not name different axes of x; see also `solve`.
        TypeError: an option is unknown, or both num_targets and target are given; see also `solve`.
        RuntimeError: see `solve`.

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


#: Default epsilon of `losses.top_k_cross_entropy` and `nn.TopKGate`. At the default of the operators, networks train
#: worse, and some random routers have no gradient: `benchmarks/scripts/default_epsilon.py` measures both.
EPSILON_OF_MASKS = 0.1


def with_epsilon_of_masks(options: Options) -> Options:
    """Returns the options, with the epsilon of masks unless epsilon or solver is given."""
    if options.get("epsilon") is None and options.get("solver") is None:
        return {**options, "epsilon": EPSILON_OF_MASKS}
    return options
