"""The report on gradients: which way is better, why, how fast errors fall, and what it costs."""

import itertools

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED, FIXED_BUDGET
from ..common.report import Report, markdown_table, number
from .laws import COLD, FLOOR, median, median_cell, pairs, speed, spread_cell
from .study import GRADIENT_METHODS, MAIN, STARTS, STRATEGIES, Gradients

CLEARLY = 0.9  # a ratio of errors that is no tie


def report(study: Gradients, frames: dict[str, pl.DataFrame]) -> Report:
    """The answers, with all numbers in them taken from the rows."""
    rows = frames["gradient"]
    sound = rows.filter(outcome=FIXED_BUDGET, reference=CONVERGED)
    centre = sound.filter(n=study.n, m=study.n, dtype="float64")
    points = pairs(centre).filter(pl.col("start").is_in(COLD))
    parts = [
        _winner(points),
        _warm(study, centre),
        _budgets(study, centre),
        _reason(points),
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
        where = "" if better.is_empty() else f", at {better['sweeps'].min()} to {better['sweeps'].max()} sweeps, by "
        where += "" if better.is_empty() else f"{better.select(1 - pl.col('ratio').min()).item():.1%} at most"
        lines.append(
            f"- From {start} it is the more accurate one at {better.height} of {here.height} points{where}. Its error "
            f"is {median(here['ratio']):.2g} times that of the implicit gradient in the median, "
            f"{here['ratio'].max():.2g} at most."
        )
    clear = points.filter(pl.col("ratio") < CLEARLY).height
    nowhere = points.height and not clear
    answer = "at no budget measured: there is no crossover" if nowhere else f"at {clear} of {points.height} points"
    return (
        f"**The unrolled gradient is more accurate than the implicit one by more than {1 - CLEARLY:.0%} {answer}.** "
        f"Points are lists, epsilons and budgets at which one of the errors is above {FLOOR:g}.\n\n" + "\n".join(lines)
    )


def _warm(study: Gradients, rows: pl.DataFrame) -> str:
    warm = rows.filter(epsilon=study.epsilon, start="solution")
    unrolled, implicit = (warm.filter(method=method) for method in MAIN)
    largest = implicit["gradient_error"].max()
    said = number(None) if largest is None else f"at most {max(largest, FLOOR):.0e}"  # pyright: ignore
    is_enough = lambda sweeps: median(unrolled.filter(sweeps=sweeps)["gradient_error"]) <= ENOUGH
    enough = [*itertools.takewhile(is_enough, reversed(study.sweeps))]
    return (
        f"From the converged potential itself, a perfect warm start, the implicit gradient has an error of {said} at "
        f"all budgets; the unrolled one has an error of at most {ENOUGH:g} in the median list "
        f"{f'from {enough[-1]} sweeps on' if enough else 'at no budget'}, at epsilon = {study.epsilon:g}."
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
    names = ("marginal error", "implicit", "unrolled", "unrolled / implicit")
    headers = ["sweeps", *(f"{start}: {name}" for start in COLD for name in names), "solution: unrolled"]
    return (
        f"Gradient errors at epsilon = {study.epsilon:g}, medians over {rows['data'].n_unique()} lists, and ratios "
        f"with their range, where an error is above {FLOOR:g}:\n\n{markdown_table(table, headers)}"
    )


def _reason(points: pl.DataFrame) -> str:
    lines = []
    for start in COLD:
        here = points.filter(start=start)
        smaller = here.filter(pl.col("derivative_error") < pl.col("derivative_error_implicit")).height
        lines.append(
            f"- From {start} the point error is {_share(here, 'point_error_implicit', 'gradient_error_implicit')} of "
            f"the error of the implicit gradient and {_share(here, 'point_error', 'gradient_error')} of that of the "
            "unrolled one. The linearisation error is "
            f"{_share(here, 'derivative_error_implicit', 'point_error_implicit')} of the point error (and "
            f"{_share(here, 'derivative_error_implicit', 'marginal_error_implicit')} of the marginal error), the "
            f"truncation error {_share(here, 'derivative_error', 'point_error')}: it is the smaller one at {smaller} "
            f"of {here.height} points."
        )
    falls = _falls(points)
    return (
        "**Why.** A potential that has not converged spoils the gradient before it is differentiated, and both ways "
        "share that: the point error. With the start exact instead of zero, at the same list, epsilon and budget, the "
        f"marginal error falls by a factor of {falls['marginal_error']} in the median, the linearisation error of "
        f"implicit differentiation by {falls['derivative_error_implicit']}, the truncation error of unrolling by "
        f"{falls['derivative_error']}. Medians over the points:\n\n" + "\n".join(lines)
    )


def _falls(points: pl.DataFrame) -> dict[str, str]:
    """Says how many times smaller errors are with the better of the cold starts."""
    names = "marginal_error", "derivative_error", "derivative_error_implicit"
    zero, exact = (points.filter(start=start) for start in COLD)
    both = zero.join(exact, on=["data", "epsilon", "sweeps"], suffix="_exact")
    return {name: number(median(both[name] / both[f"{name}_exact"]), ".3g") for name in names}


def _share(points: pl.DataFrame, part: str, whole: str) -> str:
    return number(median(points[part] / points[whole]), ".2f")


ENOUGH = 1e-3  # the gradient error that methods are asked for


def _main_costs(study: Gradients, rows: pl.DataFrame) -> str:
    """Time and memory of unrolling and of implicit differentiation at the centre."""
    rows = rows.filter(pl.col("method").is_in(MAIN))
    medians = {
        (method, sweeps): (median(group["gradient_seconds"]), median(group["scratch_bytes"]))
        for (method, sweeps), group in rows.group_by("method", "sweeps", maintain_order=True)
    }
    both = [sweeps for sweeps in study.sweeps if all((method, sweeps) in medians for method in MAIN)]
    if not both:
        return "**What it costs.** No budget at which both ways gave a gradient."
    unrolled, implicit = (medians[method, both[-1]] for method in MAIN)
    faster = [str(sweeps) for sweeps in both if medians[MAIN[0], sweeps][0] < medians[MAIN[1], sweeps][0]]
    return (
        f"**What it costs.** At n = m = {study.n} and {both[-1]} sweeps the forward and backward pass by unrolling "
        f"takes {number(unrolled[0] / implicit[0], '.1f')} times as long as by implicit differentiation, and "
        f"{number(unrolled[1] / implicit[1], '.0f')} times the scratch memory. "
        + (f"Unrolling is faster at these budgets: {', '.join(faster)}." if faster else "It is faster at none.")
    )


def _all_methods(study: Gradients, rows: pl.DataFrame) -> str:
    """Every method at the centre.

    Args:
        study: its configuration.
        rows: all of them, whatever their outcome.
    """
    centre = rows.filter(n=study.n, m=study.n, dtype="float64")
    table = []
    for method in GRADIENT_METHODS:
        mine = centre.filter(method=method)
        here = mine.filter(pl.col("data").is_in(study.data[:2]), epsilon=study.epsilon)
        # A program's time does not depend on what it is given.
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
    headers = ["method", "outcome", "error from zero", "from exact", "forward ms", "gradient ms", "scratch MiB"]
    headers += [f"ms to {ENOUGH:g} from zero", "from exact"]
    return (
        f"All methods at {study.budget} sweeps (of Newton, steps) and epsilon = {study.epsilon:g}, errors medians "
        f"over {' and '.join(study.data[:2])}; gradient times include the forward pass. The last columns are the "
        f"least time at which one of {', '.join(map(str, study.few_sweeps))} sweeps, in brackets, brings the error "
        f"to {ENOUGH:g}; a dash where none does.\n\n{markdown_table(table, headers)}"
    )


def _least(study: Gradients, mine: pl.DataFrame, here: pl.DataFrame) -> str:
    """The least time, over the budgets of all methods, at which the error is small enough."""
    times = [
        (median(mine.filter(sweeps=sweeps)["gradient_seconds"]), sweeps)
        for sweeps in study.few_sweeps
        if median(here.filter(sweeps=sweeps)["gradient_error"]) <= ENOUGH
    ]
    return "{} ({})".format(number(1e3 * min(times)[0], ".3g"), min(times)[1]) if times else number(np.nan)


def _elsewhere(study: Gradients, rows: pl.DataFrame) -> str:
    """The strategies of one solver at all sizes and dtypes."""
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
    headers = ["n", "m", "dtype", "error, unrolled", "error, implicit", *(f"{name}: ms / MiB" for name in names)]
    return (
        f"Sizes and dtypes at {study.budget} sweeps from exact: errors, and time and scratch memory of the gradient."
        f"\n\n{markdown_table(table, headers)}"
    )


def _draw_errors(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
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


def _draw_cost(study: Gradients, rows: pl.DataFrame) -> tuple[Figure, str]:
    """Says which of the main methods is better where, and what all methods cost."""
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
