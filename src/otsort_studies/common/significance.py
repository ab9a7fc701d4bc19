"""Says whether paired differences may be chance."""

from typing import Any

import numpy as np
import scipy.stats
from jaxtyping import Float

LEVEL = 0.05


def p_value(differences: Float[np.ndarray, " pairs"]) -> float:
    """Returns how likely chance alone moves the mean so far from 0.

    The test is exact: it flips the signs of up to 15 differences in every way. NaN if a difference is.
    """
    if np.any(np.isnan(differences)):
        return np.nan
    pairs = (differences, np.zeros_like(differences))
    test: Any = scipy.stats.permutation_test(
        pairs, lambda u, v, axis: np.mean(u - v, axis=axis), permutation_type="samples", n_resamples=2**15
    )
    return float(test.pvalue)


def is_beyond(differences: Float[np.ndarray, " pairs"], comparisons: int) -> bool:
    """Returns whether a p-value is below the level over the number of comparisons."""
    return p_value(differences) < LEVEL / comparisons
