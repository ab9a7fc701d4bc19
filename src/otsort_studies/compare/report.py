"""The report of the comparison: its tables and pictures."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib import colormaps
from matplotlib.figure import Figure

from ..common import outcome
from ..common.column import words
from ..common.methods import EXACT_SOLVER
from ..common.report import Report, markdown_table, number
from .study import Compare

ERRORS = {"marginal_error": "marginal", "rank_error": "ranks", "sort_error": "sorted", "gradient_error": "gradient"}


def report(study: Compare, frames: dict[str, pl.DataFrame]) -> Report:
    """Accuracy, cost and two pictures."""
    costs = frames["cost"].sort("epsilon", descending=True, maintain_order=True)
    text = [
        "How solves ended, their steps, and errors: the marginal error; the largest of a rank, over the number of "
        "values; the largest of a sorted value, over their range; the relative error of the gradient.",
        _table(costs, ["outcome", "steps", *ERRORS.values()], _accuracy),
        "Solvers converge to their tolerance, raised to what float32 can reach (`tol` in results.jsonl). "
        + " ".join(_references(costs)),
        "Milliseconds of one call for ranks and sorted values and of one for the gradient, without compilation, and "
        "the scratch memory of the compiled gradient:",
        _table(costs, ["forward, ms", "gradient, ms", "scratch, MiB"], _cost),
    ]
    figures = {"ranks": _draw_ranks(study, frames["reading"])}
    if not frames["sweeps"].is_empty():
        figures["sweeps"] = _draw_sweeps(frames["sweeps"])
    return Report("\n\n".join(text), figures)


def _table(costs: pl.DataFrame, headers: Sequence[str], cells: Callable[[dict[str, Any]], list[str]]) -> str:
    """A line for each method, those of one epsilon together."""
    lines = []
    for (epsilon,), group in costs.group_by("epsilon", maintain_order=True):
        lines.append([f"epsilon = {epsilon:g}", *("" for _ in headers)])
        for row in group.iter_rows(named=True):
            lines.append([f"{row['solver']} {row['differentiation']}".strip(), *cells(row)])
    return markdown_table(lines, ["", *headers])


def _accuracy(row: dict[str, Any]) -> list[str]:
    return [row["outcome"], number(row["steps"], "d"), *(number(row[name]) for name in ERRORS)]


def _cost(row: dict[str, Any]) -> list[str]:
    scales = {"forward_seconds": (1e3, ".1f"), "gradient_seconds": (1e3, ".1f"), "scratch_bytes": (2**-20, ".2f")}
    return [number(row[name] and scale * row[name], form) for name, (scale, form) in scales.items()]


def _references(costs: pl.DataFrame) -> Iterator[str]:
    """Says what errors are measured against, by how that solve ended."""
    found: dict[str, list[str]] = {}
    for row in costs.drop_nulls("reference").unique("epsilon", maintain_order=True).iter_rows(named=True):
        error = f"{number(row['reference_marginal_error'], '.0e')} at epsilon = {row['epsilon']:g}"
        found.setdefault(row["reference"], []).append(error)
    if errors := found.pop(outcome.CONVERGED, []):
        yield f"Errors are against Newton in float64, converged: marginal error {', '.join(errors)}."
    if found.pop(outcome.EXACT, []):
        yield (
            f"Those of {EXACT_SOLVER} are against the hard ranks and sorted values; the gradient of such ranks is zero "
            "everywhere, and has no relative error."
        )
    for word, errors in found.items():
        yield f"There are none where Newton in float64 is {word}: marginal error {', '.join(errors)}."


def _draw_ranks(study: Compare, readings: pl.DataFrame) -> tuple[Figure, str]:
    """Some of the data against epsilon, as in Figure 2 of Cuturi et al. (2019)."""
    places, n = study.pictured_places(), len(study.values)
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name in ((left, "ranks"), (right, "sorted_values")):
        nothing = [None] * places.size  # of a reading that failed
        curves = np.asarray([line or nothing for line in readings[name].to_list()], float)
        axes.set_prop_cycle(color=colormaps["viridis"](np.linspace(0, 0.95, places.size)))
        axes.plot(readings["epsilon"], curves)
        axes.set(xscale="log", xlabel="epsilon", xlim=(readings["epsilon"].min(), readings["epsilon"].max()))
        axes.grid(alpha=0.3)
    left.set(ylabel="soft rank", title=f"Soft ranks of {places.size} values, the least to the largest")
    right.set(ylabel=study.column or "value", title=f"Soft sorted values at {places.size} places, first to last")
    gaps = "" if (readings["outcome"] == outcome.CONVERGED).all() else "; gaps where it did not converge"
    where = f"{words(study.source, study.column)}, n = {n}"
    figure.suptitle(f"{where}: Newton in float64{gaps}")
    return figure, f"Soft ranks and soft sorted values against epsilon ({where}), by Newton in float64{gaps}."


def _draw_sweeps(sweeps: pl.DataFrame) -> tuple[Figure, str]:
    """Gradient error against the number of sweeps, a panel for each epsilon."""
    epsilons = sweeps["epsilon"].unique(maintain_order=True).to_list()
    columns = min(3, len(epsilons))
    lines = math.ceil(len(epsilons) / columns)
    figure = Figure(figsize=(max(5.5, 4 * columns), 0.6 + 3.6 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(epsilons) :]:
        axes.remove()
    for axes, epsilon in zip(panels, epsilons, strict=False):
        here = sweeps.filter(pl.col("epsilon") == epsilon).sort("sweeps", maintain_order=True)
        for marker, ((name,), curve) in zip("osv", here.group_by("differentiation", maintain_order=True), strict=False):
            axes.plot(curve["sweeps"], curve["gradient_error"], marker=marker, label=name)
        axes.set(xscale="log", yscale="log", xlabel="sweeps", title=f"epsilon = {epsilon:g}")
        axes.grid(alpha=0.3)
    for axes in panels[::columns]:
        axes.set_ylabel("relative error of the gradient")
    panels[0].legend()
    figure.suptitle("Gradient of soft ranks after a fixed number of LogSinkhorn sweeps from exact_start, float32")
    return (
        figure,
        "Relative error of the gradient after a fixed number of LogSinkhorn sweeps from its default start.",
    )
