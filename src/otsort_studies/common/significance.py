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


def is_beyond(differences: Float[np.ndarray, " pairs"], comparisons: int) -> bool:
    """Returns whether the p-value is below the level divided by the number of comparisons."""
    return p_value(differences) < LEVEL / comparisons
