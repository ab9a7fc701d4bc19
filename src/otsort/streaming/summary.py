"""The first pass."""

import dataclasses
import math

import numpy as np
from jaxtyping import ArrayLike


@dataclasses.dataclass(frozen=True)
class Summary:
    """Number, mean and deviation of values: what the logistic squash needs to know.

    Merging is that of Chan, Golub and LeVeque (1979), in float64.

    Attributes:
        count: number of values.
        mean: their mean.
        squares: the sum of their squared deviations from it.
        low: the least value.
        high: the largest value.

    Example:
        >>> x = np.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> summary = otsort.streaming.Summary.of(x[:2]).merge(otsort.streaming.Summary.of(x[2:]))
        >>> print(summary.count, summary.mean, round(summary.deviation, 2))
        5 6.0 3.74
    """

    count: int
    mean: float
    squares: float
    low: float
    high: float

    @classmethod
    def of(cls, values: ArrayLike) -> "Summary":
        """That of one array, of any shape.

        Raises:
            ValueError: no values, or one that is not finite.
        """
        array = np.asarray(values, np.float64)
        if array.size == 0 or not np.all(np.isfinite(array)):
            raise ValueError("a stream takes nonempty arrays of finite values: remove what is missing first")
        mean = np.mean(array)
        squares = np.sum((array - mean) ** 2)
        return cls(array.size, float(mean), float(squares), float(np.min(array)), float(np.max(array)))

    def merge(self, other: "Summary") -> "Summary":
        """That of the values of both."""
        count = self.count + other.count
        step = other.mean - self.mean
        return Summary(
            count,
            self.mean + step * other.count / count,
            self.squares + other.squares + step**2 * self.count * other.count / count,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def deviation(self) -> float:
        """The standard deviation; 1 where all values are equal."""
        return math.sqrt(self.squares / self.count) or 1.0
