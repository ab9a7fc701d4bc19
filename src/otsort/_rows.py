"""What operators are applied to: the lists of an array with their options, and the one place where they are a batch."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ._axes import Axes, Dims
from ._checks import as_mask, as_values, checked, checked_weights
from ._cost import SQUARED
from ._guarded import GuardedPlan
from ._memory import in_memory
from ._plan import AbstractPlan
from ._problem import Problem
from ._row import AbstractListwise, AbstractReading, Row, filled, taking_part
from ._semidual import MAX_ENTRIES
from ._sharding import on_any_mesh
from ._solve import as_solver, solve_problem, squashed
from ._solver import AbstractSolver
from ._target import AbstractTarget, UniformTarget
from ._together import together
from ._types import Cost, Scalar, Squash
from .squash import logistic


class Options(TypedDict, total=False):
    """What every operator takes, by keyword.

    Attributes:
        axis: an axis, several (taken together as one list of values), or None for all; -1 unless given.
        weights: nonnegative, of the shape of x, or of its shape along the axes; scaled to sum to 1; uniform unless
            given.
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


class _Transported(AbstractListwise):
    """A reading with the transport that it reads from."""

    reading: AbstractReading
    solver: AbstractSolver
    cost: Cost
    squash: Squash
    throw: bool

    def __call__(self, row: Row) -> Float[Array, "..."]:
        positions, at = squashed(row.x, row.weights, row.at, self.solver, self.squash)

        def transport(target: AbstractTarget | None) -> AbstractPlan:
            problem = Problem(positions, row.weights, row.targets(target), self.cost)
            solution, one = solve_problem(problem, self.solver, self.throw)
            return GuardedPlan(solution.plan, one)

        return self.reading(dataclasses.replace(row, at=at), transport)

    def side_by_side(self, n: int) -> bool:
        return self.solver.side_by_side(n, self.reading.target or UniformTarget(n))

    def dims(self, axes: Axes) -> Dims:
        return self.reading.dims(axes)


class Rows:
    """The lists along the axes of x, and how to transport them.

    Attributes:
        axes: of x.
        n: length of the lists.
        dtype: of the computation.
        extra: number of axes that the values have after those of x.
    """

    def __init__(self, x: ArrayLike, options: Options, values: ArrayLike | None = None):
        self._set_options(**options)
        self._x, self._answer_dtype = as_values(x)
        self.dtype = self._x.dtype
        self.axes = Axes.of(self._x.shape, self._axis)
        self.n = self.axes.n
        self._where = self._weights = None
        if self._given_where is not None:
            self._where = as_mask(self._given_where, self.axes)
        if self._given_weights is not None:
            self._weights = checked_weights(self._given_weights, self._where, self.axes, self._throw)
        self._values, self.extra = None, 0
        if values is not None:
            self._values, self._answer_dtype = as_values(values)
            key, shape = self.axes.shape, self._values.shape
            if shape[: len(key)] != key:
                raise ValueError(f"values must have the key's shape {key} and then any axes, got {shape}")
            self.extra = len(shape) - len(key)

    def _set_options(
        self,
        axis: int | Sequence[int] | None = -1,
        weights: ArrayLike | None = None,
        where: ArrayLike | None = None,
        solver: AbstractSolver | None = None,
        epsilon: Scalar | None = None,
        cost: Cost | None = None,
        squash: Squash | None = None,
        throw: bool = True,
        **unknown: Any,
    ):
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}: known are {sorted(Options.__annotations__)}")
        self._axis, self._given_weights, self._given_where = axis, weights, where
        self._solver, self._epsilon = solver, epsilon
        self._cost, self._squash, self._throw = cost or SQUARED, squash or logistic, throw

    def checked(self, value: ArrayLike, condition: Callable[[Any], Any], message: str) -> Float[Array, "..."]:
        """`otsort._checks.checked`, in the dtype of the computation and as the options want it."""
        return checked(value, condition, message, dtype=self.dtype, throw=self._throw)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget | None:
        """The target that the two options name, None if neither is given."""
        if num_targets is not None and target is not None:
            raise TypeError("give either num_targets or target")
        if num_targets is not None:
            return UniformTarget(num_targets, self.dtype)
        return None if target is None else target.astype(self.dtype)

    def read(
        self, reading: AbstractReading, *, at: ArrayLike | None = None, k: Float[Array, "..."] | None = None
    ) -> Float[Array, "..."]:
        """The reading of every list, as one array.

        Args:
            reading: of a list.
            at: other values, placed among those of each list.
            k: how many of the largest values, for all lists or of the batch's shape.
        """
        target = reading.target or UniformTarget(self.n, self.dtype)
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)
        entries = solver.entries(self.n, target)
        function = _Transported(reading, solver, self._cost, self._squash, self._throw)
        at = None if at is None else as_values(at)[0].astype(self.dtype)
        return self.each(function, entries, at, k).astype(self._answer_dtype)

    def each(
        self,
        function: AbstractListwise,
        entries: int,
        at: Float[Array, "..."] | None = None,
        k: Float[Array, "..."] | None = None,
    ) -> Float[Array, "..."]:
        """A function of every list, as one array in the dtype of the computation.

        Args:
            function: of a list.
            entries: how many numbers it holds at once.
            at: see `read`.
            k: likewise.
        """
        # All lists share MAX_ENTRIES, as the targets of one list do.
        size = max(1, MAX_ENTRIES // max(4 * self.n, entries))
        where = None if self._where is None else jnp.asarray(self._where)
        return _each(function, (self._x, self._weights, self._values, where, at, k), self.axes, size)


@eqx.filter_jit
def _each(function, arrays, axes, size):
    """The one place where lists become a batch, `size` of them at a time."""
    dims = function.dims(axes)
    dynamic, static = eqx.partition((function, arrays), eqx.is_array)

    def run(dynamic):
        function, arrays = eqx.combine(dynamic, static)
        rows = _as_rows(axes, *arrays)
        side_by_side = function.side_by_side(axes.n)
        one = lambda row: together(function, Row(*row)) if side_by_side else function(Row(*row))
        if len(rows[0]) == 1:
            answers = one(jax.tree.map(lambda array: array[0], rows))[None]
        else:
            answers = jax.vmap(one)(rows) if len(rows[0]) <= size else jax.lax.map(one, rows, batch_size=size)
        return axes.arrange(answers, dims)

    return on_any_mesh(run, arrays[0], dims)(dynamic)


def _as_rows(axes, x, weights, values, where, at, k):
    """The fields of `Row`, with a first axis of lists."""
    dtype = x.dtype
    x = axes.lists(x)
    values = x if values is None else axes.lists(values.astype(dtype))
    weights = None if weights is None else axes.lists(axes.broadcast(weights.astype(dtype)))
    if where is not None:
        where = axes.lists(axes.broadcast(where))
        x, values = filled(x, where), filled(values, where)
        weights = taking_part(jnp.ones_like(x) if weights is None else weights, where)
    if weights is None:
        weights = jnp.full_like(x, 1 / axes.n)
    else:  # the division once, not for each pair
        weights = in_memory(weights / jnp.sum(weights, axis=1, keepdims=True))
    at = None if at is None else axes.other_lists(at)
    k = None if k is None else axes.of_batch(k)
    return x, weights, values, where, at, k
