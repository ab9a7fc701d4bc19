"""The report on epsilon schedules, and what is said of epsilon within a solve."""

import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL
from . import trainings
from .study import CONSTANT, EXACT, NEWTON, Schedules


def report(study: Schedules, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether schedules pay, within a solve and over training steps."""
    every = frames["solve"]
    first = every.filter(pl.col("dtype") == study.dtypes[0])
    chosen = {
        task: trainings.choose(frames["training"].filter(pl.col("task") == task), study.checkpoints)
        for task in study.tasks
    }
    parts = [
        f"**Within a solve.** {_within(study, first)}",
        _table(every),
        "**Over training steps.** Differences, with their standard deviations, are between trainings with the same "
        f"seed. A difference is called beyond the spread over seeds where p < {LEVEL:g} over the number of "
        "comparisons, by an exact sign-flip test, whose p is at least "
        f"{2.0 ** (1 - study.seeds):.2g} with {study.seeds} seeds. Splits of different seeds overlap, so that p is on "
        "the optimistic side.",
        *(trainings.text(study, task, schedules) for task, schedules in chosen.items()),
    ]
    figures = {"schedules-solve": _draw(study, first), "schedules-training": trainings.draw(study, chosen)}
    return Report("\n\n".join(parts), figures)


def _within(study: Schedules, solves: pl.DataFrame) -> str:
    """The answer.

    Args:
        solves: rows of the part in one dtype.
    """
    steps, seconds = _totals(solves, "steps"), _totals(solves, "seconds")
    missed = _missing(solves)

    def fewest(schedules: list[str]) -> str:
        return min(schedules, key=lambda name: (missed[name], steps[name]))

    def said(name: str) -> str:
        left = f" ({missed[name]} of its solves did not converge)" if missed[name] else ""
        return f"{name} {number(steps[name] / steps[CONSTANT], '.2f')}{left}"

    geometric, adaptive = fewest(study.geometric), fewest(study.adaptive)
    best = fewest([geometric, adaptive, *study.adaptive_from_exact])
    return (
        f"Sweeps to a marginal error of {study.tol:g} in {solves['dtype'][0]}, over all values and epsilons, relative "
        f"to a constant epsilon from zero: {said(geometric)} and {said(adaptive)}, the best of their kind; "
        f"{said(EXACT)}. {_verdict(solves, best)} {NEWTON} takes {number(steps[NEWTON], '.0f')} steps in all and "
        f"{number(seconds[NEWTON] / seconds[CONSTANT], '.3f')} of the time of the constant epsilon from zero, "
        f"{number(seconds[NEWTON] / seconds[EXACT], '.2f')} of that from the exact start."
    )


def _verdict(solves: pl.DataFrame, best: str) -> str:
    """Says whether the best annealing pays beside the exact start."""
    missed = _missing(solves)
    if left := [f"{name} {missed[name]}" for name in (best, EXACT) if missed[name]]:
        return f"Whether annealing pays beside the exact start is open, as solves did not converge: {', '.join(left)}."
    steps = _totals(solves, "steps")
    ours, theirs = (solves.filter(pl.col("schedule") == name)["steps"] for name in (best, EXACT))
    pays = "annealing pays beside it." if steps[best] < steps[EXACT] else "in total it does not pay beside it."
    return (
        f"The annealing with the fewest sweeps, {best}, takes {steps[best] / steps[EXACT]:.2f} times those of a "
        f"constant epsilon from the exact start, and fewer of them on {(ours < theirs).sum()} of {len(ours)} problems: "
        f"{pays}"
    )


def _table(solves: pl.DataFrame) -> str:
    """Every schedule relative to the first, with what the numbers mean."""
    columns: dict[str, dict[str, float]] = {}
    for (dtype,), of in solves.group_by("dtype", maintain_order=True):
        for (epsilon,), at in of.group_by("epsilon", maintain_order=True):
            columns[f"{dtype}, {epsilon:g}"] = _totals(at, "steps")
        columns[f"{dtype}, all"], columns[f"{dtype}, time"] = _totals(of, "steps"), _totals(of, "seconds")
    missed = _missing(solves)
    problems = len(solves) // len(missed)
    lines = [
        [
            name,
            f"{problems - count} of {problems}",
            *(number(of[name] / of[CONSTANT], ".2g") for of in columns.values()),
        ]
        for name, count in missed.items()
    ]
    said = "Sweeps (of Newton, steps) at each epsilon and over all, and time over all, relative to the first line"
    raised = solves.filter(pl.col("dtype") == "float32", pl.col("tol").is_not_null()).unique(
        "epsilon", maintain_order=True
    )
    if len(raised):
        tols = [f"{tol:.1e} at {epsilon:g}" for tol, epsilon in raised.select("tol", "epsilon").iter_rows()]
        said += f"; in float32 the tolerance is {', '.join(tols)}"
    if any(missed.values()):
        said += "; a solve that did not converge counts as far as it went"
    return f"{said}:\n\n{markdown_table(lines, ['schedule', 'converged', *columns])}"


def _draw(study: Schedules, solves: pl.DataFrame) -> tuple[Figure, str]:
    """Sweeps of all schedules, and the caption.

    Args:
        solves: rows of the part in one dtype.
    """
    figure = Figure(figsize=(4 * len(study.data) + 2.5, 4.5), layout="constrained")
    axes = figure.subplots(1, len(study.data), sharey=True, squeeze=False)[0]
    for place, data in zip(axes, study.data, strict=True):
        here = solves.filter(pl.col("data") == data, pl.col("outcome") == CONVERGED)
        steps = {(name, epsilon): n for name, epsilon, n in here.select("schedule", "epsilon", "steps").iter_rows()}
        for name, style in _styles(study).items():
            both = [e for e in study.epsilons if (name, e) in steps and (CONSTANT, e) in steps]
            place.loglog(both, [steps[name, e] / steps[CONSTANT, e] for e in both], label=name, **style)
        place.set(title=data, xlabel="epsilon (squared distance after the squash)")
    axes[0].set_ylabel("sweeps / sweeps of constant epsilon from zero")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        f"Sweeps to a marginal error of {study.tol:g} in {solves['dtype'][0]}, {study.n} values, relative to a "
        "constant epsilon from the zero potential; dashed: from the exact potentials. Left out: solves that did not "
        "converge, and Newton, whose steps are no sweeps."
    )


def _styles(study: Schedules) -> dict[str, dict]:
    """By name, how lines of sweeps look: of a kind, the last is the darkest."""

    def family(schedules: list[str], color: str, marker: str, linestyle: str) -> dict[str, dict]:
        line = {"color": color, "marker": marker, "linestyle": linestyle}
        return {name: {**line, "alpha": (i + 1) / len(schedules)} for i, name in enumerate(schedules)}

    return {
        **family([CONSTANT], "black", "s", "-"),
        **family(study.geometric, "C1", "o", "-"),
        **family(study.adaptive, "C0", "^", "-"),
        **family([EXACT], "black", "s", "--"),
        **family(study.adaptive_from_exact, "C0", "^", "--"),
    }


def _totals(solves: pl.DataFrame, column: str) -> dict[str, float]:
    """The sum of a column by schedule; NaN where a number does not exist."""
    total = pl.col(column).cast(pl.Float64).fill_null(float("nan")).sum()
    return dict(solves.group_by("schedule", maintain_order=True).agg(total).iter_rows())


def _missing(solves: pl.DataFrame) -> dict[str, int]:
    """Says how many solves did not converge, by schedule."""
    missed = (pl.col("outcome") != CONVERGED).sum()
    return dict(solves.group_by("schedule", maintain_order=True).agg(missed).iter_rows())
