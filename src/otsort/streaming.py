"""Ranks, levels and quantiles of values that never sit in memory together.

Two passes over the values: their mean and deviation (`Summary`), then sums of their powers in small cells (`Moments`).
What the passes keep does not grow with the number of values, and what several processes have kept merges. Then
`Stream` answers for any values, as `otsort.rank`, `otsort.cdf` and `otsort.quantile` do with `Quadrature`, uniform
weights and the logistic squash. It is not differentiable.
"""

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ._averages import within_range
from ._checks import as_values
from ._compressed.cells import evaluate, moments
from ._compressed.compress import compress
from ._compressed.dual import TabulatedDual
from ._compressed.sizes import Sizes
from ._solution import RESULTS
from ._solver import Newton, Quadrature
from ._start import WarmStart
from ._target import AbstractTarget, TargetMeasure, UniformTarget, atom_weights
from ._types import Scalar


@dataclasses.dataclass(frozen=True)
class Chunks:
    """An array in pieces, each read when it is asked for, any number of times.

    Attributes:
        values: an array, such as `numpy.load(path, mmap_mode="r")`, taken as one list in the order of its memory.
        size: entries of a piece.
    """

    values: np.ndarray
    size: int = 2**20

    def __iter__(self) -> Iterator[np.ndarray]:
        flat = self.values.ravel(order="K")
        for start in range(0, flat.size, self.size):
            yield np.asarray(flat[start : start + self.size])


@dataclasses.dataclass(frozen=True)
class Summary:
    """Number, mean and deviation of values: what the logistic squash needs to know.

    Merging is that of Chan, Golub and LeVeque (1979), in float64.

    Attributes:
        count: number of values.
        mean: their mean.
        squares: the sum of their squared deviations from it.
        low: the least value.
        high: the largest value.
    """

    count: int
    mean: float
    squares: float
    low: float
    high: float

    @classmethod
    def of(cls, values: ArrayLike) -> "Summary":
        """That of one array, of any shape.

        Raises:
            ValueError: no values, or one that is not finite.
        """
        array = np.asarray(values, np.float64)
        if array.size == 0 or not np.all(np.isfinite(array)):
            raise ValueError("a stream takes nonempty arrays of finite values: remove what is missing first")
        mean = np.mean(array)
        squares = np.sum((array - mean) ** 2)
        return cls(array.size, float(mean), float(squares), float(np.min(array)), float(np.max(array)))

    def merge(self, other: "Summary") -> "Summary":
        """That of the values of both."""
        count = self.count + other.count
        step = other.mean - self.mean
        return Summary(
            count,
            self.mean + step * other.count / count,
            self.squares + other.squares + step**2 * self.count * other.count / count,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def deviation(self) -> float:
        """The standard deviation; 1 where all values are equal."""
        return math.sqrt(self.squares / self.count) or 1.0


@dataclasses.dataclass(frozen=True)
class Moments:
    """Sums over values in cells of [0, 1], in float64: all that is kept of them.

    Attributes:
        summary: of all values of the stream.
        solver: what the cells are made for.
        dtype: of the answers.
        cells: sums of powers 0 to 3.
        carried: the same of the standardised values.
    """

    summary: Summary
    solver: Quadrature
    dtype: jnp.dtype
    cells: np.ndarray
    carried: np.ndarray

    @classmethod
    def of(cls, values: ArrayLike, summary: Summary, solver: Quadrature) -> "Moments":
        """Those of some of the values of a stream, an array of any shape."""
        array, dtype = as_values(values)
        sizes = _sizes(solver, array.dtype)
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

    def solve(self) -> "Stream":
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


class Stream(eqx.Module):
    """Soft ranks, levels and quantiles among the values of a stream.

    Attributes:
        summary: of the values.
        solver: used for each answer.
        cells: moments of the values, of total mass 1, as in `Moments`.
        carried: the same of the standardised values.
        levels: polynomials of the levels in each cell of the table.
    """

    summary: Summary = eqx.field(static=True)
    solver: Quadrature
    cells: Float[Array, "cells 4"]
    carried: Float[Array, "cells 4"]
    levels: Float[Array, "cells 4"]

    def __init__(self, summary: Summary, solver: Quadrature, cells: Array, carried: Array):
        self.summary, self.solver, self.cells, self.carried = summary, solver, cells, carried
        self.levels = _levels(solver, cells, UniformTarget(summary.count, cells.dtype))

    def rank(self, values: ArrayLike) -> Float[Array, "..."]:
        """Ranks among the values of the stream, 1 to n, of any values: the shape of these."""
        return 0.5 + self.summary.count * self._level(values)

    def cdf(self, values: ArrayLike) -> Float[Array, "..."]:
        """The same as levels in [0, 1]."""
        return self._level(values) + 0.5 / self.summary.count

    def quantile(self, q: ArrayLike) -> Float[Array, "..."]:
        """Values at levels q in [0, 1], of the shape of q.

        Raises:
            ValueError: q out of range.
        """
        q = jnp.asarray(q, self.cells.dtype)
        if not np.all((q >= 0) & (q <= 1)):
            raise ValueError("quantile levels q must lie in [0, 1]")
        scores = _quantiles(self.solver, self.cells, self.carried, q.ravel(), self.summary.count)
        ends = jnp.asarray([self.summary.low, self.summary.high], q.dtype)
        return within_range(self.summary.mean + self.summary.deviation * scores, ends).reshape(q.shape)

    def _level(self, values: ArrayLike) -> Float[Array, "..."]:
        array = as_values(values)[0].astype(self.cells.dtype)
        return _evaluate(self.levels, array, self.summary.mean, self.summary.deviation)


def fit(chunks: Iterable[ArrayLike], *, epsilon: float = 1e-2, accuracy: float | None = None) -> Stream:
    """Two passes over arrays of values.

    Args:
        chunks: arrays of any shapes. They are iterated over twice, so not a generator: a list, `Chunks` of an array
            or of a memory-mapped file, or any object whose `__iter__` begins anew.
        epsilon: regularisation.
        accuracy: see `Quadrature`.

    Raises:
        TypeError: an iterator, which can be read only once.
        ValueError: no values, or one that is not finite.
        RuntimeError: the solve missed its tolerance.
    """
    if iter(chunks) is chunks:
        raise TypeError("chunks are read twice: pass a list, Chunks(array) or an object whose __iter__ begins anew")
    solver = Quadrature(epsilon=epsilon, accuracy=accuracy)
    summarys = [Summary.of(chunk) for chunk in chunks]
    if not summarys:
        raise ValueError("there are no chunks")
    summary = functools.reduce(Summary.merge, summarys)
    return functools.reduce(Moments.merge, (Moments.of(chunk, summary, solver) for chunk in chunks)).solve()


def _sizes(solver: Quadrature, dtype: jnp.dtype) -> Sizes:
    """Those of the most demanding answer, a quantile."""
    return solver.sizes(math.inf, TargetMeasure.uniform(3).astype(dtype))


def _positions(values: Float[Array, " n"], mean: Scalar, deviation: Scalar) -> Float[Array, " n"]:
    return jax.nn.sigmoid((values - mean) / deviation)


@functools.partial(jax.jit, static_argnums=4)
def _sums(values, count, mean, deviation, cells):
    positions = _positions(values, mean, deviation)
    ones = (jnp.arange(values.size) < count).astype(values.dtype)
    carried = ones * (values - mean) / deviation
    return moments(ones, positions, cells), moments(carried, positions, cells)


def _solve(solver: Quadrature, cells: Array, target: AbstractTarget) -> tuple[TabulatedDual, Array]:
    epsilon = jnp.asarray(solver.epsilon, cells.dtype)
    dual, start, _ = compress(cells, target, epsilon, _sizes(solver, cells.dtype))
    newton = Newton(epsilon, tol=solver.tol, max_steps=solver.max_steps, start=WarmStart(start))
    found = newton.solve_dual(dual)
    return dual, found.result.error_if(found.potential, found.result != RESULTS.successful)


@eqx.filter_jit
def _levels(solver, cells, target):
    dual, potential = _solve(solver, cells, target)
    return dual.over_inputs.coefficients(dual.pulled(potential, dual.nodes.levels(0.5)))


@eqx.filter_jit
def _quantiles(solver, cells, carried, q, count):
    def one(q):
        target = TargetMeasure.uniform(3).astype(q.dtype)
        target = eqx.tree_at(lambda target: target.weights, target, atom_weights(q, 1 / count, count))
        dual, potential = _solve(solver, cells, target)
        return dual.pushed(potential, carried, target.points[1:2])[0]

    return jax.lax.map(one, q)


@jax.jit
def _evaluate(levels, values, mean, deviation):
    return evaluate(levels, _positions(values.ravel(), mean, deviation)).reshape(values.shape)
