"""Words and tables that reports on trainings share."""

from collections.abc import Sequence

import numpy as np

from ..report import markdown_table, number


def spread(sample: Sequence[float | None] | np.ndarray, form: str = ".3f") -> str:
    """Mean and standard deviation over seeds of what exists."""
    values = np.asarray(sample, float)
    values = values[np.isfinite(values)]
    if not values.size:
        return number(None)
    mean = number(values.mean(), form)
    return mean if values.size == 1 else f"{mean} ± {number(values.std(ddof=1), form)}"


def differences(lines: Sequence[Sequence[str]]) -> str:
    """The table of what differs from the paper: what, there, here."""
    return f"What differs from the paper:\n\n{markdown_table(lines, ['', 'paper', 'here'])}"
