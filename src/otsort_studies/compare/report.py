"""Writes the report that compares all solvers."""

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

ERRORS = {
    "marginal_error": "marginal error",
    "rank_error": "rank error",
    "sort_error": "sort error",
    "gradient_error": "gradient error",
}


def report(study: Compare, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which solvers are the fastest and the most accurate, with tables and two pictures."""
    costs = frames["cost"].sort("epsilon", descending=True, maintain_order=True)
    text = [
        _summary(costs),
        "**Accuracy.** *Rank error* is the largest error of a rank, divided by the number of values. *Sort error* is "
        "the largest error of a sorted value, divided by the range of the values. *Gradient error* is the relative "
        f"error of the gradient. {outcome.explained(costs['outcome'])}",
        _table(costs, ["outcome", "steps", *ERRORS.values()], _accuracy),
        "A solver that converges stops at its tolerance, which is raised to what float32 can reach (`tol` in "
        "results.jsonl). " + " ".join(_references(costs)),
        "**Cost.** *Forward* is the time of one call that computes ranks and sorted values, and *gradient* the time of "
        "one call that computes the gradient. *Scratch* is the scratch memory of the gradient.",
        _table(costs, ["forward (ms)", "gradient (ms)", "scratch (MiB)"], _cost),
    ]
    figures = {"ranks": _draw_ranks(study, frames["reading"])}
    if not frames["sweeps"].is_empty():
        figures["sweeps"] = _draw_sweeps(frames["sweeps"])
    return Report("\n\n".join(filter(None, text)), figures)


def _summary(costs: pl.DataFrame) -> str:
    """Names the fastest and the most accurate gradients over all epsilons, and the results that cannot be used."""
    soft = costs.filter(pl.col("epsilon") > 0)
    sound = soft.filter(pl.col("outcome").is_in(outcome.SOUND))
    said = []
    for column, quality in (("gradient_seconds", "fastest"), ("gradient_error", "most accurate")):
        best = sound.drop_nulls(column).sort(column).group_by("epsilon", maintain_order=True).first()
        if best.height:
            counts = best.group_by("solver", "differentiation", maintain_order=True).len().sort("len", descending=True)
            names = [
                f"{f'{solver} {differentiation}'.strip()} (at {count} of {best.height} epsilons)"
                for solver, differentiation, count in counts.iter_rows()
            ]
            said.append(f"The {quality} gradient is that of {', '.join(names)}.")
    if said:
        said.append("Errors near the rounding of float32, 1.2e-7, are no reason to prefer a method.")
    unsound = soft.filter(~pl.col("outcome").is_in(outcome.SOUND))
    failed = [
        f"{solver} {differentiation}".strip() + f" at epsilon = {epsilon:g} ({word})"
        for solver, differentiation, epsilon, word in unsound.select(
            "solver", "differentiation", "epsilon", "outcome"
        ).iter_rows()
    ]
    if failed:
        said.append(f"These results cannot be used: {', '.join(failed)}.")
    return " ".join(said)


def _table(costs: pl.DataFrame, headers: Sequence[str], cells: Callable[[dict[str, Any]], list[str]]) -> str:
    """Returns a table with a line for each method, grouped by epsilon."""
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
    """Describes the references of the errors, grouped by their outcome."""
    found: dict[str, list[str]] = {}
    for row in costs.drop_nulls("reference").unique("epsilon", maintain_order=True).iter_rows(named=True):
        error = f"{number(row['reference_marginal_error'], '.0e')} at epsilon = {row['epsilon']:g}"
        found.setdefault(row["reference"], []).append(error)
    if errors := found.pop(outcome.CONVERGED, []):
        yield f"The reference, Newton in float64, converged to a marginal error of {', '.join(errors)}."
    if found.pop(outcome.EXACT, []):
        yield (
            f"{EXACT_SOLVER} is compared with the exact ranks and sorted values. The gradient of exact ranks is zero, "
            "so it has no relative error."
        )
    for word, errors in found.items():
        yield f"Errors do not exist where the reference is {word}; its marginal error is {', '.join(errors)}."


def _draw_ranks(study: Compare, readings: pl.DataFrame) -> tuple[Figure, str]:
    """Draws some ranks and sorted values against epsilon, as in Figure 2 of Cuturi et al. (2019)."""
    places, n = study.pictured_places(), len(study.values)
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name in ((left, "ranks"), (right, "sorted_values")):
        nothing = [None] * places.size  # for a row that failed
        curves = np.asarray([line or nothing for line in readings[name].to_list()], float)
        axes.set_prop_cycle(color=colormaps["viridis"](np.linspace(0, 0.95, places.size)))
        axes.plot(readings["epsilon"], curves)
        axes.set(xscale="log", xlabel="epsilon", xlim=(readings["epsilon"].min(), readings["epsilon"].max()))
        axes.grid(alpha=0.3)
    left.set(ylabel="soft rank", title=f"Soft ranks of {places.size} values, smallest to largest")
    right.set(ylabel=study.column or "value", title=f"Soft sorted values at {places.size} positions, first to last")
    gaps = "" if (readings["outcome"] == outcome.CONVERGED).all() else "; gaps where it did not converge"
    where = f"{words(study.source, study.column)}, n = {n}"
    figure.suptitle(f"{where}: Newton in float64{gaps}")
    return figure, (
        f"Soft ranks (left) and soft sorted values (right) as functions of epsilon, for {where}. They are computed by "
        f"Newton in float64{gaps}."
    )


def _draw_sweeps(sweeps: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the error of the gradient against the number of sweeps, with a panel for each epsilon."""
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
        "Relative error of the gradient after a fixed number of LogSinkhorn sweeps, which begin at its default start.",
    )
