"""The checked arguments of an operator: the lists along the axes of an array, and the options."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._checks import as_array, as_callable, as_own, as_size, checked, dtypes, is_traced, wider
from .._solver import AbstractSolver
from .._transport.cost import SQUARED
from .._transport.solution import Solution
from .._transport.target import AbstractTarget, UniformTarget, as_target
from .._types import Cost, Scalar, Squash
from .._xla import at_once
from ..squash import logistic
from ..squash._offset import ignores_offset
from .axes import Axes
from .closure import opened, opened_elementwise
from .default_solver import as_solver
from .digits import are_lost, exact_order, in_parts
from .lists import Given, apply_to_lists, solve_only_list
from .one_list import AbstractListFunction
from .options import Options
from .reading import AbstractReading, ReadFromTransport
from .weights import as_mask, checked_weights


class Batch:
    """The lists along the axes of x, and the options that say how to transport them.

    Attributes:
        axes: of x.
        n: length of the lists.
        dtype: of the computation.
        extra: the number of axes that the carried values have after those of x.
    """

    def __init__(
        self,
        x: ArrayLike,
        options: Options,
        values: ArrayLike | None = None,
        others: dict[str, ArrayLike | None] | None = None,
        name: str = "x",
    ):
        """Checks the arguments that a user gave.

        Args:
            x: values.
            options: of the operator.
            values: the values that the lists carry, of the shape of x and then any axes; x unless given.
            others: further arguments by name. The dtype of the computation holds their digits too.
            name: of the argument x, for messages.
        """
        self._set_options(**options)
        self._x = as_array(x, name)
        self.axes = Axes.of(self._x.shape, self._axis, name)
        self.n = self.axes.n
        if self.n == 0:
            raise ValueError(f"{name} must hold at least one value in each list, got shape {self._x.shape}")
        self.dtype, self._answer_dtype = dtypes(self._x, name)
        self._values, self.extra = None, 0
        if values is not None:
            self._set_values(as_array(values, "values"))
        for other_name, other in (others or {}).items():
            if other is not None:
                self.dtype = wider(self.dtype, dtypes(as_array(other, other_name), other_name)[0])
        self._where, self._weights, self._may_lack_weight = None, None, False
        if self._given_where is not None:
            self._where = as_mask(self._given_where, self.axes)
        if self._given_weights is not None:
            self._weights = checked_weights(self._given_weights, self._where, self.axes, self.dtype, throw=self._throw)
            self._may_lack_weight = is_traced(self._weights) or self._lacks_weight(np.asarray(self._weights))
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
            known = sorted(Options.__annotations__)
            meant = sorted({near for name in unknown for near in difflib.get_close_matches(name, known, 1)})
            hint = f"did you mean {', '.join(meant)}? " if meant else ""
            raise TypeError(f"unknown options {sorted(unknown)}: {hint}known to all operators are {known}")
        self._axis, self._given_weights, self._given_where = axis, weights, where
        self._solver, self._epsilon, self._throw = solver, epsilon, throw
        is_squared = cost is None or cost is jnp.square
        self._cost = SQUARED if is_squared else as_callable(cost, "cost", "otsort.SquaredCost()")
        self._squash = logistic if squash is None else as_callable(squash, "squash", "otsort.squash.logistic")

    def _set_values(self, values: Array | np.ndarray):
        key, shape = self.axes.shape, values.shape
        if shape[: len(key)] != key:
            raise ValueError(f"values must have the key's shape {key} and then any axes, got {shape}")
        self._values, self.extra = values, len(shape) - len(key)
        computing, self._answer_dtype = dtypes(values, "values")
        self.dtype = wider(self.dtype, computing)

    def _lacks_weight(self, weights: np.ndarray) -> bool:
        """Returns whether some value takes part but has no weight."""
        takes_part = True if self._where is None else self.axes.expanded(np.asarray(self._where))
        return bool(np.any((weights == 0) & takes_part))

    def checked(
        self, value: ArrayLike, condition: Callable[[Any], Any], name: str, allowed: str, remedy: str = ""
    ) -> Float[Array, "..."]:
        """Returns `otsort._checks.checked` in the dtype of the computation, with the option `throw`."""
        return checked(value, condition, name, allowed, remedy=remedy, dtype=self.dtype, throw=self._throw)

    def scalar(self, value: ArrayLike, condition: Callable[[Any], Any], name: str, allowed: str) -> Float[Array, ""]:
        """Returns one number for all lists, checked.

        Raises:
            ValueError: the number is not a scalar.
        """
        if shape := as_array(value, name).shape:
            raise ValueError(f"{name} {allowed}, and must be a scalar, got shape {shape}: use jax.vmap for several")
        return self.checked(value, condition, name, allowed)

    def number(self, value: ArrayLike, condition: Callable[[Any], Any], name: str, allowed: str) -> Float[Array, "..."]:
        """Returns a number for all lists or one for each, checked.

        Raises:
            ValueError: the array has another shape.
        """
        shape, batch = as_array(value, name).shape, self.axes.batch_shape
        if shape not in ((), batch):
            raise ValueError(
                f"{name} {allowed}, and must be a scalar or of the batch's shape, {batch}, got shape {shape}"
            )
        return self.checked(value, condition, name, allowed)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget | None:
        """Returns the target that the two options name, None if neither is given.

        Raises:
            TypeError: both are given.
        """
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
        solver = self._solver_for(target)
        others = None if at is None else as_array(at, "at")
        squash = self._opened_squash(0 if others is None else self.axes.other_length(others))
        function = ReadFromTransport(reading, solver, self._cost, squash, self._throw)
        given = self._given(solver.order_only, others, numbers)
        peak_entries = solver.peak_entries(self.n, target) + reading.peak_entries(self.n)
        return self._apply(function, peak_entries, given).astype(self._answer_dtype)

    def apply(self, function: AbstractListFunction, peak_entries: int) -> Float[Array, "..."]:
        """Returns a function of every list, as one array in the dtype of the computation.

        Args:
            function: of a list.
            peak_entries: how many numbers it holds at once.
        """
        return self._apply(function, peak_entries, self._given(False, None, ()))

    def solve(self, target: AbstractTarget) -> Solution:
        """Returns the solution of the only list."""
        target = as_target(target).astype(self.dtype)
        solver = self._solver_for(target)
        given = self._given(solver.order_only, None, ())
        return solve_only_list(given, self.axes, target, solver, self._cost, self._opened_squash(0), self._throw)

    def _solver_for(self, target: AbstractTarget) -> AbstractSolver:
        return as_solver(self._solver, self._epsilon, self.n, target, self._cost, self._throw)

    def _opened_squash(self, num_others: int) -> Squash:
        shape = (self.n + num_others,)
        return opened(self._squash, shape, shape, dtype=self.dtype)

    def _apply(self, function: AbstractListFunction, peak_entries: int, given: Given) -> Float[Array, "..."]:
        size = at_once(max(4 * self.n, peak_entries), self.dtype)
        return apply_to_lists(function, given, self.axes, size)

    def _given(
        self, order_only: bool, at: Array | np.ndarray | None, numbers: tuple[Float[Array, "..."], ...]
    ) -> Given:
        in_digits = not order_only and are_lost(self._x, self.dtype) and ignores_offset(self._squash)
        parts = lambda array: in_parts(array, self.dtype) if in_digits else (as_own(array, self.dtype),)
        return Given(
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
