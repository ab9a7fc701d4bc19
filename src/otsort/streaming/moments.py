"""The moments of a stream, which the second pass computes."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._long_lists.cells import moments
from .._solver import Quadrature
from .arrays import as_chunk, computing_dtype
from .scaling import standard_scores
from .stream import Stream, sizes_for
from .summary import Summary

#: The fields that moments must share to be merged, and what to do if they differ.
_COMMON = {
    "summary": "merge the summaries of all parts first, and take the moments of each part with the result",
    "solver": "take the moments of all parts with one solver",
    "dtype": "convert all chunks to one dtype, for example with values.astype(numpy.float32)",
}


@dataclasses.dataclass(frozen=True)
class Moments:
    """Sums of powers of the squashed values of a stream, in small cells of [0, 1] and in float64.

    Attributes:
        summary: summary of all values of the stream.
        solver: the solver that the cells are made for.
        dtype: dtype of the answers.
        count: number of values.
        cells: for each cell, sums of the powers 0 to 3 of the coordinate in the cell, shape `(cells, 4)`.
        carried: the same sums with each power multiplied by the standard score of the value, of the same shape.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> summary, solver = otsort.streaming.Summary.of(x), otsort.Quadrature(1e-2)
        >>> parts = [otsort.streaming.Moments.of(part, summary, solver) for part in (x[:2], x[2:])]
        >>> print(parts[0].merge(parts[1]).solve().rank(x))
        [1.02 2.84 2.15 4.   4.99]
    """

    summary: Summary
    solver: Quadrature
    dtype: np.dtype
    count: int
    cells: np.ndarray
    carried: np.ndarray

    @classmethod
    def of(cls, values: ArrayLike, summary: Summary, solver: Quadrature) -> "Moments":
        """Returns the moments of some of the values of a stream, an array of any shape.

        Raises:
            ValueError: a masked array, no values, or one that is not finite.
            TypeError: values that are traced, or not real numbers; a solver that is not a `Quadrature`.
        """
        if not isinstance(solver, Quadrature):
            raise TypeError(
                f"solver must be a Quadrature, got {type(solver).__name__}: pass otsort.Quadrature(epsilon)"
            )
        array = as_chunk(values, "values")
        dtype = computing_dtype(array)
        # XLA: the number of values is padded to a power of two, so that few shapes are compiled. The padding has no
        # weight.
        scores = np.zeros(2 ** math.ceil(math.log2(array.size)), dtype)
        scores[: array.size] = standard_scores(array.ravel(), summary, dtype)
        sums = _sums(scores, array.size, sizes_for(solver, dtype).cells)
        return cls(summary, solver, dtype, array.size, *(np.asarray(part, np.float64) for part in sums))

    def merge(self, other: "Moments") -> "Moments":
        """Returns the moments of the values of both parts together.

        Raises:
            ValueError: the moments do not belong to one stream.
        """
        for name, remedy in _COMMON.items():
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                raise ValueError(f"moments with another {name} do not merge, got {mine} and {others}: {remedy}")
        count, cells, carried = self.count + other.count, self.cells + other.cells, self.carried + other.carried
        return dataclasses.replace(self, count=count, cells=cells, carried=carried)

    def solve(self) -> Stream:
        """Returns the stream, which gives ranks, levels and quantiles.

        Raises:
            RuntimeError: the solve missed its tolerance.
            ValueError: the moments are not those of all values of the summary.
        """
        if self.count != self.summary.count:
            raise ValueError(
                f"the moments are those of {self.count} values, the summary of {self.summary.count}: "
                "merge them all, each once"
            )
        parts = (jnp.asarray(part / self.count, self.dtype) for part in (self.cells, self.carried))
        return Stream(self.summary, self.solver, *parts)


@functools.partial(jax.jit, static_argnums=2)
def _sums(scores, count, cells):
    places = jax.nn.sigmoid(scores)
    ones = (jnp.arange(scores.size) < count).astype(scores.dtype)
    return moments(ones, places, cells), moments(scores, places, cells)
