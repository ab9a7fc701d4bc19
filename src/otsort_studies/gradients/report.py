"""Writes the report on gradients: which method is more accurate, why, how fast errors fall, and the cost."""

import itertools

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED, FIXED_BUDGET, explained
from ..common.report import Report, markdown_table, number
from .laws import COLD, FLOOR, median, median_cell, pairs, reason, speed, spread_cell
from .study import GRADIENT_METHODS, MAIN, STARTS, STRATEGIES, Gradients

CLEARLY = 0.9  # ratios of errors below it count as clearly better


def report(study: Gradients, frames: dict[str, pl.DataFrame]) -> Report:
    """Compares unrolled and implicit gradients in accuracy and cost."""
    rows = frames["gradient"]
    sound = rows.filter(outcome=FIXED_BUDGET, reference=CONVERGED)
    centre = sound.filter(n=study.n, m=study.n, dtype="float64")
    points = pairs(centre).filter(pl.col("start").is_in(COLD))
    parts = [
        _winner(points),
        _warm(study, centre),
        _budgets(study, centre),
        reason(points),
        speed(centre),
        _main_costs(study, centre),
        _all_methods(study, rows),
        _elsewhere(study, sound),
    ]
    figures = {"gradients-errors": _draw_errors(study, centre), "gradients-cost": _draw_cost(study, centre)}
    return Report("\n\n".join(parts), figures)


def _winner(points: pl.DataFrame) -> str:
    lines = []
    for start in COLD:
        here = points.filter(start=start)
        if here.is_empty():
            continue
        better = here.filter(pl.col("ratio") < 1)
        where = (
            "" if better.is_empty() else f" ({better['sweeps'].min()} to {better['sweeps'].max()} sweeps), by at most "
        )
        where += "" if better.is_empty() else f"{better.select(1 - pl.col('ratio').min()).item():.1%}"
        lines.append(
            f"- With the start *{start}*, it is more accurate in {better.height} of {here.height} cases{where}. Its "
            f"error is {median(here['ratio']):.2g} times that of the implicit gradient in the median, and at most "
            f"{here['ratio'].max():.2g} times."
        )
    clear = points.filter(pl.col("ratio") < CLEARLY).height
    nowhere = points.height and not clear
    answer = (
        "never clearly more accurate than the implicit one, whatever the number of sweeps"
        if nowhere
        else f"clearly more accurate than the implicit one in {clear} of {points.height} cases"
    )
    return (
        f"**The unrolled gradient is {answer}.** *Clearly* means that its error is smaller by more than "
        f"{1 - CLEARLY:.0%}. A *case* is a combination of start, list, epsilon and number of sweeps at which at least "
        f"one of the two errors is above {FLOOR:g}.\n\n" + "\n".join(lines)
    )


def _warm(study: Gradients, rows: pl.DataFrame) -> str:
    warm = rows.filter(epsilon=study.epsilon, start="solution")
    unrolled, implicit = (warm.filter(method=method) for method in MAIN)
    largest = implicit["gradient_error"].max()
    said = number(None) if largest is None else f"at most {max(largest, FLOOR):.0e}"  # pyright: ignore
    is_enough = lambda sweeps: median(unrolled.filter(sweeps=sweeps)["gradient_error"]) <= ENOUGH
    enough = [*itertools.takewhile(is_enough, reversed(study.sweeps))]
    return (
        f"With the start *solution*, a perfect warm start, and epsilon = {study.epsilon:g}, the error of the implicit "
        f"gradient is {said} for every number of sweeps. The median error of the unrolled gradient over the lists is "
        f"at most {ENOUGH:g} {f'from {enough[-1]} sweeps on' if enough else 'for no number of sweeps'}."
    )


def _budgets(study: Gradients, rows: pl.DataFrame) -> str:
    rows = rows.filter(epsilon=study.epsilon)
    points = pairs(rows)
    table = []
    for sweeps in study.sweeps:
        here = rows.filter(sweeps=sweeps)
        ratios = {start: points.filter(sweeps=sweeps, start=start)["ratio"] for start in COLD}
        if not any(ratio.len() for ratio in ratios.values()):
            continue
        line = [str(sweeps)]
        for start, ratio in ratios.items():
            unrolled, implicit = (here.filter(start=start, method=method) for method in MAIN)
            line += [median_cell(implicit, "marginal_error"), median_cell(implicit, "gradient_error")]
            line += [median_cell(unrolled, "gradient_error"), spread_cell(ratio)]
        warm = here.filter(start="solution", method=MAIN[0])
        table.append([*line, median_cell(warm, "gradient_error")])
    names = ("marginal error", "implicit error", "unrolled error", "unrolled / implicit")
    headers = ["sweeps", *(f"{start}: {name}" for start in COLD for name in names), "solution: unrolled error"]
    return (
        f"Errors of the gradients at epsilon = {study.epsilon:g}, as medians over {rows['data'].n_unique()} lists. The "
        "name before the colon is the start. *Unrolled / implicit* is the ratio of the two errors, as median and range "
        f"over the lists with an error above {FLOOR:g}:\n\n{markdown_table(table, headers)}"
    )


ENOUGH = 1e-3  # error of the gradient that methods should reach


def _main_costs(study: Gradients, rows: pl.DataFrame) -> str:
    """Compares time and memory of unrolled and implicit differentiation at the central setting."""
    rows = rows.filter(pl.col("method").is_in(MAIN))
    medians = {
        (method, sweeps): (median(group["gradient_seconds"]), median(group["scratch_bytes"]))
        for (method, sweeps), group in rows.group_by("method", "sweeps", maintain_order=True)
    }
    both = [sweeps for sweeps in study.sweeps if all((method, sweeps) in medians for method in MAIN)]
    if not both:
        return "**Cost.** There is no number of sweeps at which both methods gave a gradient."
    unrolled, implicit = (medians[method, both[-1]] for method in MAIN)
    faster = [str(sweeps) for sweeps in both if medians[MAIN[0], sweeps][0] < medians[MAIN[1], sweeps][0]]
    return (
        f"**Cost.** At n = m = {study.n} and {both[-1]} sweeps, forward and backward pass of unrolling take "
        f"{number(unrolled[0] / implicit[0], '.1f')} times as long as those of implicit differentiation, and need "
        f"{number(unrolled[1] / implicit[1], '.0f')} times as much scratch memory. "
        f"Numbers of sweeps at which unrolling is faster: {', '.join(faster) or 'none'}."
    )


def _all_methods(study: Gradients, rows: pl.DataFrame) -> str:
    """Compares all methods at the central setting.

    Args:
        study: the study with its configuration.
        rows: all rows, whatever their outcome.
    """
    centre = rows.filter(n=study.n, m=study.n, dtype="float64")
    table = []
    for method in GRADIENT_METHODS:
        mine = centre.filter(method=method)
        here = mine.filter(pl.col("data").is_in(study.data[:2]), epsilon=study.epsilon)
        # The time of a program does not depend on its input.
        at, here_at = (some.filter(sweeps=study.budget) for some in (mine, here))
        table.append(
            [
                method,
                ", ".join(here_at["outcome"].unique(maintain_order=True)),
                *(median_cell(here_at.filter(start=start), "gradient_error") for start in COLD),
                *(median_cell(at, name, 1e3) for name in ("forward_seconds", "gradient_seconds")),
                median_cell(at, "scratch_bytes", 2**-20),
                *(_least(study, mine, here.filter(start=start)) for start in COLD),
            ]
        )
    headers = ["method", "outcome", "error, zero", "error, exact", "forward (ms)", "gradient (ms)", "scratch (MiB)"]
    headers += [f"ms to {ENOUGH:g}, {start}" for start in COLD]
    return (
        f"All methods after {study.budget} sweeps (steps of Newton) at epsilon = {study.epsilon:g}. *Zero* and *exact* "
        f"are the starts. Errors are medians over {' and '.join(study.data[:2])}. Gradient times "
        "include the forward pass. The last columns give the shortest time in which a method reaches an error of "
        f"{ENOUGH:g}, with the number of sweeps in brackets ({', '.join(map(str, study.few_sweeps))} were tried), or a "
        f"dash if it does not, or was not measured. {explained(centre['outcome'])}\n\n{markdown_table(table, headers)}"
    )


def _least(study: Gradients, mine: pl.DataFrame, here: pl.DataFrame) -> str:
    """Formats the shortest time, over the numbers of sweeps, in which the error is small enough."""
    times = [
        (median(mine.filter(sweeps=sweeps)["gradient_seconds"]), sweeps)
        for sweeps in study.few_sweeps
        if median(here.filter(sweeps=sweeps)["gradient_error"]) <= ENOUGH
    ]
    return "{} ({})".format(number(1e3 * min(times)[0], ".3g"), min(times)[1]) if times else number(np.nan)


def _elsewhere(study: Gradients, rows: pl.DataFrame) -> str:
    """Compares the differentiations of one solver at all sizes and dtypes."""
    rows = rows.filter(pl.col("data").is_in(study.data[:2]), sweeps=study.budget, epsilon=study.epsilon)
    table = []
    for n, m, dtype in study.places():
        here = rows.filter(n=n, m=m, dtype=dtype)
        errors = [median_cell(here.filter(method=method, start="exact"), "gradient_error") for method in MAIN]
        costs = [
            f"{median_cell(mine, 'gradient_seconds', 1e3)} / {median_cell(mine, 'scratch_bytes', 2**-20)}"
            for mine in (here.filter(method=method) for method in STRATEGIES)
        ]
        table.append([str(n), str(m), dtype, *errors, *costs])
    names = [name.removeprefix("LogSinkhorn ") for name in STRATEGIES]
    headers = ["n", "m", "dtype", "unrolled error", "implicit error", *(f"{name}: ms / MiB" for name in names)]
    return (
        f"Other sizes and dtypes after {study.budget} sweeps from the start *exact*. The last columns give the time "
        f"and the scratch memory of the gradient.\n\n{markdown_table(table, headers)}"
    )


def _draw_errors(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the errors of one list and their parts against the number of sweeps."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    here = rows.filter(epsilon=study.epsilon, data=study.data[0]).sort("sweeps")
    for start, axes in zip(STARTS, panels, strict=True):
        unrolled, implicit = (here.filter(start=start, method=method) for method in MAIN)
        for some, column, style, label in (
            (implicit, "marginal_error", "k:", "marginal error"),
            (implicit, "point_error", "C7-", "point error, both"),
            (implicit, "gradient_error", "C0o-", "implicit"),
            (implicit, "derivative_error", "C0--", "linearisation error"),
            (unrolled, "gradient_error", "C1s-", "unrolled"),
            (unrolled, "derivative_error", "C1--", "truncation error"),
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
    figure.suptitle(f"Gradient after a fixed number of LogSinkhorn sweeps: {where}")
    return (
        figure,
        f"Errors as functions of the number of sweeps, for three starts ({where}). Errors below {FLOOR:g} are not "
        "shown.",
    )


def _draw_cost(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the ratios of the errors, and the cost of all methods."""
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
    for index, method in enumerate(GRADIENT_METHODS):
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
        xscale="log", yscale="log", xlabel="sweeps", ylabel="forward and backward pass, ms (dotted: forward only)"
    )
    memory.set(xscale="log", yscale="log", xlabel="sweeps", ylabel="scratch memory of the gradient, MiB")
    for axes in (ratio, seconds, memory):
        axes.grid(alpha=0.3)
    if memory.lines:
        memory.legend(fontsize="x-small")
    return figure, (
        "Left: ratio of the unrolled error to the implicit error for all lists and epsilons, as a function of the "
        "number of sweeps in units of 1 / (1 - rho). Above 1, implicit differentiation is better. Middle and right: "
        f"median time and scratch memory at n = m = {study.n}, float64."
    )
