"""Parts that reports on trainings share: means over seeds, in words and pictures, and differences from the paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..outcome import TRAINED
from ..report import markdown_table, number
from .study import AbstractLearning


def curves(rows: pl.DataFrame, column: str, checkpoints: int) -> Float[np.ndarray, "seeds checkpoints"]:
    """A curve of every row; NaN where there is none."""
    lists = [curve or [None] * checkpoints for curve in rows[column].to_list()]
    return np.asarray(lists, float).reshape(-1, checkpoints)


def at_end(rows: pl.DataFrame, column: str) -> Float[np.ndarray, " seeds"]:
    """Returns the last entry of every curve; NaN where there is none."""
    return rows[column].list.last().cast(pl.Float64).fill_null(np.nan).to_numpy()


def seconds(rows: pl.DataFrame) -> str:
    """Writes the median of the seconds of trainings."""
    return number(rows["seconds"].median(), ".0f")


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


#: Rows of a line, its column, and its style.
Line = tuple[pl.DataFrame, str, dict[str, Any]]


def lines(found: Mapping[Any, pl.DataFrame], column: str) -> list[Line]:
    """Returns a line for each name, in a colour of its own."""
    return [(rows, column, {"color": f"C{i}", "label": name}) for i, (name, rows) in enumerate(found.items())]


def draw(
    study: AbstractLearning, panels: Mapping[str, Sequence[Line]], size: tuple[float, float], **options: Any
) -> Figure:
    """Draws means over seeds against the training step, with bars of a standard deviation.

    Args:
        study: its configuration.
        panels: title of a panel -> its lines; the legend is that of the last one.
        size: of the figure.
        **options: of the panels.
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
    """Says where the data of trainings are from."""
    return ", ".join(sorted(set(rows["source"].drop_nulls()))) or "nowhere"


def failures(rows: pl.DataFrame) -> str:
    """Says how many trainings failed, and how."""
    failed = rows.filter(pl.col("outcome") != TRAINED)
    words = ", ".join(sorted(set(failed["outcome"])))
    return f"{failed.height} of {rows.height} trainings failed{f' ({words})' if words else ''}."
