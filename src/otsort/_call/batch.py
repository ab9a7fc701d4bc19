"""What operators are applied to: the lists of an array with their options, and the one place where they are a batch."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .._checks import as_array, as_callable, as_mask, as_own, as_size, checked, checked_weights, dtypes, is_traced
from .._solver import AbstractSolver
from .._transport.cost import SQUARED
from .._transport.problem import Problem
from .._transport.semi_dual import MAX_ENTRIES
from .._transport.solution import Solution
from .._transport.target import AbstractTarget, UniformTarget, as_target
from .._types import Cost, Scalar, Squash
from .._xla.lists_last import together
from .._xla.materialised import in_memory
from .._xla.sharding import on_any_mesh
from ..squash import logistic
from ..squash._offset import ignores_offset
from .axes import Axes
from .closure import opened, opened_elementwise
from .digits import are_lost, exact_order, in_parts
from .one_list import AbstractListwise, AbstractReading, Row, filled, taking_part
from .transport import Transported, as_solver, solve_problem, squashed


class Options(TypedDict, total=False):
    """What every operator takes, by keyword.

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


class _Given(NamedTuple):
    """What belongs to the lists of an array: arrays of its shape, or of its shape along the axes.

    Attributes:
        x: the values, in the dtype of computation.
        digits: arrays whose sum is x, if the dtype of computation would lose digits; None else.
        order: integers in the exact order of x, if one is needed.
        weights: as `checked_weights` makes them.
        values: what the lists carry, x for None.
        where: which values take part.
        at: other values; with digits, arrays whose sum they are.
        numbers: for each list, of the shape of the batch or for all.
        may_lack_weight: whether values that take part may have no weight.
    """

    x: Float[Array, "..."]
    digits: tuple[Float[Array, "..."], ...] | None
    order: Int[Array, "..."] | None
    weights: Float[Array, "..."] | None
    values: Float[Array, "..."] | None
    where: Bool[Array, "..."] | None
    at: tuple[Float[Array, "..."], ...] | None
    numbers: tuple[Float[Array, "..."], ...]
    may_lack_weight: bool


class Rows:
    """The lists along the axes of x, and how to transport them.

    Attributes:
        axes: of x.
        n: length of the lists.
        dtype: of the computation.
        extra: number of axes that the values have after those of x.
    """

    def __init__(
        self,
        x: ArrayLike,
        options: Options,
        values: ArrayLike | None = None,
        others: dict[str, ArrayLike | None] | None = None,
    ):
        """Checks what a user gave.

        Args:
            x: values.
            options: of the operator.
            values: what the lists carry, of the shape of x and then any axes; x unless given.
            others: further arguments by name, none of whose digits is to be lost.
        """
        self._set_options(**options)
        self._x = as_array(x)
        self.axes = Axes.of(self._x.shape, self._axis)
        self.n = self.axes.n
        if self.n == 0:
            raise ValueError(f"x must hold at least one value in each list, got shape {self._x.shape}")
        self.dtype, self._answer_dtype = dtypes(self._x, "x")
        self._values, self.extra = None, 0
        if values is not None:
            self._values = as_array(values, "values")
            key, shape = self.axes.shape, self._values.shape
            if shape[: len(key)] != key:
                raise ValueError(f"values must have the key's shape {key} and then any axes, got {shape}")
            self.extra = len(shape) - len(key)
            computing, self._answer_dtype = dtypes(self._values, "values")
            self.dtype = _wider(self.dtype, computing)
        for name, other in (others or {}).items():
            if other is not None:
                self.dtype = _wider(self.dtype, dtypes(as_array(other, name), name)[0])
        self._where, self._weights, self._may_lack_weight = None, None, False
        if self._given_where is not None:
            self._where = as_mask(self._given_where, self.axes)
        if self._given_weights is not None:
            self._weights = checked_weights(self._given_weights, self._where, self.axes, self.dtype, throw=self._throw)
            self._may_lack_weight = is_traced(self._weights) or bool(np.any(self._lacking(np.asarray(self._weights))))
        self._cost = opened_elementwise(self._cost, self.dtype)

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
        self._solver, self._epsilon, self._throw = solver, epsilon, throw
        self._cost = SQUARED if cost is None else as_callable(cost, "cost", "otsort.SquaredCost()")
        self._squash = logistic if squash is None else as_callable(squash, "squash", "otsort.squash.logistic")

    def checked(self, value: ArrayLike, condition: Callable[[Any], Any], message: str) -> Float[Array, "..."]:
        """`otsort._checks.checked`, in the dtype of the computation and as the options want it."""
        return checked(value, condition, message, dtype=self.dtype, throw=self._throw)

    def scalar(self, value: ArrayLike, condition: Callable[[Any], Any], message: str) -> Float[Array, ""]:
        """Returns one number for all lists, checked.

        Raises:
            ValueError: it is not a scalar.
        """
        if shape := as_array(value, message).shape:
            raise ValueError(f"{message}, and must be a scalar, got shape {shape}: use jax.vmap for several")
        return self.checked(value, condition, message)

    def number(self, value: ArrayLike, condition: Callable[[Any], Any], message: str) -> Float[Array, "..."]:
        """Returns a number for all lists or one for each, checked.

        Raises:
            ValueError: another shape.
        """
        shape, batch = as_array(value, message).shape, self.axes.batch_shape
        if shape not in ((), batch):
            raise ValueError(f"{message}, and must be a scalar or of the batch's shape, {batch}, got shape {shape}")
        return self.checked(value, condition, message)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget | None:
        """The target that the two options name, None if neither is given."""
        if num_targets is not None and target is not None:
            raise TypeError("give either num_targets or target")
        if num_targets is not None:
            return UniformTarget(as_size(num_targets, "num_targets"), self.dtype)
        return None if target is None else as_target(target).astype(self.dtype)

    def read(
        self,
        reading: AbstractReading,
        *,
        at: ArrayLike | None = None,
        numbers: tuple[Float[Array, "..."], ...] = (),
    ) -> Float[Array, "..."]:
        """Returns the reading of every list, as one array.

        Args:
            reading: of a list.
            at: other values, placed among those of each list.
            numbers: for all lists or of the batch's shape.
        """
        target = reading.target or UniformTarget(self.n, self.dtype)
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)
        others = None if at is None else as_array(at, "at")
        squash = self._opened_squash(0 if others is None else self.axes.other_length(others))
        function = Transported(reading, solver, self._cost, squash, self._throw)
        given = self._given(solver.order_only, others, numbers)
        return self._each(function, solver.entries(self.n, target), given).astype(self._answer_dtype)

    def each(self, function: AbstractListwise, entries: int) -> Float[Array, "..."]:
        """Returns a function of every list, as one array in the dtype of the computation.

        Args:
            function: of a list.
            entries: how many numbers it holds at once.
        """
        return self._each(function, entries, self._given(False, None, ()))

    def solve(self, target: AbstractTarget) -> Solution:
        """Returns the solution of the only list."""
        target = as_target(target).astype(self.dtype)
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)
        given = self._given(solver.order_only, None, ())
        squash = self._opened_squash(0)
        return _solve(given, self.axes, target, solver, self._cost, squash, self._throw)

    def _lacking(self, weights: np.ndarray) -> np.ndarray:
        """Returns which values take part and have no weight."""
        return (weights == 0) & (True if self._where is None else self.axes.expanded(np.asarray(self._where)))

    def _opened_squash(self, num_others: int) -> Squash:
        shape = (self.n + num_others,)
        return opened(self._squash, shape, shape, dtype=self.dtype)

    def _each(self, function: AbstractListwise, entries: int, given: _Given) -> Float[Array, "..."]:
        # All lists share MAX_ENTRIES, as the targets of one list do.
        size = max(1, MAX_ENTRIES // max(4 * self.n, entries))
        return _each(function, given, self.axes, size)

    def _given(
        self, order_only: bool, at: Array | np.ndarray | None, numbers: tuple[Float[Array, "..."], ...]
    ) -> _Given:
        in_digits = not order_only and are_lost(self._x, self.dtype) and ignores_offset(self._squash)
        parts = lambda array: in_parts(array, self.dtype) if in_digits else (as_own(array, self.dtype),)
        return _Given(
            as_own(self._x, self.dtype),
            parts(self._x) if in_digits else None,
            exact_order(self._x, self.dtype) if order_only else None,
            self._weights,
            None if self._values is None else as_own(self._values, self.dtype),
            None if self._where is None else jnp.asarray(self._where),
            None if at is None else parts(at),
            numbers,
            self._may_lack_weight,
        )


def _wider(one: jnp.dtype, other: jnp.dtype) -> jnp.dtype:
    """Returns that of two dtypes of computation that holds the numbers of both."""
    return max(one, other, key=lambda dtype: dtype.itemsize)


@eqx.filter_jit
def _each(function, given, axes, size):
    """The one place where lists become a batch, `size` of them at a time."""
    dims = function.dims(axes)
    dynamic, static = eqx.partition((function, given), eqx.is_array)

    def run(dynamic):
        function, given = eqx.combine(dynamic, static)
        rows = _as_rows(axes, given)
        side_by_side = function.side_by_side(axes.n)
        one = lambda fields: together(function, Row(**fields)) if side_by_side else function(Row(**fields))
        number = rows["x"].shape[0]
        if not isinstance(number, int):  # left open by `jax.export`, as the number of pieces would be
            answers = jax.vmap(one)(rows)
        elif number == 0:
            answer = jax.eval_shape(one, jax.tree.map(lambda array: jnp.zeros(array.shape[1:], array.dtype), rows))
            answers = jnp.zeros((0, *answer.shape), answer.dtype)
        elif number == 1:
            answers = one(jax.tree.map(lambda array: array[0], rows))[None]
        else:
            answers = jax.vmap(one)(rows) if number <= size else jax.lax.map(one, rows, batch_size=size)
        return axes.arrange(answers, dims)

    return on_any_mesh(run, given.x, dims)(dynamic)


@eqx.filter_jit
def _solve(given, axes, target, solver, cost, squash, throw):
    row = Row(**jax.tree.map(lambda array: array[0], _as_rows(axes, given)))
    positions, _ = squashed(row, solver, squash)
    problem = Problem(positions, row.weights, target, cost, row.order)
    solution, one = solve_problem(problem, solver, throw)
    stats = solution.stats | stop_gradient(solver.diagnostics(problem, solution.plan))
    guard = lambda leaf: leaf * one.astype(leaf.dtype) if eqx.is_inexact_array(leaf) else leaf
    plan = jax.tree.map(guard, solution.plan)
    return Solution(plan, solution.result, stats, solution.state)


def _sum(parts: Sequence[Array]) -> Array:
    return functools.reduce(jnp.add, parts)


def _as_rows(axes: Axes, given: Any) -> dict[str, Any]:
    """Returns the fields of `Row`, with a first axis of lists."""
    lists: Callable[[Any], Any] = lambda tree: jax.tree.map(axes.lists, tree)
    x, order, values, digits = map(lists, (given.x, given.order, given.values, given.digits))
    where, weights = (lists(jax.tree.map(axes.broadcast, array)) for array in (given.where, given.weights))
    if where is not None:
        fill = lambda array: filled(array, where)
        x, values, order, digits = jax.tree.map(fill, (x, values, order, digits))
        weights = taking_part(jnp.ones_like(x) if weights is None else weights, where)
    weighted, unknown = where, None
    if given.may_lack_weight:
        # A value without weight is as if it were absent, so that it may be anything.
        weighted = weights > 0
        unknown = jnp.isnan(x) & ~weighted
        most = jnp.finfo(x.dtype).max
        bounded: Any = jnp.where(weighted, x, jnp.clip(x, -most, most))
        x = filled(bounded, ~unknown)
        if values is not None:
            finite = jnp.all(jnp.isfinite(values), axis=tuple(range(2, values.ndim)))
            values = filled(values, weighted | finite)
        if where is not None:
            weighted = weighted & where
    values = x if values is None else values
    at = None if given.at is None else tuple(map(axes.other_lists, given.at))
    if digits is not None:
        # Numerics: differences to one of the values keep the digits that the values themselves lose.
        first = jnp.zeros_like(x[:, :1], int) if weights is None else jnp.argmax(weights > 0, axis=1, keepdims=True)
        origin = tuple(stop_gradient(jnp.take_along_axis(part, first, axis=1)) for part in digits)
        differences = lambda parts: [part - start for part, start in zip(parts, origin, strict=True)]
        x, at = _sum(differences(digits)), None if at is None else differences(at)
    at = None if at is None else _sum(at)
    if weights is None:
        weights = jnp.full_like(x, 1 / axes.n)
    else:  # the division once, not for each pair
        weights = in_memory(weights / jnp.sum(weights, axis=1, keepdims=True))
    numbers = tuple(map(axes.of_batch, given.numbers))
    return {
        "x": x,
        "weights": weights,
        "values": values,
        "where": where,
        "weighted": weighted,
        "unknown": unknown,
        "order": order,
        "at": at,
        "numbers": numbers,
    }
