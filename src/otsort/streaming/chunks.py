"""Arrays that are read in chunks."""

import dataclasses
import operator
from collections.abc import Iterator

import jax
import numpy as np

from .arrays import as_numbers


@dataclasses.dataclass(frozen=True)
class Chunks:
    """An array in chunks, which are read on demand and any number of times.

    Attributes:
        values: an array, such as `numpy.load(path, mmap_mode="r")`, which is read as one list in the order of its
            memory.
        size: number of entries of a chunk, at least 1.

    Raises:
        ValueError: values is a masked array, or size is below 1.
        TypeError: values is not an array of real numbers, or size is not an integer.

    Example:
        >>> chunks = otsort.streaming.Chunks(np.array([1.0, 5.0, 4.0, 8.0, 12.0]), size=2)
        >>> print(*chunks)
        [1. 5.] [4. 8.] [12.]
    """

    values: np.ndarray | jax.Array
    size: int = 2**20

    def __post_init__(self):
        # Other objects are refused, because making an array of a data set in a file would read all of it.
        if not isinstance(self.values, np.ndarray | jax.Array):
            raise TypeError(
                f"values must be an array, got {type(self.values).__name__}: pass numpy.asarray(values), or give "
                "`fit` an object whose __iter__ reads one piece after another"
            )
        as_numbers(self.values, "values")
        try:
            size = operator.index(self.size)
        except TypeError:
            raise TypeError(f"size must be an integer, at least 1, got {self.size!r}: pass int(size)") from None
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}: pass how many entries a piece should have")
        object.__setattr__(self, "size", size)

    def __iter__(self) -> Iterator[np.ndarray]:
        flat = np.asarray(self.values).ravel(order="K")
        for start in range(0, flat.size, self.size):
            yield flat[start : start + self.size]
