"""Defines the words for how a measurement ended, the function that chooses one, and their meanings."""

from collections.abc import Iterable
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
TOO_LARGE = "too large"  # not run
TOO_SLOW = "too slow"  # ended, or not run
NOT_INSTALLED = "not installed"  # a package is missing
NOT_OFFERED = "not offered"  # the package does not have the function
# or "raised" and the name of an exception

#: Outcomes of results that can be used.
SOUND = (CONVERGED, FIXED_BUDGET, EXACT, TRAINED, MEASURED)

_MEANINGS = {
    CONVERGED: "the solver reached its tolerance",
    FIXED_BUDGET: "the solver took a fixed number of steps",
    EXACT: "the solver is exact",
    NOT_CONVERGED: "the solver did not reach its tolerance",
    NOT_FINITE: "a result is NaN or infinite",
    GRADIENT_NOT_FINITE: "a gradient is NaN or infinite",
    NOT_INSTALLED: "a package that it needs is not installed",
}


def outcome(sound: str, *, finite: Any = True, successful: Any = True, gradient_finite: Any = True) -> str:
    """Returns `sound`, or the word for what is wrong with a result or with part of a batch."""
    for good, word in ((finite, NOT_FINITE), (successful, NOT_CONVERGED), (gradient_finite, GRADIENT_NOT_FINITE)):
        if not np.all(good):
            return word
    return sound


def explained(words: Iterable[str]) -> str:
    """Explains the outcomes that occur in a table; empty if there are none to explain."""
    meanings = dict.fromkeys(f"*{word}* means that {_MEANINGS[word]}" for word in words if word in _MEANINGS)
    return f"Outcomes: {'; '.join(meanings)}." if meanings else ""
