"""Formats results of trainings for reports: means over seeds, pictures, and differences from the paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..outcome import NOT_CONVERGED, TRAINED
from ..report import markdown_table, number
from .study import AbstractLearning


def curves(rows: pl.DataFrame, column: str, checkpoints: int) -> Float[np.ndarray, "seeds checkpoints"]:
    """Returns the curve of every row; NaN where a row has none."""
    lists = [curve or [None] * checkpoints for curve in rows[column].to_list()]
    return np.asarray(lists, float).reshape(-1, checkpoints)


def at_end(rows: pl.DataFrame, column: str) -> Float[np.ndarray, " seeds"]:
    """Returns the last entry of the curve of every row; NaN where a row has none."""
    return rows[column].list.last().cast(pl.Float64).fill_null(np.nan).to_numpy()


def seconds(rows: pl.DataFrame) -> str:
    """Formats the median time of trainings in seconds."""
    return number(rows["seconds"].median(), ".0f")


def spread(sample: Float[np.ndarray, " seeds"], form: str = ".3f") -> str:
    """Formats mean and standard deviation over the seeds that have a value."""
    values = sample[np.isfinite(sample)]
    if not values.size:
        return number(None)
    mean = number(values.mean(), form)
    return mean if values.size == 1 else f"{mean} ± {number(values.std(ddof=1), form)}"


#: How trainings solve the transport problem.
ENDED_BY_A_MISS = "runs to a tolerance; a miss ends the training, and counts as a failure"


def differences(lines: Sequence[Sequence[str]], source: str = "paper") -> str:
    """Returns the table of differences from the paper or another source; a line is (subject, there, here)."""
    return f"Differences from the {source}:\n\n{markdown_table(lines, ['', source, 'this study'])}"


#: The rows of a line, its column, and its style.
Line = tuple[pl.DataFrame, str, dict[str, Any]]


def lines(found: Mapping[Any, pl.DataFrame], column: str) -> list[Line]:
    """Returns a line for each name, each in its own colour."""
    return [(rows, column, {"color": f"C{i}", "label": name}) for i, (name, rows) in enumerate(found.items())]


def draw(
    study: AbstractLearning, panels: Mapping[str, Sequence[Line]], size: tuple[float, float], **options: Any
) -> Figure:
    """Draws means over seeds against the training step, with error bars of one standard deviation.

    Args:
        study: the study with its configuration.
        panels: title of a panel -> its lines. The legend shows the lines of the last panel.
        size: size of the figure.
        **options: options of the panels.
    """
    steps = study.stride * np.arange(1, study.checkpoints + 1)
    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(1, len(panels), **options)
    for axes, (title, lines) in zip(places, panels.items(), strict=True):
        for rows, column, style in lines:
            found = curves(rows, column, study.checkpoints)
            bars = found.std(axis=0, ddof=1) if len(found) > 1 else None
            axes.errorbar(steps, found.mean(axis=0), bars, capsize=2, **style)
        axes.set(title=title, xlabel="training step")
        axes.grid(alpha=0.3)
    figure.legend(*places[-1].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure


def sources(rows: pl.DataFrame) -> str:
    """Names the sources of the data of trainings."""
    return ", ".join(sorted(set(rows["source"].drop_nulls()))) or "nowhere"


#: Header of a column of `misses`.
MISSES = "misses"


def misses(rows: pl.DataFrame) -> str:
    """Counts the trainings that ended because a solve missed its tolerance."""
    return str(rows.filter(outcome=NOT_CONVERGED).height)


def failures(rows: pl.DataFrame) -> str:
    """Says how many trainings failed, and with which outcomes, and explains the column of `misses`."""
    failed = rows.filter(pl.col("outcome") != TRAINED)
    words = ", ".join(sorted(set(failed["outcome"])))
    return (
        f"The column *{MISSES}* counts the trainings that ended because a solve missed its tolerance. In all, "
        f"{failed.height} of {rows.height} trainings failed{f' ({words})' if words else ''}."
    )
