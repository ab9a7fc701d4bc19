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
            TypeError: they are not integers.
        """
        if not shape:
            raise ValueError("x must have at least one dimension to sort along, got a scalar")
        given = range(len(shape)) if axis is None else _as_integers(axis)
        for i in given:
            if not -len(shape) <= i < len(shape):
                raise ValueError(f"axis {i} is out of range for an array with {len(shape)} dimensions")
        chosen = {i % len(shape) for i in given}
        if len(chosen) < len(given) or not chosen:
            raise ValueError(f"axis must name different axes, at least one, got {axis}")
        return cls(shape, tuple(sorted(chosen)))

    @property
    def lengths(self) -> tuple[int, ...]:
        """The shape along the axes."""
        return tuple(self.shape[i] for i in self.chosen)

    @property
    def batch(self) -> tuple[int, ...]:
        """The other axes."""
        return tuple(i for i in range(len(self.shape)) if i not in self.chosen)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape along them: that of one number for each list."""
        return tuple(self.shape[i] for i in self.batch)

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

    def lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists n *d"]:
        """Returns an array with one axis of lists first and one of their values; further axes are kept."""
        ndim = len(self.shape)
        array = jnp.moveaxis(array, self.batch + self.chosen, range(ndim))
        return array.reshape(math.prod(self.batch_shape), self.n, *array.shape[ndim:])

    def expanded(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."] | np.ndarray:
        """An array of this shape as it is; one of the shape along the axes so that it broadcasts against it."""
        if array.shape == self.shape:
            return array
        return array.reshape([size if i in self.chosen else 1 for i, size in enumerate(self.shape)])

    def broadcast(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."]:
        """Either as one of this shape."""
        return jnp.broadcast_to(self.expanded(array), self.shape)

    def of_batch(self, array: Shaped[Array, "..."]) -> Shaped[Array, " lists"]:
        """An entry for each list, from an array of the batch's shape, or one entry for all."""
        return jnp.broadcast_to(array, self.batch_shape).ravel()

    def other_length(self, array: Shaped[Array, "..."] | np.ndarray) -> int:
        """Returns the length of lists of other values, in an array as `other_lists` takes it.

        Raises:
            ValueError: another shape.
        """
        place, batch = self.new.index(None), self.batch_shape
        if array.ndim == 1:
            return array.shape[0]
        if array.shape[:place] + array.shape[place + 1 :] == batch:
            return array.shape[place]
        shape = (*batch[:place], "k", *batch[place:])
        raise ValueError(f"at must have the shape (k,) or {shape} for any k, got {array.shape}")

    def other_lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists k"]:
        """Returns lists of another length, from an array like x with one axis for all of the axes, or from one list."""
        if array.ndim == 1:
            array = jnp.broadcast_to(array, (*self.batch_shape, len(array)))
        else:
            array = jnp.moveaxis(array, self.new.index(None), -1)
        return array.reshape(math.prod(self.batch_shape), array.shape[-1])

    def arrange(self, answers: Shaped[Array, "lists *d"], dims: "Dims") -> Shaped[Array, "..."]:
        """Answers of the lists as one array with these dimensions."""
        places = [i for i, dim in enumerate(dims) if dim in self.batch]
        rest = self.lengths if self.chosen[0] in dims else answers.shape[1:]
        answers = answers.reshape(self.batch_shape + rest)
        return jnp.moveaxis(answers, range(len(places)), places)


#: Of an answer, each dimension as the axis of x that it goes along, or None for a new one; the batch keeps its order.
Dims: TypeAlias = tuple[int | None, ...]


def _as_integers(axis: int | Sequence[int]) -> tuple[int, ...]:
    try:
        return (operator.index(axis),)  # pyright: ignore[reportArgumentType]: a sequence is told below
    except TypeError:
        pass
    try:
        return tuple(map(operator.index, axis))  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise TypeError(f"axis must be an integer, several integers, or None for all axes, got {axis!r}") from None
