"""What people look at: the tables and the pictures."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ._data import Column
from ._measure import Result
from ._reading import Reading
from ._sweeps import Sweeps

CURVES = 20  # values whose ranks are drawn


def print_tables(results: Sequence[Result], console: Console) -> None:
    """Accuracy and cost, those of one epsilon together, and what errors were measured against."""
    accuracy = _table("outcome", "steps", "marginal\nerror", "rank\nerror", "sort\nerror", "gradient\nerror")
    cost = _table("forward\nms", "gradient\nms", "gradient's\nscratch MiB")
    for epsilon, group in itertools.groupby(results, key=lambda result: result.epsilon):
        for table in (accuracy, cost):
            table.add_section()
            table.add_row(f"[bold]epsilon = {epsilon:g}[/bold]")
        for result in group:
            name = f"{result.solver} {result.differentiation}"
            good = result.outcome in ("converged", "exact")
            errors = result.rank_error, result.sort_error, result.gradient_error
            accuracy.add_row(
                name,
                result.outcome if good else f"[yellow]{result.outcome}[/yellow]",
                str(result.steps),
                f"{result.marginal_error:.1e}",
                *(_error(error, result.outcome) for error in errors),
            )
            cost.add_row(
                name,
                f"{1e3 * result.forward_seconds:.1f}",
                f"{1e3 * result.gradient_seconds:.1f}",
                f"{result.gradient_bytes / 2**20:.2f}",
            )
    console.print(accuracy)
    console.print()
    console.print(
        "Solvers in float32; converged to their tolerance, raised to what float32 can reach (see results.csv)."
    )
    for line in _references(results):
        console.print(line)
    console.print()
    console.print(cost)
    console.print()
    console.print("One call, without compilation, LAPACK on one thread; scratch memory of the compiled gradient.")


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)  # to fit 80 columns
    table.add_column("", no_wrap=True)
    for name in columns:
        words = name == "outcome"
        table.add_column(name, no_wrap=not words, min_width=13 if words else 5, justify="left" if words else "right")
    return table


def _error(error: float, outcome: str) -> str:
    """NaN says that something broke where the outcome says so too, and elsewhere that there is no such error."""
    return "n/a" if math.isnan(error) and "not finite" not in outcome else f"{error:.1e}"


def _references(results: Sequence[Result]) -> list[str]:
    errors = {r.epsilon: (r.reference, r.reference_marginal_error) for r in results}
    reached = [f"{error:.0e} at epsilon = {e:g}" for e, (kind, error) in errors.items() if kind == "converged"]
    missed = [f"{error:.0e} at epsilon = {e:g}" for e, (kind, error) in errors.items() if kind == "not converged"]
    lines = []
    if reached:
        lines.append(f"Errors are against Newton in float64, converged: marginal error {', '.join(reached)}.")
    if missed:
        lines.append(f"No errors where that reference did not converge: marginal error {', '.join(missed)}.")
    if any(kind == "exact" for kind, _ in errors.values()):
        lines.append(
            "epsilon = 0: the exact solver, against the hard ranks and sorted values; "
            "the gradient of such ranks is zero everywhere."
        )
    return lines


def draw_ranks(path: Path, epsilons: Sequence[float], readings: Sequence[Reading], column: Column) -> None:
    """Soft ranks and sorted values of some of the data against epsilon, as in Figure 2 of Cuturi et al. (2019).

    Args:
        path: of the picture.
        epsilons: increasing.
        readings: one for each.
        column: the data.
    """
    n = column.values.size
    places = np.unique(np.linspace(0, n - 1, min(n, CURVES)).round().astype(int))
    order = np.argsort(column.values, kind="stable")[places]
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_prop_cycle(color=colormaps["viridis"](np.linspace(0, 0.95, places.size)))
        axes.set(xscale="log", xlabel="epsilon", xlim=(epsilons[0], epsilons[-1]))
        axes.grid(alpha=0.3)
    left.plot(epsilons, np.stack([reading.ranks for reading in readings])[:, order])
    left.set(ylabel="soft rank", title=f"Soft ranks of {places.size} values, the least to the largest")
    right.plot(epsilons, np.stack([reading.sorted_values for reading in readings])[:, places])
    right.set(ylabel=column.name or "value", title=f"Soft sorted values at {places.size} places, first to last")
    gaps = "" if all(reading.successful for reading in readings) else "; gaps where it did not converge"
    figure.suptitle(f"{column.where}, n = {n}: Newton in float64{gaps}")
    figure.savefig(path, dpi=150)


def draw_sweeps(path: Path, rows: Sequence[Sweeps]) -> None:
    """Gradient error against the number of sweeps, a panel for each epsilon."""
    epsilons = list(dict.fromkeys(row.epsilon for row in rows))
    columns = min(3, len(epsilons))
    lines = math.ceil(len(epsilons) / columns)
    figure = Figure(figsize=(max(5.5, 4 * columns), 0.6 + 3.6 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(epsilons) :]:
        axes.remove()
    for axes, epsilon in zip(panels, epsilons, strict=False):
        for marker, name in zip("osv", dict.fromkeys(row.differentiation for row in rows), strict=True):
            here = sorted(
                (r.sweeps, r.gradient_error) for r in rows if (r.differentiation, r.epsilon) == (name, epsilon)
            )
            axes.plot(*zip(*here, strict=True), marker=marker, label=name)
        axes.set(xscale="log", yscale="log", xlabel="sweeps", title=f"epsilon = {epsilon:g}")
        axes.grid(alpha=0.3)
    for axes in panels[::columns]:
        axes.set_ylabel("relative error of the gradient")
    panels[0].legend()
    figure.suptitle("Gradient of soft ranks after a fixed number of LogSinkhorn sweeps from exact_start, float32")
    figure.savefig(path, dpi=150)
