"""One list as functions of it see it: its values, what takes part, and what belongs to it alone."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._transport.target import AbstractTarget, UniformTarget
from .._xla import per_target
from .axes import Axes, Dims


class OneList(eqx.Module):
    """A list, or many lists in a last axis of all arrays.

    Attributes:
        x: the values, up to a constant that the squash does not see.
        weights: of the values, which sum to 1; zero where they take no part.
        values: what the list carries.
        where: which values take part; all for None. Where none does, all count as one value.
        weighted: which values take part and have weight; all for None.
        unknown: which values are NaN without weight: others stand in their place.
        order: integers in the exact order of the values; None where that is the order of x.
        at: other values, that are placed among those of the list, up to the same constant as x.
        numbers: that an operator takes for each list, such as k.
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
        """How many values take part."""
        return len(self.x) if self.where is None else jnp.sum(self.where, axis=0, keepdims=True)

    @property
    def num_weighted(self) -> int | Int[Array, "1 *lists"]:
        """How many values take part and have weight."""
        return len(self.x) if self.weighted is None else jnp.sum(self.weighted, axis=0, keepdims=True)

    @property
    def count(self) -> int | Float[Array, "1 *lists"]:
        """The same, 1 for none: the n of formulas."""
        return len(self.x) if self.weighted is None else jnp.maximum(self.num_weighted, 1).astype(self.x.dtype)

    def of_values(self, target: AbstractTarget | None) -> AbstractTarget:
        """Returns the target, or as many uniform points as values have weight."""
        if target is not None:
            return target
        return UniformTarget(len(self.x), self.x.dtype, None if self.weighted is None else jnp.asarray(self.count)[0])

    def of_places(self, target: AbstractTarget | None) -> AbstractTarget:
        """Returns the target, or as many uniform points as values take part, be it without weight."""
        if target is not None:
            return target
        count = None if self.where is None else jnp.maximum(self.total, 1).astype(self.x.dtype)[0]
        return UniformTarget(len(self.x), self.x.dtype, count)

    def at_inputs(self, answers: Float[Array, "n *d"]) -> Float[Array, "n *d"]:
        """Answers for the values, zero where these take no part."""
        if self.unknown is not None:
            answers = jnp.where(self.unknown, jnp.nan, answers)
        return answers if self.where is None else jnp.where(self.where, answers, 0)

    def at_targets(self, answers: Float[Array, "m *d"], target: AbstractTarget | None) -> Float[Array, "m *d"]:
        """Answers for the points of `of_places(target)`, zero for those that stand for no value."""
        return self.first(answers, self.total if target is None else len(answers))

    def first(self, answers: Float[Array, "k *d"], number: int | Int[Array, "1 *lists"]) -> Float[Array, "k *d"]:
        """So many of the answers, then zeros; only zeros if no value takes part."""
        if self.where is None and isinstance(number, int) and number >= len(answers):
            return answers
        number = jnp.where(jnp.asarray(self.total) > 0, number, 0)
        return jnp.where(_places(answers) < _along(number, answers), answers, 0)

    def turned(self, answers: Float[Array, "m *d"], target: AbstractTarget | None) -> Float[Array, "m *d"]:
        """Answers for the points of `of_places(target)`: those that stand for values reversed, then the rest."""
        if self.where is None or target is not None:
            return answers[::-1]
        places = (_along(jnp.asarray(self.total), answers) - 1 - _places(answers)) % len(answers)
        return jnp.take_along_axis(answers, places, axis=0)


def _places(answers: Float[Array, "k *d"]) -> Int[Array, "k *ones"]:
    return per_target(jnp.arange(len(answers)), answers)


def _along(number: Int[Array, "1 *lists"], answers: Float[Array, "k *d"]) -> Int[Array, "..."]:
    """A number of each list, with the dimensions of answers."""
    return number.reshape(*[1] * (answers.ndim - number.ndim), *number.shape)


def filled(array: Float[Array, "..."], where: Bool[Array, "*lists n"]) -> Float[Array, "..."]:
    """The lists, shape `(*lists, n, *d)`, with their first entry that takes part in place of those that do not.

    If none does, zeros. The entry is in the range of the others: nothing depends on it once its weight is zero.
    """
    axis = where.ndim - 1
    where = where.reshape(*where.shape, *[1] * (array.ndim - where.ndim))
    first = jnp.take_along_axis(array, jnp.argmax(where, axis=axis, keepdims=True), axis=axis)
    return jnp.where(where, array, jnp.where(jnp.any(where, axis=axis, keepdims=True), stop_gradient(first), 0))


def taking_part(weights: Float[Array, "*lists n"], where: Bool[Array, "*lists n"]) -> Float[Array, "*lists n"]:
    """The weights, zero for entries that take no part; equal ones if none does."""
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
        """Returns whether it takes many lists of length n in a last axis of all arrays, and is faster so."""
        return False

    @abc.abstractmethod
    def dims(self, axes: Axes) -> Dims:
        """Returns the dimensions of the answers for all lists."""
