"""Compares accuracies with those of a baseline, seed by seed."""

import numpy as np
from jaxtyping import Float

from ..significance import LEVEL, interval

COMPARABLE, OPEN, BEHIND = range(3)
#: Words for whether a claim of the paper holds that accuracies are comparable.
VERDICTS = ("Reproduced", "Open", "Not reproduced")


def compared(points: Float[np.ndarray, " seeds"], margin: float) -> int:
    """Returns whether accuracies are comparable to those of a baseline, behind them, or neither for sure.

    Args:
        points: by how many percentage points they are behind, for each seed.
        margin: largest difference that is called comparable.
    """
    low, high = interval(points, 1)
    return COMPARABLE if high <= margin else BEHIND if low > margin else OPEN


def in_points(points: Float[np.ndarray, " seeds"]) -> str:
    """Formats a mean difference in percentage points with its confidence interval."""
    low, high = interval(points, 1)
    return f"{np.mean(points):.1f} points [{low:.1f}, {high:.1f}]"


def explained(seeds: int, margin: float, methods: str) -> str:
    """Explains the numbers and the verdicts.

    Args:
        seeds: number of seeds.
        margin: largest difference that is called comparable.
        methods: what is compared, in words.
    """
    return (
        f"A number is the mean over {seeds} seeds of the differences with equal seeds. The brackets hold its "
        f"confidence interval at {100 * (1 - LEVEL):g} % by Student's t-distribution. {methods} count as comparable "
        f"if the whole interval is at most {margin:g} points, and not if it lies above. Otherwise the answer is open, "
        "because more seeds would be needed."
    )
