"""What reports on trainings share: means over seeds, in words and pictures, and what differs from the paper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from ..report import markdown_table, number


def curves(rows: pl.DataFrame, column: str, checkpoints: int) -> Float[np.ndarray, "seeds checkpoints"]:
    """A curve of every row; NaN where there is none."""
    lists = [curve or [None] * checkpoints for curve in rows[column].to_list()]
    return np.asarray(lists, float).reshape(-1, checkpoints)


def spread(sample: Float[np.ndarray, " seeds"], form: str = ".3f") -> str:
    """Mean and standard deviation over seeds of what exists."""
    values = sample[np.isfinite(sample)]
    if not values.size:
        return number(None)
    mean = number(values.mean(), form)
    return mean if values.size == 1 else f"{mean} ± {number(values.std(ddof=1), form)}"


#: Of the transport within a training, which goes on whatever comes of it.
TOLERANCE = "to a tolerance, misses are not recorded"


def differences(lines: Sequence[Sequence[str]], source: str = "paper") -> str:
    """The table of what differs from the paper, or from another source: what, there, here."""
    return f"What differs from the {source}:\n\n{markdown_table(lines, ['', source, 'here'])}"


def draw_curves(axes: Any, x: Any, found: Float[np.ndarray, "seeds checkpoints"], **style: Any) -> None:
    """Means over seeds, with bars of a standard deviation."""
    bars = found.std(axis=0, ddof=1) if len(found) > 1 else None
    axes.errorbar(x, found.mean(axis=0), bars, capsize=2, **style)


def sources(rows: pl.DataFrame) -> str:
    """Where the data of trainings are from."""
    return ", ".join(sorted(set(rows["source"].drop_nulls()))) or "nowhere"


def failures(rows: pl.DataFrame, sound: str) -> str:
    """How many trainings failed, and how."""
    failed = rows.filter(pl.col("outcome") != sound)
    words = ", ".join(sorted(set(failed["outcome"])))
    return f"{failed.height} of {rows.height} trainings failed{f' ({words})' if words else ''}."
