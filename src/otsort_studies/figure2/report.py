"""Writes the report on Figure 2."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import SOUND
from ..common.report import Report, markdown_table, number
from .study import Figure2

#: Columns of the table that describe the two curves of a row.
_DISTANCES = {
    "cdf_error": "CDF error",
    "height": "CDF height",
    "quantile_error": "quantile error",
    "outside": "outside the data",
}


_RANGES = "Where two numbers are given (0.1 to 0.2), they are the smallest and the largest over the lists of values."


def report(study: Figure2, frames: dict[str, pl.DataFrame]) -> Report:
    """Compares the curves with the exact ones."""
    curves = frames["curves"]
    distances = pl.DataFrame(
        [_distances(row) for row in curves.iter_rows(named=True)], dict.fromkeys(_DISTANCES, pl.Float64)
    )
    curves = pl.concat([curves, distances], how="horizontal")
    answers = "\n".join(f"- {answer}" for answer in _answers(study, curves))
    text = "\n\n".join(filter(None, (_summary(study, curves), answers, _RANGES, _table(curves))))
    drawn = {data: frame for (data,), frame in curves.group_by("data", maintain_order=True) if frame["values"].count()}
    return Report(text, {f"figure2-{str(data).replace(' ', '-')}": _draw(frame) for data, frame in drawn.items()})


def _distances(row: dict[str, Any]) -> dict[str, float | None]:
    """Computes the distances of the curves of a row from the exact ones; None if the row has no usable curves."""
    if row["outcome"] not in SOUND:
        return dict.fromkeys(_DISTANCES)
    x, cdf, levels, quantiles = (np.asarray(row[name]) for name in ("values", "cdf", "levels", "quantiles"))
    exact = x[np.ceil(levels * x.size - 1e-9).astype(int) - 1]
    apart = np.abs(quantiles - exact)
    return {
        "cdf_error": np.max(np.abs(cdf - _steps(x))),
        "height": np.ptp(cdf),
        # Weights for one quantile are for the middle one of three points.
        "quantile_error": (apart[1] if row["weights"] == "quantile" else np.max(apart)) / np.ptp(x),
        "outside": max(np.max(quantiles) - x[-1], x[0] - np.min(quantiles), 0) / np.ptp(x),
    }


def _steps(x: np.ndarray) -> np.ndarray:
    """Returns the exact CDF of increasing values at each value."""
    return np.arange(1, x.size + 1) / x.size


def _summary(study: Figure2, curves: pl.DataFrame) -> str:
    """Says in which direction each parameter changes the curves, as far as the rows show it; empty if they do not."""
    plain = curves.filter(weights="uniform", m=study.n)
    by_epsilon = plain.filter(sweeps=study.sweeps).sort("epsilon").group_by("epsilon", maintain_order=True)
    by_sweeps = plain.filter(epsilon=study.epsilon).sort("sweeps").group_by("sweeps", maintain_order=True)
    few = curves.filter(weights="uniform", epsilon=study.epsilon, sweeps=study.sweeps).sort("m")
    by_m = few.group_by("m", maintain_order=True)
    outside = (plain.filter(pl.col("sweeps") < study.sweeps)["outside"].max() or 0) > 0  # pyright: ignore
    said = {
        "A larger epsilon makes the CDF flatter.": _falls([group["height"].mean() for _, group in by_epsilon]),
        "With too few sweeps, the plan is not accurate"
        f"{', and quantiles can lie outside the data' if outside else ''}.": _falls(
            [group["marginal_error"].mean() for _, group in by_sweeps]
        ),
        "With fewer target points, both curves are less accurate.": all(
            _falls([group[error].mean() for _, group in by_m]) for error in ("cdf_error", "quantile_error")
        ),
    }
    return " ".join(sentence for sentence, is_seen in said.items() if is_seen)


def _answers(study: Figure2, curves: pl.DataFrame) -> Iterator[str]:
    plain = curves.filter(weights="uniform", m=study.n)
    by_epsilon = plain.filter(sweeps=study.sweeps).sort("epsilon").group_by("epsilon", maintain_order=True)

    yield (
        f"**Epsilon.** With m = n and {study.sweeps} sweeps, the CDF rises between the first and the last value by "
        + ", ".join(f"{_span(group['height'])} at epsilon = {epsilon:g}" for (epsilon,), group in by_epsilon)
        + f". The exact CDF rises by {1 - 1 / study.n:.3f}."
    )
    by_sweeps = plain.filter(epsilon=study.epsilon).sort("sweeps").group_by("sweeps", maintain_order=True)

    yield (
        f"**Sweeps.** With m = n and epsilon = {study.epsilon:g}, the marginal error is "
        + ", ".join(f"{_span(group['marginal_error'], '.1e')} after {_counted(k)}" for (k,), group in by_sweeps)
        + ". In units of the range of the values, quantiles lie outside the data by "
        + ", ".join(f"{_span(group['outside'])} after {_counted(sweeps)}" for (sweeps,), group in by_sweeps)
        + "."
    )
    others = curves.filter((pl.col("weights") != "uniform") | (pl.col("m") != study.n))
    yield (
        "**Target points.** Largest errors of the CDF and of the quantiles, the latter in units of the range of the "
        "values: "
        + "; ".join(
            f"with {panel}, {_span(group['cdf_error'])} (CDF) and {_span(group['quantile_error'])} (quantiles)"
            for (panel,), group in others.group_by("panel", maintain_order=True)
        )
        + "."
    )
    failed = curves.filter(~pl.col("outcome").is_in(SOUND)).height
    yield f"{failed} of {curves.height} solves failed."


def _falls(numbers: list[Any]) -> bool:
    """Returns whether all numbers exist and each is smaller than the one before."""
    return None not in numbers and all(before > after for before, after in itertools.pairwise(numbers))


def _counted(sweeps: Any) -> str:
    return f"{sweeps} sweep{'s' * (sweeps > 1)}"


def _span(numbers: pl.Series, form: str = ".3f") -> str:
    """Formats the smallest and the largest number over the lists of values."""
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
        "*CDF error* is the largest difference from the exact CDF at the values, and *quantile error* the largest "
        "difference from the exact quantiles. *CDF height* is the rise of the CDF between its first and its last "
        "point. *Outside the data* is the distance by which quantiles lie outside the values. Quantile errors and "
        "distances are in units of the range of the values. In the panel *b for one quantile*, the weights are those "
        "of equation (4) of the paper, and the quantile error is that of the quantile which they are for.\n\n"
    ) + markdown_table(lines, ["data", "panel", "parameters", "marginal error", *_DISTANCES.values()])


def _draw(curves: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the curves of one list of values."""
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
    return figure, (
        f"S-CDF (lines) and S-quantiles (dots) of {x.size} values ({data}). Each panel varies one parameter; *b for "
        "one quantile* also has m = 3 and a larger epsilon. Grey: the exact CDF."
    )


def _label(row: dict[str, Any]) -> str:
    return f"epsilon {row['epsilon']:g}, {_counted(row['sweeps'])}, m = {row['m']}"
