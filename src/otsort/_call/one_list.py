"""One list: its values, which of them take part, and the numbers that belong to this list only."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._transport.target import AbstractTarget, UniformTarget
from .._xla import per_target, with_axes
from .axes import Axes, Dims


class OneList(eqx.Module):
    """A list, or many lists in a last axis of all arrays.

    Attributes:
        x: the values, up to a constant that does not change their squash.
        weights: of the values, which sum to 1; zero for values that take no part.
        values: the values that the list carries.
        where: which values take part; None means all. If none does, all count as one value.
        weighted: which values take part and have weight; None means all.
        unknown: which values are NaN and have no weight; x holds another value in their place.
        order: integers that are ordered as the values are, exactly; None if x is ordered so.
        at: other values, which are placed among those of the list, up to the same constant as x.
        numbers: arguments of an operator for each list, such as k.
    """

    x: Float[Array, "n *lists"]
    weights: Float[Array, "n *lists"]
    values: Float[Array, "n *d"]
    where: Bool[Array, "n *lists"] | None = None
    weighted: Bool[Array, "n *lists"] | None = None
    unknown: Bool[Array, "n *lists"] | None = None
    order: Int[Array, "n *lists"] | None = None
    at: Float[Array, "k *lists"] | None = None
    numbers: tuple[Float[Array, "*lists"], ...] = ()

    @property
    def total(self) -> int | Int[Array, "1 *lists"]:
        """Returns the number of values that take part."""
        return len(self.x) if self.where is None else jnp.sum(self.where, axis=0, keepdims=True)

    @property
    def num_weighted(self) -> int | Int[Array, "1 *lists"]:
        """Returns the number of values that take part and have weight."""
        return len(self.x) if self.weighted is None else jnp.sum(self.weighted, axis=0, keepdims=True)

    @property
    def count(self) -> int | Float[Array, "1 *lists"]:
        """Returns `num_weighted`, but at least 1: the n of formulas."""
        return len(self.x) if self.weighted is None else jnp.maximum(self.num_weighted, 1).astype(self.x.dtype)

    def target_per_weighted_value(self, target: AbstractTarget | None) -> AbstractTarget:
        """Returns the target; for None, a uniform one with as many points as there are values with weight."""
        if target is not None:
            return target
        return UniformTarget(len(self.x), self.x.dtype, None if self.weighted is None else jnp.asarray(self.count)[0])

    def target_per_value(self, target: AbstractTarget | None) -> AbstractTarget:
        """Returns the target; for None, a uniform one with as many points as there are values that take part."""
        if target is not None:
            return target
        count = None if self.where is None else jnp.maximum(self.total, 1).astype(self.x.dtype)[0]
        return UniformTarget(len(self.x), self.x.dtype, count)

    def at_inputs(self, answers: Float[Array, "n *d"]) -> Float[Array, "n *d"]:
        """Returns answers for the values, with zeros for values that take no part."""
        if self.unknown is not None:
            answers = jnp.where(self.unknown, jnp.nan, answers)
        return answers if self.where is None else jnp.where(self.where, answers, 0)

    def at_targets(self, answers: Float[Array, "m *d"], target: AbstractTarget | None) -> Float[Array, "m *d"]:
        """Returns answers for the points of `target_per_value(target)`, zero for points that stand for no value."""
        return self.first(answers, self.total if target is None else len(answers))

    def first(self, answers: Float[Array, "k *d"], number: int | Int[Array, "1 *lists"]) -> Float[Array, "k *d"]:
        """Returns the first `number` of the answers, then zeros; only zeros if no value takes part."""
        if self.where is None and isinstance(number, int) and number >= len(answers):
            return answers
        number = jnp.where(jnp.asarray(self.total) > 0, number, 0)
        return jnp.where(_places(answers) < _along(number, answers), answers, 0)

    def turned(self, answers: Float[Array, "m *d"], target: AbstractTarget | None) -> Float[Array, "m *d"]:
        """Returns answers for the points of `target_per_value(target)` in the reverse order.

        Points that stand for no value stay last.
        """
        if self.where is None or target is not None:
            return answers[::-1]
        places = (_along(jnp.asarray(self.total), answers) - 1 - _places(answers)) % len(answers)
        return jnp.take_along_axis(answers, places, axis=0)


def _places(answers: Float[Array, "k *d"]) -> Int[Array, "k *ones"]:
    return per_target(jnp.arange(len(answers)), answers)


def _along(number: Int[Array, "1 *lists"], answers: Float[Array, "k *d"]) -> Int[Array, "..."]:
    """Returns a number for each list in a shape that broadcasts against answers."""
    return number.reshape(*[1] * (answers.ndim - number.ndim), *number.shape)


def filled(array: Float[Array, "..."], where: Bool[Array, "*first n"]) -> Float[Array, "..."]:
    """Returns lists, shape `(*first, n, *d)`, in which the first entry that takes part replaces those that do not.

    If none takes part, it returns zeros. The entry lies in the range of the others, and nothing depends on it once its
    weight is zero.
    """
    axis = where.ndim - 1
    where = with_axes(where, array.ndim)
    first = jnp.take_along_axis(array, jnp.argmax(where, axis=axis, keepdims=True), axis=axis)
    return jnp.where(where, array, jnp.where(jnp.any(where, axis=axis, keepdims=True), stop_gradient(first), 0))


def taking_part(weights: Float[Array, "lists n"], where: Bool[Array, "lists n"]) -> Float[Array, "lists n"]:
    """Returns the weights, with zeros for entries that take no part; equal weights if none takes part."""
    none = ~jnp.any(where, axis=-1, keepdims=True)
    return jnp.where(where, weights, none.astype(weights.dtype))


class AbstractListFunction(eqx.Module):
    """A function of one list; all lists share its fields.

    It is a module, so that other numbers in its fields do not recompile, and equal functions are compiled once.
    """

    @abc.abstractmethod
    def __call__(self, one_list: OneList) -> Float[Array, "..."]:
        """Returns the answer for a list."""

    def takes_lists_last(self, n: int) -> bool:
        """Returns whether it accepts many lists of length n in a last axis of all arrays, and is faster that way."""
        return False

    @abc.abstractmethod
    def dims(self, axes: Axes) -> Dims:
        """Returns the dimensions of the answers for all lists."""
