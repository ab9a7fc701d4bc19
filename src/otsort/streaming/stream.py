"""Answers queries about a stream from its fitted moments."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._checks import checked
from .._long_lists.cells import evaluate
from .._long_lists.dual import TabulatedDual
from .._long_lists.sizes import Sizes
from .._solver import Quadrature
from .._transport.atoms import atom_weights, linear_centre
from .._transport.solution import RESULTS
from .._transport.target import AbstractTarget, TargetMeasure, UniformTarget, uniform_atoms
from .arrays import as_numbers
from .scaling import Scaling, standard_scores, values_of_scores
from .summary import Summary

_MOST_TARGETS = 2**30


class Stream(eqx.Module):
    """The soft ranks, levels (ranks / n) and quantiles of a stream of values.

    Under `jax.jit`, call its methods within a function, as in `jax.jit(lambda values: stream.rank(values))`.

    Attributes:
        summary: the summary of all values.
        solver: the solver that each answer is computed with.
        cells: the field of `Moments`, divided by the number of values, so that the total mass is 1.
        carried: the field of `Moments`, divided by the number of values.
        levels: for each cell, the coefficients of the polynomial that gives the levels there.

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
        # Indices of targets are int32. A uniform target with more points differs by less than 1e-9.
        self.levels = _levels(solver, cells, UniformTarget(min(summary.count, _MOST_TARGETS), cells.dtype))

    def rank(self, values: ArrayLike) -> Float[Array, "..."]:
        """Returns the ranks of any values among the values of the stream, from 1 to n.

        Args:
            values: any shape, which may be empty; NaN has the rank NaN.

        Returns:
            The ranks, in the shape of values.

        Raises:
            ValueError: values is a masked array.
            TypeError: values are not real numbers.
        """
        return 0.5 + float(self.summary.count) * self._level(values)

    def cdf(self, values: ArrayLike) -> Float[Array, "..."]:
        """Returns the quantile levels of any values among the values of the stream, which are their ranks / n.

        Args:
            values: any shape, which may be empty; NaN has the level NaN.

        Returns:
            The levels, in [0, 1] and the shape of values.

        Raises:
            ValueError: values is a masked array.
            TypeError: values are not real numbers.
        """
        return self._level(values) + 0.5 / self.summary.count

    def quantile(self, q: ArrayLike) -> Float[Array, "..."]:
        """Returns the quantiles of the values of the stream at the levels q.

        Args:
            q: quantile levels in [0, 1], any shape, which may be empty.

        Returns:
            The quantiles, in the shape of q and the units of the values.

        Raises:
            ValueError: q is out of range (RuntimeError when traced) or is a masked array; without x64, values of the
                stream are out of the range of float32.
            TypeError: q does not hold real numbers.
            RuntimeError: the solve missed its tolerance.
        """
        dtype, ends = self.cells.dtype, np.array([self.summary.low, self.summary.high])
        if np.max(np.abs(ends)) > jnp.finfo(dtype).max:
            raise ValueError(
                f"quantiles must lie within the range of {dtype}, got values from {ends[0]} to {ends[1]}: "
                "set jax_enable_x64 before the stream is fitted"
            )
        q = as_numbers(q, "q")
        inside = lambda q: (q >= 0) & (q <= 1)
        allowed, remedy = "must be quantile levels in [0, 1]", "divide percentages by 100"
        # A copy is taken, because JAX may use the memory of a NumPy array, and users may overwrite that memory before
        # the answer is computed.
        q = checked(q if isinstance(q, jax.Array) else q.copy(), inside, "q", allowed, remedy=remedy, dtype=dtype)
        count = jnp.asarray(self.summary.count, dtype)
        scores = _quantiles(self.solver, self.cells, self.carried, q.ravel(), count)
        answers = values_of_scores(scores, Scaling.of(self.summary, np.dtype(dtype)))
        # Numerics: rounding may take answers out of the range of the values.
        return jnp.clip(answers, *ends.astype(dtype)).reshape(q.shape)

    def _level(self, values: ArrayLike) -> Float[Array, "..."]:
        scores = standard_scores(as_numbers(values, "values"), self.summary, np.dtype(self.cells.dtype))
        return _evaluate(self.levels, scores)


def sizes_for(solver: Quadrature, dtype: np.dtype) -> Sizes:
    """Returns the sizes for a quantile, the answer that needs the finest resolution."""
    return solver.sizes(math.inf, uniform_atoms(3, dtype))


def _solve(solver: Quadrature, cells: Array, target: AbstractTarget) -> tuple[TabulatedDual, Array]:
    small, found = solver.solve_moments(cells, target, sizes_for(solver, cells.dtype))
    return small.dual, found.result.error_if(found.potential, found.result != RESULTS.successful)


@eqx.filter_jit
def _levels(solver, cells, target):
    dual, potential = _solve(solver, cells, target)
    return dual.over_inputs.coefficients(dual.pull_at(potential, dual.nodes.levels(0.5)))


@eqx.filter_jit
def _quantiles(solver, cells, carried, q, count):
    def one(q):
        target = TargetMeasure.uniform(3).astype(q.dtype)
        target = eqx.tree_at(lambda target: target.weights, target, atom_weights(linear_centre(q, count), 1 / count))
        dual, potential = _solve(solver, cells, target)
        return dual.push_at(potential, carried, target.points[1:2])[0]

    return jax.lax.map(one, q)


@jax.jit
def _evaluate(levels, scores):
    return evaluate(levels, jax.nn.sigmoid(scores.ravel())).reshape(scores.shape)
