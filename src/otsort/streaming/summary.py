"""The summary of a stream, which the first pass computes."""

import dataclasses
import math

import numpy as np
from jaxtyping import ArrayLike

from .arrays import as_chunk
from .digits import power_of_two, shifted, two_sum


@dataclasses.dataclass(frozen=True)
class Summary:
    """The number, mean and deviation of values, which the logistic squash needs.

    Summaries are merged by the method of Chan, Golub and LeVeque (1979), in float64.

    Attributes:
        count: number of values.
        mean: their mean.
        deviation: their standard deviation; 0 where all values are equal.
        low: the least value.
        high: the largest value.
        rest: the rounding error of the mean; mean + rest has twice as many digits as the mean.

    Example:
        >>> x = np.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> summary = otsort.streaming.Summary.of(x[:2]).merge(otsort.streaming.Summary.of(x[2:]))
        >>> print(summary.count, summary.mean, round(summary.deviation, 2))
        5 6.0 3.74
    """

    count: int
    mean: float
    deviation: float
    low: float
    high: float
    rest: float = 0.0

    @classmethod
    def of(cls, values: ArrayLike) -> "Summary":
        """Returns the summary of one array, of any shape.

        Raises:
            ValueError: a masked array, no values, or one that is not finite.
            TypeError: values that are traced, or not real numbers.
        """
        return summarised(as_chunk(values, "values"))

    def merge(self, other: "Summary") -> "Summary":
        """Returns the summary of the values of both parts together."""
        # Numerics: the mean of the summary with more values moves, by at most half of the distance, so it stays finite.
        if other.count > self.count:
            return other.merge(self)
        share = other.count / (self.count + other.count)
        half = (other.mean / 2 - self.mean / 2) + (other.rest / 2 - self.rest / 2)
        mean, rest = two_sum(self.mean, self.rest + 2 * share * half)
        # Numerics: deviations are added by `hypot`; their squares might be out of the range of float64.
        deviation = math.hypot(
            math.sqrt(1 - share) * self.deviation,
            math.sqrt(share) * other.deviation,
            2 * math.sqrt(share * (1 - share)) * half,
        )
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Summary(self.count + other.count, mean, deviation, low, high, rest)


def summarised(array: np.ndarray) -> Summary:
    """Returns the summary of a checked array."""
    low, high = float(np.min(array)), float(np.max(array))
    # Numerics: values are counted from the least, so an offset costs no digits and equal values have no deviation.
    unit = np.float64(power_of_two(max(-low, high), np.dtype(np.float64)))
    above = shifted(array, unit, low / unit, np.float64(0))
    mean, rest = two_sum(float(low / unit), float(np.mean(above)))
    unit = float(unit)
    return Summary(array.size, mean * unit, float(np.std(above)) * unit, low, high, rest * unit)
