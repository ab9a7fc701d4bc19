"""The second pass."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._checks import as_values
from .._compressed.cells import moments
from .._solver import Quadrature
from .stream import Stream, positions, sizes_for
from .summary import Summary


@dataclasses.dataclass(frozen=True)
class Moments:
    """Sums over values in cells of [0, 1], in float64: all that is kept of them.

    Attributes:
        summary: of all values of the stream.
        solver: what the cells are made for.
        dtype: of the answers.
        cells: sums of powers 0 to 3, shape `(cells, 4)`.
        carried: the same of the standardised values.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> summary, solver = otsort.streaming.Summary.of(x), otsort.Quadrature(1e-2)
        >>> parts = [otsort.streaming.Moments.of(part, summary, solver) for part in (x[:2], x[2:])]
        >>> print(parts[0].merge(parts[1]).solve().rank(x))
        [1.02 2.84 2.15 4.   4.99]
    """

    summary: Summary
    solver: Quadrature
    dtype: jnp.dtype
    cells: np.ndarray
    carried: np.ndarray

    @classmethod
    def of(cls, values: ArrayLike, summary: Summary, solver: Quadrature) -> "Moments":
        """Those of some of the values of a stream, an array of any shape.

        Raises:
            ValueError: no values.
            TypeError: values that are not real numbers.
        """
        array, dtype = as_values(values)
        sizes = sizes_for(solver, array.dtype)
        # Few shapes, so that few are compiled: what is added has no weight.
        padded = np.full(2 ** math.ceil(math.log2(array.size)), summary.mean, array.dtype)
        padded[: array.size] = np.ravel(array)
        sums = _sums(padded, array.size, summary.mean, summary.deviation, sizes.cells)
        return cls(summary, solver, dtype, *(np.asarray(part, np.float64) for part in sums))

    def merge(self, other: "Moments") -> "Moments":
        """Those of the values of both.

        Raises:
            ValueError: they are not of one stream.
        """
        if (self.summary, self.dtype, self.solver) != (other.summary, other.dtype, other.solver):
            raise ValueError("only moments of one Summary, solver and dtype merge: merge the summarys first")
        return dataclasses.replace(self, cells=self.cells + other.cells, carried=self.carried + other.carried)

    def solve(self) -> Stream:
        """The answers.

        Raises:
            RuntimeError: the solve missed its tolerance.
            ValueError: the moments are not those of all values of the summary.
        """
        seen = round(np.sum(self.cells[:, 0]))
        if seen != self.summary.count:
            raise ValueError(
                f"the moments are those of {seen} values, the summary of {self.summary.count}: merge them all"
            )
        computing = jnp.float32 if jnp.finfo(self.dtype).bits < 32 else self.dtype
        parts = (jnp.asarray(part / self.summary.count, computing) for part in (self.cells, self.carried))
        return Stream(self.summary, self.solver, *parts)


@functools.partial(jax.jit, static_argnums=4)
def _sums(values, count, mean, deviation, cells):
    places = positions(values, mean, deviation)
    ones = (jnp.arange(values.size) < count).astype(values.dtype)
    carried = ones * (values - mean) / deviation
    return moments(ones, places, cells), moments(carried, places, cells)
