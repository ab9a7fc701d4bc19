"""Tests whether paired differences may be due to chance."""

from typing import Any

import numpy as np
import scipy.stats
from jaxtyping import Float

LEVEL = 0.05


def p_value(differences: Float[np.ndarray, " pairs"]) -> float:
    """Returns the p-value of a sign-flip test of the mean, or NaN if a difference is NaN.

    The test is exact for up to 15 differences: it flips their signs in every possible way.
    """
    if np.any(np.isnan(differences)):
        return np.nan
    pairs = (differences, np.zeros_like(differences))
    test: Any = scipy.stats.permutation_test(
        pairs, lambda u, v, axis: np.mean(u - v, axis=axis), permutation_type="samples", n_resamples=2**15
    )
    return float(test.pvalue)


def interval(differences: Float[np.ndarray, " pairs"], comparisons: int) -> tuple[float, float]:
    """Returns a confidence interval of the mean of the differences, by Student's t-distribution.

    Its confidence is one minus the level divided by the number of comparisons. A single difference has no interval:
    its ends are infinite.
    """
    if differences.size < 2:
        return -np.inf, np.inf
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    scale = scipy.stats.sem(differences)
    low, high = scipy.stats.t.interval(1 - LEVEL / comparisons, differences.size - 1, differences.mean(), scale)
    return float(low), float(high)


def is_beyond(differences: Float[np.ndarray, " pairs"], comparisons: int) -> bool:
    """Returns whether the p-value is below the level divided by the number of comparisons."""
    return p_value(differences) < LEVEL / comparisons
