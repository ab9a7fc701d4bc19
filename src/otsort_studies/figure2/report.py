"""The report on Figure 2."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import SOUND
from ..common.report import Report, markdown_table, number
from .study import Figure2

#: What the table says of a pair of curves, beside the marginal error.
_DISTANCES = {
    "cdf_error": "cdf: from exact",
    "height": "cdf: height",
    "quantile_error": "quantiles: from exact",
    "outside": "quantiles: outside the data",
}


def report(study: Figure2, frames: dict[str, pl.DataFrame]) -> Report:
    """The curves, and how far they are from the exact ones."""
    curves = frames["curves"]
    distances = pl.DataFrame(
        [_distances(row) for row in curves.iter_rows(named=True)], dict.fromkeys(_DISTANCES, pl.Float64)
    )
    curves = pl.concat([curves, distances], how="horizontal")
    text = "\n".join(f"- {answer}" for answer in _answers(study, curves)) + "\n\n" + _table(curves)
    drawn = {data: frame for (data,), frame in curves.group_by("data", maintain_order=True) if frame["values"].count()}
    return Report(text, {f"figure2-{str(data).replace(' ', '-')}": _draw(frame) for data, frame in drawn.items()})


def _distances(row: dict[str, Any]) -> dict[str, float | None]:
    """Of the curves of a row; None where there are none that can be used."""
    if row["outcome"] not in SOUND:
        return dict.fromkeys(_DISTANCES)
    x, cdf, levels, quantiles = (np.asarray(row[name]) for name in ("values", "cdf", "levels", "quantiles"))
    exact = x[np.ceil(levels * x.size - 1e-9).astype(int) - 1]
    return {
        "cdf_error": np.max(np.abs(cdf - _steps(x))),
        "height": np.ptp(cdf),
        "quantile_error": np.max(np.abs(quantiles - exact)) / np.ptp(x),
        "outside": max(np.max(quantiles) - x[-1], x[0] - np.min(quantiles), 0) / np.ptp(x),
    }


def _steps(x: np.ndarray) -> np.ndarray:
    """The exact CDF of increasing values, at each of them."""
    return np.arange(1, x.size + 1) / x.size


def _answers(study: Figure2, curves: pl.DataFrame) -> Iterator[str]:
    plain = curves.filter(weights="uniform", m=study.n)
    by_epsilon = plain.filter(sweeps=study.sweeps).sort("epsilon").group_by("epsilon", maintain_order=True)
    yield (
        f"The regularisation, after {study.sweeps} sweeps with m = n: from first to last value the CDF rises by "
        + ", ".join(f"{_span(group['height'])} at epsilon = {epsilon:g}" for (epsilon,), group in by_epsilon)
        + f"; the exact one by {1 - 1 / study.n:.3f}."
    )
    by_sweeps = plain.filter(epsilon=study.epsilon).sort("sweeps").group_by("sweeps", maintain_order=True)
    yield (
        f"The sweeps, at epsilon = {study.epsilon:g} with m = n: the marginal error is "
        + ", ".join(f"{_span(group['marginal_error'], '.1e')} after {sweeps}" for (sweeps,), group in by_sweeps)
        + "; quantiles leave the data by "
        + ", ".join(f"{_span(group['outside'])}" for _, group in by_sweeps)
        + " of the range of the values."
    )
    others = curves.filter((pl.col("weights") != "uniform") | (pl.col("m") != study.n))
    yield (
        "The targets: with "
        + ", with ".join(
            f"{panel} the CDF is off by {_span(group['cdf_error'])}, quantiles by {_span(group['quantile_error'])}"
            for (panel,), group in others.group_by("panel", maintain_order=True)
        )
        + " of the range. (Where two numbers are given, they are the least and the largest over the lists of values.)"
    )
    failed = curves.filter(~pl.col("outcome").is_in(SOUND)).height
    yield f"{failed} of {curves.height} solves failed."


def _span(numbers: pl.Series, form: str = ".3f") -> str:
    """The least and the largest over the lists of values."""
    return " to ".join(dict.fromkeys(number(end, form) for end in (numbers.min(), numbers.max())))


def _table(curves: pl.DataFrame) -> str:
    lines = [
        [
            row["data"],
            row["panel"],
            _label(row),
            number(row["marginal_error"]) if row["outcome"] in SOUND else row["outcome"],
            *(number(row[name], ".3f") for name in _DISTANCES),
        ]
        for row in curves.iter_rows(named=True)
    ]
    return (
        "Largest vertical distances from the exact curves, height of the cdf from its first to its last point, and "
        "how far quantiles leave the data; quantiles in units of the range of the values.\n\n"
    ) + markdown_table(lines, ["data", "panel", "parameters", "marginal error", *_DISTANCES.values()])


def _draw(curves: pl.DataFrame) -> tuple[Figure, str]:
    """Of one list of values."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    panels = dict(zip(curves["panel"].unique(maintain_order=True), figure.subplots(2, 3).ravel(), strict=True))
    data, x = curves["data"][0], np.asarray(curves["values"].drop_nulls()[0])
    for panel, axes in panels.items():
        axes.step(x, _steps(x), where="post", color="0.8", label="exact")
        axes.set(title=panel, xlabel="value", ylabel="level")
    for row in curves.filter(pl.col("outcome").is_in(SOUND)).iter_rows(named=True):
        axes = panels[row["panel"]]
        (line,) = axes.plot(x, row["cdf"], label=_label(row))
        axes.plot(row["quantiles"], row["levels"], ".", color=line.get_color())
    for axes in panels.values():
        axes.legend(fontsize="x-small", loc="upper left")
    figure.suptitle(f"{data}, n = {x.size}: S-CDF (lines) and S-quantiles (dots)")
    return figure, f"S-CDF (lines) and S-quantiles (dots) of {x.size} values ({data})."


def _label(row: dict[str, Any]) -> str:
    return f"epsilon {row['epsilon']:g}, {row['sweeps']} sweep{'s' * (row['sweeps'] > 1)}, m = {row['m']}"
