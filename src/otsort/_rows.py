"""Lists along the axes of an array: what operators are applied to, and the one place where lists become a batch."""

import abc
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractVar
from jaxtyping import Array, ArrayLike, Float

from ._checks import as_values, checked, checked_weights
from ._cost import SquaredCost
from ._plan import AbstractPlan
from ._semidual import MAX_ENTRIES
from ._sharding import on_any_mesh
from ._solve import as_solver, make_problem, solve_problem
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
        solver: how to transport; unless given `Newton()` or `Quadrature()`, by their estimated time.
        epsilon: short for the default solver at that epsilon, in units of the cost; the number 0 gives the exact
            operators. With `solver` it is a TypeError.
        cost: even convex function of the displacement; `SquaredCost()` unless given.
        squash: increasing map into [0, 1]; `otsort.squash.logistic` unless given.
        throw: raise RuntimeError if the solve misses its tolerance (True unless given), or return its best. Without it
            nothing calls back from the program, which `jax.export` takes: traced arguments out of range give NaN.
    """

    axis: int | Sequence[int] | None
    weights: ArrayLike | None
    solver: AbstractSolver | None
    epsilon: Scalar | None
    cost: Cost | None
    squash: Squash | None
    throw: bool


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of an array that hold one list together; the others are the batch.

    Attributes:
        shape: of the array.
        chosen: the axes, increasing and not negative.
    """

    shape: tuple[int, ...]
    chosen: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], axis: int | Sequence[int] | None) -> "Axes":
        """The axes that a user named.

        Raises:
            ValueError: they are not distinct axes of the array.
        """
        ndim = len(shape)
        if ndim == 0:
            raise ValueError("a scalar has no axis to sort along: give at least one dimension")
        axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if not axes or any(not -ndim <= i < ndim for i in axes) or len({i % ndim for i in axes}) < len(axes):
            raise ValueError(f"axis {axis} does not name distinct axes of an array of {ndim} dimensions")
        return cls(shape, tuple(sorted(i % ndim for i in axes)))

    @property
    def lengths(self) -> tuple[int, ...]:
        """The shape along the axes."""
        return tuple(self.shape[i] for i in self.chosen)

    @property
    def batch(self) -> tuple[int, ...]:
        """The other axes."""
        return tuple(i for i in range(len(self.shape)) if i not in self.chosen)

    @property
    def n(self) -> int:
        """The length of a list."""
        return math.prod(self.lengths)

    @property
    def same(self) -> "Dims":
        """Those of an answer of the array's shape."""
        return tuple(range(len(self.shape)))

    @property
    def new(self) -> "Dims":
        """Those of an answer that has a new axis in place of the first, and none of the others."""
        return tuple(None if i == self.chosen[0] else i for i in range(len(self.shape)) if i not in self.chosen[1:])

    def lists(self, array: Float[Array, "..."]) -> Float[Array, "lists n *d"]:
        """The lists side by side; further axes of the array are kept."""
        ndim = len(self.shape)
        array = jnp.moveaxis(array, self.batch + self.chosen, range(ndim))
        return array.reshape(-1, self.n, *array.shape[ndim:])

    def broadcast(self, weights: Float[Array, "..."]) -> Float[Array, "..."]:
        """Weights of the array's shape, from weights of that shape or of that along the axes."""
        shape = (
            self.shape
            if weights.shape == self.shape
            else [size if i in self.chosen else 1 for i, size in enumerate(self.shape)]
        )
        return jnp.broadcast_to(weights.reshape(shape), self.shape)

    def arrange(self, answers: Float[Array, "lists *d"], dims: "Dims") -> Float[Array, "..."]:
        """Answers of the lists as one array with these dimensions."""
        places = [i for i, dim in enumerate(dims) if dim in self.batch]
        rest = self.lengths if self.chosen[0] in dims else answers.shape[1:]
        answers = answers.reshape(tuple(self.shape[i] for i in self.batch) + rest)
        return jnp.moveaxis(answers, range(len(places)), places)


#: Of an answer, each dimension as the axis of x that it goes along, or None for a new one; the batch keeps its order.
Dims: TypeAlias = tuple[int | None, ...]


class AbstractListwise(eqx.Module):
    """A function of one list; all lists share its fields.

    It is a module, so that other numbers in its fields do not recompile, and equal ones are compiled once.
    """

    @abc.abstractmethod
    def __call__(
        self, x: Float[Array, "n *lists"], weights: Float[Array, "n *lists"], values: Float[Array, "n *d"]
    ) -> Float[Array, "..."]:
        """The answer for a list, its weights, which sum to 1, and what it carries."""

    def side_by_side(self, n: int) -> bool:
        """Whether it takes many lists of length n in a last axis of all arrays, and is faster so."""
        return False

    @abc.abstractmethod
    def dims(self, axes: Axes) -> Dims:
        """Those of the answers for all lists."""


#: The plan of one list to a target.
Transport: TypeAlias = Callable[[AbstractTarget], AbstractPlan]


class AbstractReading(eqx.Module):
    """What an operator reads from the transport of one list; a module for the reason of `AbstractListwise`.

    Attributes:
        target: that of the transport, or of one of the same form.
    """

    target: AbstractVar[AbstractTarget]

    @abc.abstractmethod
    def __call__(self, transport: Transport, values: Float[Array, "n *d"]) -> Float[Array, "..."]:
        """The answer for one list: its values, or what it carries."""

    @abc.abstractmethod
    def dims(self, axes: Axes) -> Dims:
        """Those of the answers for all lists."""


class _Transported(AbstractListwise):
    """A reading with the transport that it reads from."""

    reading: AbstractReading
    solver: AbstractSolver
    cost: Cost
    squash: Squash
    throw: bool

    def __call__(
        self, x: Float[Array, "n *lists"], weights: Float[Array, "n *lists"], values: Float[Array, "n *d"]
    ) -> Float[Array, "..."]:
        def transport(target: AbstractTarget) -> AbstractPlan:
            problem = make_problem(x, weights, target, self.solver, self.cost, self.squash)
            return solve_problem(problem, self.solver, self.throw).plan

        return self.reading(transport, values)

    def side_by_side(self, n: int) -> bool:
        return self.solver.side_by_side(n, self.reading.target)

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
        self._weights = None
        if self._given_weights is not None:
            self._weights = checked_weights(self._given_weights, self.axes.shape, self.axes.chosen, self._throw)
        self._values, self.extra = self._x, 0
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
        solver: AbstractSolver | None = None,
        epsilon: Scalar | None = None,
        cost: Cost | None = None,
        squash: Squash | None = None,
        throw: bool = True,
        **unknown: Any,
    ):
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}: known are {sorted(Options.__annotations__)}")
        self._axis, self._given_weights = axis, weights
        self._solver, self._epsilon = solver, epsilon
        self._cost, self._squash, self._throw = cost or SquaredCost(), squash or logistic, throw

    def checked(self, value: ArrayLike, condition: Callable[[Any], Any], message: str) -> Float[Array, "..."]:
        """`otsort._checks.checked`, in the dtype of the computation and as the options want it."""
        return checked(value, condition, message, dtype=self.dtype, throw=self._throw)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget:
        """The target that the two options name: n uniform points if neither is given."""
        if num_targets is not None and target is not None:
            raise TypeError("give either num_targets or target")
        if target is None:
            target = UniformTarget(self.n if num_targets is None else num_targets)
        return target.astype(self.dtype)

    def read(self, reading: AbstractReading) -> Float[Array, "..."]:
        """The reading of every list, as one array."""
        target = reading.target
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)
        entries = solver.entries(self.n, target)
        function = _Transported(reading, solver, self._cost, self._squash, self._throw)
        return self.each(function, entries).astype(self._answer_dtype)

    def each(self, function: AbstractListwise, entries: int) -> Float[Array, "..."]:
        """A function of every list, as one array in the dtype of the computation.

        Args:
            function: of a list.
            entries: how many numbers it holds at once.
        """
        # All lists share MAX_ENTRIES, as the targets of one list do.
        size = max(1, MAX_ENTRIES // max(4 * self.n, entries))
        arrays = (self._x, self._weights, self._values)
        return _each(function, arrays, self.axes, size)


@eqx.filter_jit
def _each(function, arrays, axes, size):
    """The one place where lists become a batch, `size` of them at a time."""
    dims = function.dims(axes)
    dynamic, static = eqx.partition((function, arrays), eqx.is_array)

    def run(dynamic):
        function, (x, weights, values) = eqx.combine(dynamic, static)
        lists = axes.lists(x)
        if weights is None:
            weights = jnp.full_like(lists, 1 / axes.n)
        else:
            weights = axes.lists(axes.broadcast(weights.astype(x.dtype)))
            weights = weights / jnp.sum(weights, axis=1, keepdims=True)
        rows = (lists, weights, axes.lists(values.astype(x.dtype)))
        one = (lambda row: together(function, row)) if function.side_by_side(axes.n) else lambda row: function(*row)
        if len(lists) == 1:
            answers = one(jax.tree.map(lambda array: array[0], rows))[None]
        else:
            answers = jax.vmap(one)(rows) if len(lists) <= size else jax.lax.map(one, rows, batch_size=size)
        return axes.arrange(answers, dims)

    return on_any_mesh(run, arrays[0], dims)(dynamic)
