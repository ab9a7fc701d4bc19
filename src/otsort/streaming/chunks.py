"""An array in pieces."""

import dataclasses
from collections.abc import Iterator

import numpy as np


@dataclasses.dataclass(frozen=True)
class Chunks:
    """An array in pieces, each read when it is asked for, any number of times.

    Attributes:
        values: an array, such as `numpy.load(path, mmap_mode="r")`, taken as one list in the order of its memory.
        size: entries of a piece, at least 1.

    Example:
        >>> chunks = otsort.streaming.Chunks(np.array([1.0, 5.0, 4.0, 8.0, 12.0]), size=2)
        >>> print(*chunks)
        [1. 5.] [4. 8.] [12.]
    """

    values: np.ndarray
    size: int = 2**20

    def __iter__(self) -> Iterator[np.ndarray]:
        flat = self.values.ravel(order="K")
        for start in range(0, flat.size, self.size):
            yield np.asarray(flat[start : start + self.size])
