"""The answers."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._averages import within_range
from .._checks import as_values
from .._compressed.cells import evaluate
from .._compressed.compress import compress
from .._compressed.dual import TabulatedDual
from .._compressed.sizes import Sizes
from .._solution import RESULTS
from .._solver import Newton, Quadrature
from .._start import WarmStart
from .._target import AbstractTarget, TargetMeasure, UniformTarget, atom_weights, uniform_atoms
from .._types import Scalar
from .summary import Summary


class Stream(eqx.Module):
    """Soft ranks, levels and quantiles among the values of a stream.

    Attributes:
        summary: of the values.
        solver: used for each answer.
        cells: moments of the values, of total mass 1, as in `Moments`.
        carried: the same of the standardised values.
        levels: polynomials of the levels in each cell of the table.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> stream = otsort.streaming.fit([x[:2], x[2:]])
        >>> print(stream.rank(x), stream.cdf(x))
        [1.02 2.84 2.15 4.   4.99] [0.2  0.57 0.43 0.8  1.  ]
        >>> print(stream.quantile(jnp.array([0.25, 0.5])))
        [4.04 4.96]
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
            RuntimeError: the solve missed its tolerance.
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


def sizes_for(solver: Quadrature, dtype: jnp.dtype) -> Sizes:
    """Those of the most demanding answer, a quantile."""
    return solver.sizes(math.inf, uniform_atoms(3, dtype))


def positions(values: Float[Array, " n"], mean: Scalar, deviation: Scalar) -> Float[Array, " n"]:
    """Where the logistic squash places values."""
    return jax.nn.sigmoid((values - mean) / deviation)


def _solve(solver: Quadrature, cells: Array, target: AbstractTarget) -> tuple[TabulatedDual, Array]:
    epsilon = jnp.asarray(solver.epsilon, cells.dtype)
    dual, start, _ = compress(cells, target, epsilon, sizes_for(solver, cells.dtype))
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
    return evaluate(levels, positions(values.ravel(), mean, deviation)).reshape(values.shape)
