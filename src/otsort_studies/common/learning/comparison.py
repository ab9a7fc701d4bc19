"""Compares accuracies with those of a baseline, seed by seed."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..significance import LEVEL, interval

# Whether the claim of a paper holds that accuracies are comparable to those of a baseline.
REPRODUCED, OPEN, NOT_REPRODUCED = "Reproduced", "Open", "Not reproduced"


def verdict(points: Float[np.ndarray, " seeds"], margin: float) -> str:
    """Returns whether accuracies are comparable to those of a baseline, behind them, or neither for sure.

    Args:
        points: by how many percentage points they are behind, for each seed.
        margin: largest difference that is called comparable.
    """
    low, high = interval(points, 1)
    return REPRODUCED if high <= margin else NOT_REPRODUCED if low > margin else OPEN


def in_points(points: Float[np.ndarray, " seeds"]) -> str:
    """Formats a mean difference in percentage points with its confidence interval."""
    low, high = interval(points, 1)
    return f"{np.mean(points):.1f} points [{low:.1f}, {high:.1f}]"


def explained(seeds: int, margin: float) -> str:
    """Explains the numbers and the verdicts."""
    return (
        f"Each number is the mean of {seeds} differences, each between two trainings with the same seed. The brackets "
        f"hold its confidence interval at {100 * (1 - LEVEL):g} % by Student's t-distribution. *Reproduced* means that "
        f"the upper end of the interval is at most {margin:g} points, and *not reproduced* that the lower end is "
        f"above {margin:g}. Otherwise the answer is *open*, because more seeds would be needed."
    )


def end_of_range(number: float, tried: Sequence[float]) -> str:
    """Says whether a chosen number is the smallest or the largest of those that were tried."""
    if len(tried) == 1:
        return ", the only one that was tried"
    return {min(tried): ", the smallest that was tried", max(tried): ", the largest that was tried"}.get(number, "")
