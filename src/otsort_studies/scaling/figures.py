"""The picture of the study of scaling."""

import math
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from .curves import curve
from .study import SOLVERS, SORT, Scaling, Sweep

_MEASURES = {
    "forward_seconds": ("ranks", "seconds"),
    "gradient_seconds": ("gradient", "seconds"),
    "gradient_bytes": ("scratch memory of the gradient", "bytes"),
}
_FACTORS = {"n": "number of values n", "batch": "number of lists", "epsilon": "epsilon"}


def draw(study: Scaling, costs: pl.DataFrame) -> tuple[Figure, str]:
    """All measures against n = m, and the time of the gradient against the other factors."""
    first, *others = study.sweeps()
    shown = [(first, column) for column in _MEASURES]
    shown += [(sweep, "gradient_seconds") for sweep in others if len(sweep.settings) > 1 and sweep.factor in _FACTORS]
    lines = math.ceil(len(shown) / 3)
    figure = Figure(figsize=(13, 3.75 * lines), layout="constrained")
    places = figure.subplots(lines, 3).ravel()
    for axes in places[len(shown) :]:
        axes.remove()
    for axes, (sweep, column) in zip(places, shown, strict=False):
        _panel(axes, study, costs, sweep, column)
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(study.solvers))
    return figure, (
        "Time of soft ranks and of their gradient, and the gradient's scratch memory, against one factor each "
        "(log axes); where the sweep of a solver ends early, the text says why."
    )


def _panel(axes: Any, study: Scaling, costs: pl.DataFrame, sweep: Sweep, column: str) -> None:
    for solver in study.solvers:
        points = curve(costs, sweep, solver).drop_nulls(column)
        color, style = ("0.4", "--") if solver == SORT else (f"C{SOLVERS.index(solver)}", "o-")
        if points.height > 1:
            axes.plot(points[sweep.factor], points[column], style, color=color, label=solver, markersize=4)
    what, unit = _MEASURES[column]
    axes.set(xscale="log", yscale="log", xlabel=_FACTORS[sweep.factor], ylabel=unit, title=f"{what}, {sweep.title}")
    axes.grid(alpha=0.3)
