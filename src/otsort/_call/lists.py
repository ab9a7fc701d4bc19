"""The step from arrays to lists, and from the answers for lists to one array."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._solver import AbstractSolver
from .._transport.solution import Solution
from .._transport.target import AbstractTarget
from .._types import Cost, Squash
from .._xla import for_each_list, materialised, on_any_mesh
from .axes import Axes
from .guard import guarded
from .one_list import AbstractListFunction, OneList, filled, taking_part
from .transport import Transport


class Given(NamedTuple):
    """The arrays of all lists, each of the shape of x or of its shape along the axes.

    Attributes:
        x: the values, in the dtype of computation.
        digits: arrays whose sum is x, if the dtype of computation would lose digits of x; otherwise None.
        order: integers that are ordered as x is, if the solver needs them.
        weights: of the values, as `checked_weights` returns them.
        values: the values that the lists carry; None means x.
        where: which values take part.
        at: arrays whose sum is the other values: one array, or three with digits.
        numbers: for each list or for all, such as k.
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


@eqx.filter_jit
def apply_to_lists(function: AbstractListFunction, given: Given, axes: Axes, size: int | None) -> Array:
    """Returns the answers of a function for every list as one array, computed for about `size` lists at a time.

    `for_each_list` also receives the lists of an enclosing `jax.vmap`, and chooses the chunks.
    """
    dims = function.dims(axes)
    dynamic, static = eqx.partition((function, given), eqx.is_array)

    def run(dynamic):
        function, given = eqx.combine(dynamic, static)
        lists = _as_lists(axes, given)
        lists_last = function.takes_lists_last(axes.n)
        call = lambda lists: for_each_list(function, OneList(**lists), lists_last=lists_last, at_once=size)
        number = lists["x"].shape[0]
        if number == 1:
            answers = call(jax.tree.map(lambda array: array[0], lists))[None]
        elif number == 0:
            one = jax.tree.map(lambda array: jnp.zeros(array.shape[1:], array.dtype), lists)
            answer = jax.eval_shape(call, one)
            answers = jnp.zeros((0, *answer.shape), answer.dtype)
        else:
            move = lambda array, start, end: jnp.moveaxis(array, start, end) if lists_last else array
            answers = move(call(jax.tree.map(lambda array: move(array, 0, -1), lists)), -1, 0)
        return axes.arrange(answers, dims)

    return on_any_mesh(run, given.x, dims)(dynamic)


@eqx.filter_jit
def solve_only_list(
    given: Given, axes: Axes, target: AbstractTarget, solver: AbstractSolver, cost: Cost, squash: Squash, throw: bool
) -> Solution:
    """Returns the solution of the only list, with the diagnostics of the solver."""
    one_list = OneList(**jax.tree.map(lambda array: array[0], _as_lists(axes, given)))
    transport = Transport.of(one_list, squash, solver, cost, throw)
    problem = transport.problem(target)
    solution, guard = transport.solve(problem)
    stats = solution.stats | stop_gradient(solver.diagnostics(problem, solution.plan))
    return Solution(guarded(solution.plan, guard), solution.result, stats, solution.state)


def _sum(parts: Sequence[Array]) -> Array:
    return functools.reduce(jnp.add, parts)


def _as_lists(axes: Axes, given: Any) -> dict[str, Any]:
    """Returns the fields of `OneList`, with a first axis of lists."""
    lists: Callable[[Any], Any] = lambda tree: jax.tree.map(axes.lists, tree)
    x, order, values, digits = map(lists, (given.x, given.order, given.values, given.digits))
    where, weights = (lists(jax.tree.map(axes.broadcast, array)) for array in (given.where, given.weights))
    if where is not None:
        fill = lambda array: filled(array, where)
        x, values, order, digits = jax.tree.map(fill, (x, values, order, digits))
        weights = taking_part(jnp.ones_like(x) if weights is None else weights, where)
    at = None if given.at is None else tuple(map(axes.other_lists, given.at))
    inputs = x
    if digits is not None:
        # Numerics: differences to one of the values keep the digits that the values themselves lose.
        first = jnp.zeros_like(x[:, :1], int) if weights is None else jnp.argmax(weights > 0, axis=1, keepdims=True)
        origin = tuple(stop_gradient(jnp.take_along_axis(part, first, axis=1)) for part in digits)
        differences = lambda parts: [part - start for part, start in zip(parts, origin, strict=True)]
        inputs, at = _sum(differences(digits)), None if at is None else differences(at)
    at = None if at is None else _sum(at)
    weighted, unknown = where, None
    if given.may_lack_weight:
        # A value without weight counts as absent, so it may be anything. NaN becomes a value of the list, infinity the
        # largest number.
        has_weight: Any = weights > 0  # pyright: ignore[reportOptionalOperand]
        unknown = jnp.isnan(x) & ~has_weight
        most = jnp.finfo(x.dtype).max
        bounded: Any = lambda array: jnp.where(has_weight, array, jnp.clip(array, -most, most))
        x, inputs = (filled(bounded(array), ~unknown) for array in (x, inputs))
        if values is not None:
            finite = jnp.all(jnp.isfinite(values), axis=tuple(range(2, values.ndim)))
            values = filled(values, has_weight | finite)
        weighted = has_weight if where is None else has_weight & where
    values = x if values is None else values
    if weights is None:
        weights = jnp.full_like(inputs, 1 / axes.n)
    else:  # XLA: stored, because the compiler would repeat the division for each pair of an input and a target
        weights = materialised(weights / jnp.sum(weights, axis=1, keepdims=True))
    return {
        "x": inputs,
        "weights": weights,
        "values": values,
        "where": where,
        "weighted": weighted,
        "unknown": unknown,
        "order": order,
        "at": at,
        "numbers": tuple(map(axes.of_batch, given.numbers)),
    }
