"""The words for how a measurement ended, and the one function that chooses among them."""

from typing import Any

import numpy as np

CONVERGED = "converged"
FIXED_BUDGET = "fixed budget"
EXACT = "exact"
TRAINED = "trained"
MEASURED = "measured"
NOT_CONVERGED = "not converged"
NOT_FINITE = "not finite"
GRADIENT_NOT_FINITE = "gradient not finite"
TOO_LARGE = "too large"  # therefore not run
NOT_INSTALLED = "not installed"  # a package that it needs
NOT_OFFERED = "not offered"  # by that package
# or "raised" and the name of an exception

#: Those of results that can be used.
SOUND = (CONVERGED, FIXED_BUDGET, EXACT, TRAINED, MEASURED)


def outcome(sound: str, *, finite: Any = True, successful: Any = True, gradient_finite: Any = True) -> str:
    """`sound`, or what is wrong with a result, or with some of a batch."""
    for good, word in ((finite, NOT_FINITE), (successful, NOT_CONVERGED), (gradient_finite, GRADIENT_NOT_FINITE)):
        if not np.all(good):
            return word
    return sound
