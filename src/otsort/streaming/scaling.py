"""Conversion of values to standard scores by the summary of a stream, and back."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .arrays import computing_dtype
from .digits import power_of_two, shifted
from .summary import Summary


class Scaling(NamedTuple):
    """A mean and a deviation in one dtype, which convert values to standard scores and back.

    Attributes:
        unit: a power of two near the deviation.
        high: the mean, in multiples of the unit.
        low: the rounding error of high. Without it, the mean of values near 1e5 is known only to 0.004 in float32.
        deviation: the deviation, in multiples of the unit. If all values are equal, it stands for the deviation 1.
    """

    unit: Any
    high: Any
    low: Any
    deviation: Any

    @classmethod
    def of(cls, summary: Summary, dtype: np.dtype) -> "Scaling":
        """Returns the scaling of a stream for computations in a dtype."""
        deviation, tiny = summary.deviation or 1.0, float(jnp.finfo(dtype).tiny)
        # Numerics: the unit must not be too small for the mean. In a unit near 1, the mean of equal values near the
        # end of the range would overflow.
        unit = power_of_two(max(deviation, abs(summary.mean) * tiny), dtype)
        high = dtype.type(summary.mean / unit)
        low = summary.mean / unit - float(high) + summary.rest / unit
        # Numerics: if values are too close together for the dtype, the values on either side of the mean get infinite
        # scores, and the score of the mean is not NaN.
        relative = max(deviation / unit, tiny)
        return cls(dtype.type(unit), high, dtype.type(low), dtype.type(relative))

    def scores(self, values: Any) -> Any:
        """Returns how many deviations values lie above the mean."""
        return shifted(values, self.unit, self.high, self.low) / self.deviation

    def values(self, scores: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the values that have given scores."""
        return (self.high + (self.low + self.deviation * scores)) * self.unit


@np.errstate(over="ignore")  # values too far away for the dtype get infinite scores
def standard_scores(values: Array | np.ndarray, summary: Summary, dtype: np.dtype) -> Array | np.ndarray:
    """Returns the scores of values in a dtype, as a new array, because users may overwrite theirs.

    Numerics: NumPy values are shifted in float64 before they are rounded, so they keep their digits even without x64.
    """
    if isinstance(values, np.ndarray):
        return np.asarray(Scaling.of(summary, np.dtype(np.float64)).scores(values)).astype(dtype)
    wider = max(computing_dtype(values), dtype, key=lambda dtype: dtype.itemsize)
    return _scores(values, Scaling.of(summary, wider)).astype(dtype)


@jax.jit
def values_of_scores(scores: Float[Array, "..."], scaling: Scaling) -> Float[Array, "..."]:
    """Returns the values that have given scores."""
    return _kept_apart(scaling).values(scores)


@jax.jit
def _scores(values: Array, scaling: Scaling) -> Array:
    return _kept_apart(scaling).scores(values)


def _kept_apart(scaling: Scaling) -> Scaling:
    # XLA: if high and low are constants of a program, the compiler turns x - high - low into x - (high + low), and the
    # digits of low are lost: on the CPU, in jaxlib 0.6.2 and 0.9.2, not in 0.12.
    return jax.lax.optimization_barrier(scaling)
