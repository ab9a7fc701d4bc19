"""Lists along the axes of an array: what operators are applied to, and the one place where lists become a batch."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox import AbstractVar
from jaxtyping import Array, ArrayLike, Bool, Float

from ._checks import as_values, probabilities, require
from ._cost import SquaredCost
from ._plan import AbstractPlan
from ._semidual import MAX_ENTRIES
from ._solve import as_solver, make_problem, solve_problem
from ._solver import AbstractSolver
from ._target import AbstractTarget, UniformTarget
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


#: The plan of one list to a target.
Transport: TypeAlias = Callable[[AbstractTarget], AbstractPlan]


class AbstractReading(eqx.Module):
    """What an operator reads from the transport of one list; all lists share its fields.

    It is a module, not a function, so that arrays in its fields do not recompile and equal ones are compiled once.

    Attributes:
        target: that of the transport, or of one of the same form.
    """

    target: AbstractVar[AbstractTarget]

    @abc.abstractmethod
    def __call__(self, transport: Transport, values: Float[Array, "n *d"]) -> Float[Array, "..."]:
        """The answer for one list: its values, or what it carries."""


class Rows:
    """The lists of values along the axes of x, and the way back to its shape.

    Attributes:
        x: the array, in the dtype of computation.
        axes: increasing, not negative.
        n: length of the lists.
        batch: the shape of x without its axes.
        lists: shape `(lists, n)`.
        weights: of the values, the same shape.
    """

    def __init__(self, x: ArrayLike, options: Options, values: ArrayLike | None = None):
        self._set_options(**options)
        self.x, self._dtype = as_values(x)
        shape = self.x.shape
        self.axes = _axes(self._axis, len(shape))
        self._lengths = tuple(shape[i] for i in self.axes)
        self.n = int(np.prod(self._lengths))
        self.batch = tuple(size for i, size in enumerate(shape) if i not in self.axes)
        self.lists = self._lists(self.x)
        self.weights = jnp.full_like(self.lists, 1 / self.n)
        if self._raw_weights is not None:
            weights = as_values(self._raw_weights)[0].astype(self.x.dtype)
            self.weights = probabilities(self._lists(self._broadcast(weights)), "weights", self._throw)
        self._values = self.lists
        if values is not None:
            values, self._dtype = as_values(values)
            if values.shape[: len(shape)] != shape:
                raise ValueError(f"values must have the key's shape {shape} and then any axes, got {values.shape}")
            self._values = self._lists(values.astype(self.x.dtype))

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
        self._axis = axis
        self._raw_weights = weights
        self._solver, self._epsilon = solver, epsilon
        self._cost, self._squash, self._throw = cost or SquaredCost(), squash or logistic, throw

    def array(self, value: ArrayLike) -> Float[Array, "..."]:
        """In the dtype of computation."""
        return jnp.asarray(value, self.x.dtype)

    def require(self, array: Array, ok: Bool[ArrayLike, "..."], message: str) -> Array:
        """`otsort._checks.require`, as the options want it."""
        return require(array, ok, message, self._throw)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget:
        """The target that the two options name: n uniform points if neither is given."""
        if num_targets is not None and target is not None:
            raise TypeError("give either num_targets or target")
        if target is None:
            target = UniformTarget(self.n if num_targets is None else num_targets)
        return target.astype(self.x.dtype)

    def read(self, reading: AbstractReading) -> Array:
        """The reading of every list: the answers side by side, on a first axis."""
        target = reading.target
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)
        # All lists share MAX_ENTRIES, as the targets of one list do.
        size = max(1, MAX_ENTRIES // max(4 * self.n, solver.entries(self.n, target)))
        lists = (self.lists, self.weights, self._values)
        return _read(reading, lists, size, solver, self._cost, self._squash, self._throw).astype(self._dtype)

    def same(self, reading: AbstractReading) -> Array:
        """Answers of shape `(n,)`, in the shape of x."""
        answers = self.read(reading).reshape(self.batch + self._lengths)
        return jnp.moveaxis(answers, range(-len(self.axes), 0), self.axes)

    def new(self, reading: AbstractReading) -> Array:
        """Answers of shape `(m, ...)`, with m in place of the first axis."""
        answers = self.read(reading)
        answers = answers.reshape(self.batch + answers.shape[1:])
        return jnp.moveaxis(answers, len(self.batch), self.axes[0])

    def first(self, reading: AbstractReading, shape: tuple[int, ...]) -> Array:
        """Answers of a given shape, which comes before the batch."""
        answers = self.read(reading).reshape(self.batch + shape)
        return jnp.moveaxis(answers, range(len(self.batch), answers.ndim), range(len(shape)))

    def _lists(self, array: Array) -> Array:
        """The axes taken together and moved behind a single batch axis, trailing axes kept."""
        array = jnp.moveaxis(array, self.axes, range(len(self.batch), len(self.batch) + len(self.axes)))
        return array.reshape(-1, self.n, *array.shape[len(self.batch) + len(self.axes) :])

    def _broadcast(self, weights: Array) -> Array:
        if weights.shape == self.x.shape:
            return weights
        if weights.shape != self._lengths:
            raise ValueError(
                f"weights must have the shape of the values, {self.x.shape}, or along the axes, {self._lengths}; "
                f"got {weights.shape}"
            )
        shape = [size if i in self.axes else 1 for i, size in enumerate(self.x.shape)]
        return jnp.broadcast_to(weights.reshape(shape), self.x.shape)


def _axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    if ndim == 0:
        raise ValueError("a scalar has no axis to sort along: give at least one dimension")
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if not axes or any(not -ndim <= i < ndim for i in axes) or len({i % ndim for i in axes}) < len(axes):
        raise ValueError(f"axis {axis} does not name distinct axes of an array of {ndim} dimensions")
    return tuple(sorted(i % ndim for i in axes))


@eqx.filter_jit
def _read(reading, lists, size, solver, cost, squash, throw):
    """The one place where lists become a batch, `size` of them at a time."""

    def one(row):
        x, weights, values = row

        def transport(target: AbstractTarget) -> AbstractPlan:
            return solve_problem(make_problem(x, weights, target, solver, cost, squash), solver, throw).plan

        return reading(transport, values)

    batch = lists[0].shape[0]
    if batch == 1:
        return one(jax.tree.map(lambda array: array[0], lists))[None]
    return jax.vmap(one)(lists) if batch <= size else jax.lax.map(one, lists, batch_size=size)
