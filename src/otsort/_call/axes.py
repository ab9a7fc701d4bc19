"""Lists along the axes of an array."""

import dataclasses
import math
import operator
from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of an array that together hold one list; the other axes are the batch.

    Attributes:
        shape: of the array.
        chosen: the axes, increasing and not negative.
    """

    shape: tuple[int, ...]
    chosen: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], axis: int | Sequence[int] | None, name: str = "x") -> "Axes":
        """Returns the axes of an array that a user chose.

        Args:
            shape: of the array.
            axis: as the user gave it.
            name: of the array, for messages.

        Raises:
            ValueError: the axes are out of range or not different.
            TypeError: the axes are not integers.
        """
        if not shape:
            raise ValueError(f"{name} must have at least one dimension to sort along, got a scalar")
        given = range(len(shape)) if axis is None else _as_integers(axis)
        for i in given:
            if not -len(shape) <= i < len(shape):
                raise ValueError(
                    f"axis must lie from {-len(shape)} to {len(shape) - 1} for an array of shape {shape}, got {i}"
                )
        chosen = {i % len(shape) for i in given}
        if len(chosen) < len(given) or not chosen:
            raise ValueError(f"axis must name different axes, at least one, got {axis}")
        return cls(shape, tuple(sorted(chosen)))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Returns the shape of the array along the axes."""
        return tuple(self.shape[i] for i in self.chosen)

    @property
    def batch(self) -> tuple[int, ...]:
        """Returns the other axes."""
        return tuple(i for i in range(len(self.shape)) if i not in self.chosen)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Returns the shape along the other axes, which an array with one number for each list has."""
        return tuple(self.shape[i] for i in self.batch)

    @property
    def n(self) -> int:
        """Returns the length of a list."""
        return math.prod(self.lengths)

    @property
    def same(self) -> "Dims":
        """Returns the dimensions of an answer that has the array's shape."""
        return tuple(range(len(self.shape)))

    @property
    def new(self) -> "Dims":
        """Returns the dimensions of an answer with one new axis, in place of the first of the axes, for all of them."""
        return tuple(None if i == self.chosen[0] else i for i in range(len(self.shape)) if i not in self.chosen[1:])

    def lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists n *d"]:
        """Returns an array with one axis of lists first and one of their values; further axes are kept."""
        ndim = len(self.shape)
        array = jnp.moveaxis(array, self.batch + self.chosen, range(ndim))
        return array.reshape(math.prod(self.batch_shape), self.n, *array.shape[ndim:])

    def expanded(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."] | np.ndarray:
        """Returns an array of the full shape as it is, and one of the shape along the axes reshaped to broadcast."""
        if array.shape == self.shape:
            return array
        return array.reshape([size if i in self.chosen else 1 for i, size in enumerate(self.shape)])

    def broadcast(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."]:
        """Returns an array of either of these shapes, broadcast to the full shape."""
        return jnp.broadcast_to(self.expanded(array), self.shape)

    def of_batch(self, array: Shaped[Array, "..."]) -> Shaped[Array, " lists"]:
        """Returns an entry for each list, from an array of the batch's shape or from one entry for all."""
        return jnp.broadcast_to(array, self.batch_shape).ravel()

    def other_length(self, array: Shaped[Array, "..."] | np.ndarray) -> int:
        """Returns the length of lists of other values, for an array that `other_lists` accepts.

        Raises:
            ValueError: the array has another shape.
        """
        place, batch = self.new.index(None), self.batch_shape
        if array.ndim == 1:
            return array.shape[0]
        if array.shape[:place] + array.shape[place + 1 :] == batch:
            return array.shape[place]
        shape = (*batch[:place], "k", *batch[place:])
        raise ValueError(f"at must have the shape (k,) or {shape} for any k, got {array.shape}")

    def other_lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists k"]:
        """Returns lists of other values, from one list for all or from an array with one axis in place of the axes."""
        if array.ndim == 1:
            array = jnp.broadcast_to(array, (*self.batch_shape, len(array)))
        else:
            array = jnp.moveaxis(array, self.new.index(None), -1)
        return array.reshape(math.prod(self.batch_shape), array.shape[-1])

    def arrange(self, answers: Shaped[Array, "lists *d"], dims: "Dims") -> Shaped[Array, "..."]:
        """Returns the answers of the lists as one array with the given dimensions."""
        places = [i for i, dim in enumerate(dims) if dim in self.batch]
        rest = self.lengths if self.chosen[0] in dims else answers.shape[1:]
        answers = answers.reshape(self.batch_shape + rest)
        return jnp.moveaxis(answers, range(len(places)), places)


#: For each dimension of an answer: the axis of x that it corresponds to, or None if it is new. The axes of the batch
#: keep their order.
Dims: TypeAlias = tuple[int | None, ...]


# What most readings and functions of lists have as their method `dims`.


def of_each_value(self: object, axes: Axes) -> Dims:
    """Returns the dimensions of x."""
    return axes.same


def of_new_axis(self: object, axes: Axes) -> Dims:
    """Returns the dimensions of x, with a new one in place of the axis."""
    return axes.new


def of_each_list(self: object, axes: Axes) -> Dims:
    """Returns the dimensions of the batch."""
    return axes.batch


def of_rows_of_each_list(self: object, axes: Axes) -> Dims:
    """Returns the dimensions of the batch, then two new ones."""
    return (*axes.batch, None, None)


def _as_integers(axis: int | Sequence[int]) -> tuple[int, ...]:
    try:
        return (operator.index(axis),)  # pyright: ignore[reportArgumentType]: a sequence is told below
    except TypeError:
        pass
    try:
        return tuple(map(operator.index, axis))  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise TypeError(f"axis must be an integer, several integers, or None for all axes, got {axis!r}") from None
