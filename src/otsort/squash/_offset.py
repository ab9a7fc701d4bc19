"""Squashes that depend only on differences of values."""

from .._types import Squash
from .deviations import Sigmoid, logistic
from .quartiles import robust
from .ranges import min_max


def ignores_offset(squash: Squash) -> bool:
    """Returns whether a squash is known to ignore a constant that is added to all values."""
    return isinstance(squash, Sigmoid) or squash in (logistic, min_max, robust)
