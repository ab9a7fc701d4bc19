"""What gradients cost: the main methods, all others beside them, and other sizes and dtypes."""

import numpy as np
import polars as pl

from ..common.report import markdown_table, number
from .points import COLD, median, median_cell
from .study import MAIN, METHODS, STRATEGIES, Gradients

ENOUGH = 1e-3  # the gradient error that methods are asked for


def main_costs(study: Gradients, rows: pl.DataFrame) -> str:
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


def all_methods(study: Gradients, rows: pl.DataFrame) -> str:
    """Every method at the centre.

    Args:
        study: its configuration.
        rows: all of them, whatever their outcome.
    """
    centre = rows.filter(n=study.n, m=study.n, dtype="float64")
    table = []
    for method in METHODS:
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


def elsewhere(study: Gradients, rows: pl.DataFrame) -> str:
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
