"""The pictures of the study of gradients."""

import polars as pl
from matplotlib.figure import Figure

from .laws import COLD, FLOOR, median, pairs
from .study import MAIN, METHODS, STARTS, Gradients


def draw_errors(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
    """The errors of one list against the number of sweeps, and what they are made of."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    here = rows.filter(epsilon=study.epsilon, data=study.data[0]).sort("sweeps")
    for start, axes in zip(STARTS, panels, strict=True):
        unrolled, implicit = (here.filter(start=start, method=method) for method in MAIN)
        for some, column, style, label in (
            (implicit, "marginal_error", "k:", "marginal error"),
            (implicit, "point_error", "C7-", "point error, common"),
            (implicit, "gradient_error", "C0o-", "implicit"),
            (implicit, "derivative_error", "C0--", "linearisation part"),
            (unrolled, "gradient_error", "C1s-", "unrolled"),
            (unrolled, "derivative_error", "C1--", "truncation part"),
        ):
            shown = some.filter(pl.col(column) > FLOOR)
            if not shown.is_empty():
                axes.plot(shown["sweeps"], shown[column], style, label=label, markersize=4)
        axes.set(xscale="log", yscale="log", xlabel="sweeps", title=f"start: {start}", ylim=(FLOOR, 2))
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    panels[0].set_ylabel("relative l2 error of the gradient; L1 marginal error")
    where = f"{study.data[0]}, n = m = {study.n}, epsilon = {study.epsilon:g}, float64"
    figure.suptitle(f"The gradient after a fixed number of LogSinkhorn sweeps: {where}")
    return figure, f"Errors against the number of sweeps, from three starts ({where}); none below {FLOOR:g}."


def draw_cost(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
    """Which of the main methods is better where, and what all methods cost."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    ratio, seconds, memory = figure.subplots(1, 3)
    points = pairs(rows).with_columns(across=pl.col("sweeps") * (1 - pl.col("rate")))
    for start, style in zip(COLD, ("C0o", "C1^"), strict=True):
        here = points.filter(start=start)
        if not here.is_empty():
            ratio.plot(here["across"], here["ratio"], style, label=f"start: {start}", markersize=3, alpha=0.6)
    if ratio.lines:
        ratio.legend(fontsize="small")
        ratio.axhline(1, color="0.5", zorder=0)
    ratio.set(xscale="log", yscale="log", xlabel="sweeps x (1 - rho)", ylabel="error, unrolled / implicit")
    for index, method in enumerate(METHODS):
        budgets = rows.filter(method=method).sort("sweeps").group_by("sweeps", maintain_order=True)
        groups = {sweeps: group for (sweeps,), group in budgets}
        for axes, column, scale, style in (
            (seconds, "gradient_seconds", 1e3, "o-"),
            (memory, "scratch_bytes", 2**-20, "o-"),
            (seconds, "forward_seconds", 1e3, ":"),
        ):
            if groups and (style != ":" or method in MAIN):
                medians = [scale * median(group[column]) for group in groups.values()]
                label = None if style == ":" else method
                axes.plot([*groups], medians, style, color=f"C{index}", label=label, markersize=3)
    seconds.set(
        xscale="log", yscale="log", xlabel="sweeps", ylabel="forward and backward pass, ms (dotted: forward alone)"
    )
    memory.set(xscale="log", yscale="log", xlabel="sweeps", ylabel="scratch memory of the gradient, MiB")
    for axes in (ratio, seconds, memory):
        axes.grid(alpha=0.3)
    if memory.lines:
        memory.legend(fontsize="x-small")
    return figure, (
        "Left: error of the unrolled over that of the implicit gradient, all lists and epsilon, against the number "
        "of sweeps in units of 1 / (1 - rho), above 1 where implicit differentiation is better. Middle and right: "
        f"medians of time and scratch memory at n = m = {study.n}, float64."
    )
