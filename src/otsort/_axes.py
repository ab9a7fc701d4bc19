"""Lists along the axes of an array."""

import dataclasses
import math
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

    def lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists n *d"]:
        """The lists side by side; further axes of the array are kept."""
        ndim = len(self.shape)
        array = jnp.moveaxis(array, self.batch + self.chosen, range(ndim))
        return array.reshape(-1, self.n, *array.shape[ndim:])

    def expanded(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."] | np.ndarray:
        """An array of this shape as it is; one of the shape along the axes so that it broadcasts against it."""
        if array.shape == self.shape:
            return array
        return array.reshape([size if i in self.chosen else 1 for i, size in enumerate(self.shape)])

    def broadcast(self, array: Shaped[Array, "..."] | np.ndarray) -> Shaped[Array, "..."]:
        """Either as one of this shape."""
        return jnp.broadcast_to(self.expanded(array), self.shape)

    def of_batch(self, array: Shaped[Array, "..."]) -> Shaped[Array, " lists"]:
        """An entry for each list, from an array of the batch's shape, or one entry for all.

        Raises:
            ValueError: another shape.
        """
        shape = tuple(self.shape[i] for i in self.batch)
        if array.shape not in ((), shape):
            raise ValueError(f"a number for each list has the batch's shape, {shape}, got {array.shape}")
        return jnp.broadcast_to(array, shape).ravel()

    def other_lists(self, array: Shaped[Array, "..."]) -> Shaped[Array, "lists k"]:
        """Lists of another length side by side, from an array like x with one axis for all of the axes, or one list.

        Raises:
            ValueError: another shape.
        """
        place, batch = self.new.index(None), tuple(self.shape[i] for i in self.batch)
        if array.ndim == 1:
            array = jnp.broadcast_to(array, (*batch, len(array)))
        elif array.shape[:place] + array.shape[place + 1 :] == batch:
            array = jnp.moveaxis(array, place, -1)
        else:
            shape = (*batch[:place], "k", *batch[place:])
            raise ValueError(f"other values must have the shape (k,) or {shape} for any k, got {array.shape}")
        return array.reshape(-1, array.shape[-1])

    def arrange(self, answers: Shaped[Array, "lists *d"], dims: "Dims") -> Shaped[Array, "..."]:
        """Answers of the lists as one array with these dimensions."""
        places = [i for i, dim in enumerate(dims) if dim in self.batch]
        rest = self.lengths if self.chosen[0] in dims else answers.shape[1:]
        answers = answers.reshape(tuple(self.shape[i] for i in self.batch) + rest)
        return jnp.moveaxis(answers, range(len(places)), places)


#: Of an answer, each dimension as the axis of x that it goes along, or None for a new one; the batch keeps its order.
Dims: TypeAlias = tuple[int | None, ...]
