"""Writes the report on epsilon schedules, in particular the part on schedules within a solve."""

import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL
from . import trainings
from .study import CONSTANT, EXACT, NEWTON, Schedules


def report(study: Schedules, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether varying epsilon helps within a solve and during training."""
    every = frames["solve"]
    first = every.filter(pl.col("dtype") == study.dtypes[0])
    chosen = {
        task: trainings.choose(frames["training"].filter(pl.col("task") == task), study.checkpoints)
        for task in study.tasks
    }
    parts = [
        f"**Within a solve.** {_within(study, first)}",
        f"**During training.** {trainings.summary(study, chosen)} Details for each task follow the table.",
        _table(every),
        "**Trainings in detail.** Differences are between trainings with the same seed. They are tested by an exact "
        f"sign-flip test. A difference counts as clear if its p-value is below {LEVEL:g}, divided by the number of "
        "comparisons in the table of a task. Numbers after ± are standard deviations over the seeds. With "
        f"{study.seeds} seeds, the smallest possible p-value is {2.0 ** (1 - study.seeds):.2g}. The test data of "
        "different seeds overlap, so the true p-values may be larger.",
        *(trainings.text(study, task, schedules) for task, schedules in chosen.items()),
    ]
    figures = {"schedules-solve": _draw(study, first), "schedules-training": trainings.draw(study, chosen)}
    return Report("\n\n".join(parts), figures)


def _within(study: Schedules, solves: pl.DataFrame) -> str:
    """Says whether a falling epsilon saves sweeps.

    Args:
        study: the study with its configuration.
        solves: rows of the part in one dtype.
    """
    steps, seconds = _totals(solves, "steps"), _totals(solves, "seconds")
    missed = _missing(solves)

    def fewest(schedules: list[str]) -> str:
        return min(schedules, key=lambda name: (missed[name], steps[name]))

    def said(name: str) -> str:
        left = f", but {missed[name]} of its solves did not converge" if missed[name] else ""
        return f"*{name}*: {number(steps[name] / steps[CONSTANT], '.2f')}{left}"

    geometric, adaptive = fewest(study.geometric), fewest(study.adaptive)
    best = fewest([geometric, adaptive, *study.adaptive_from_exact])
    return (
        f"{_verdict(solves, best)} All numbers are totals over all values and epsilons in {solves['dtype'][0]}, until "
        f"the marginal error is {study.tol:g}.\n\nNumbers of sweeps, relative to *{CONSTANT}*: the best geometric "
        f"schedule {said(geometric)}, the best adaptive schedule {said(adaptive)}, and {said(EXACT)}. {NEWTON} takes "
        f"{number(steps[NEWTON], '.0f')} steps in all problems together. Its time is "
        f"{number(seconds[NEWTON] / seconds[CONSTANT], '.3f')} times that of *{CONSTANT}* and "
        f"{number(seconds[NEWTON] / seconds[EXACT], '.2f')} times that of *{EXACT}*."
    )


def _verdict(solves: pl.DataFrame, best: str) -> str:
    """Compares the best schedule with a falling epsilon with a constant epsilon from the exact start."""
    missed = _missing(solves)
    if left := [f"{name} {missed[name]}" for name in (best, EXACT) if missed[name]]:
        return (
            "It is open whether a falling epsilon saves sweeps compared with a constant epsilon from the exact start, "
            f"because solves did not converge: {', '.join(left)}."
        )
    steps = _totals(solves, "steps")
    ours, theirs = (solves.filter(pl.col("schedule") == name)["steps"] for name in (best, EXACT))
    others = {*solves["schedule"]} - {best, EXACT, CONSTANT, NEWTON}
    most = max(((solves.filter(schedule=name)["steps"] < theirs).sum() for name in others), default=0)
    saves = "saves" if steps[best] < steps[EXACT] else "does not save"
    return (
        f"A falling epsilon {saves} sweeps in total compared with a constant epsilon from the exact start (*{EXACT}*). "
        f"The best schedule with a falling epsilon, *{best}*, takes {steps[best] / steps[EXACT]:.2f} times as many "
        f"sweeps. It takes fewer in {(ours < theirs).sum()} of {len(ours)} problems. Any other "
        f"schedule with a falling epsilon does so in at most {most} of them."
    )


def _table(solves: pl.DataFrame) -> str:
    """Returns a table of all schedules relative to the first one, with an explanation."""
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
    said = (
        "Number of sweeps (steps of Newton) for each dtype and epsilon, total number of sweeps (*all*) and total time, "
        "relative to the first line"
    )
    raised = solves.filter(pl.col("dtype") == "float32", pl.col("tol").is_not_null()).unique(
        "epsilon", maintain_order=True
    )
    if len(raised):
        tols = [f"{tol:.1e} at {epsilon:g}" for tol, epsilon in raised.select("tol", "epsilon").iter_rows()]
        said += f". In float32, the tolerance at each epsilon is {', '.join(tols)}"
    if any(missed.values()):
        said += ". A solve that did not converge counts with the sweeps that it took"
    return f"{said}:\n\n{markdown_table(lines, ['schedule', 'converged', *columns])}"


def _draw(study: Schedules, solves: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the numbers of sweeps of all schedules.

    Args:
        study: the study with its configuration.
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
        place.set(title=data, xlabel="epsilon (unit: squared distance after the squash)")
    axes[0].set_ylabel("sweeps / sweeps of constant from zero")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        f"Number of sweeps to a marginal error of {study.tol:g} in {solves['dtype'][0]} for {study.n} values, relative "
        "to a constant epsilon from the zero potential. Dashed lines start from the exact potential. Solves that did "
        "not converge are left out, and so is Newton, whose steps are not sweeps."
    )


def _styles(study: Schedules) -> dict[str, dict]:
    """Maps names to styles of lines. The last schedule of a kind is the darkest."""

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
    """Returns the sum of a column for each schedule; NaN where a number does not exist."""
    total = pl.col(column).cast(pl.Float64).fill_null(float("nan")).sum()
    return dict(solves.group_by("schedule", maintain_order=True).agg(total).iter_rows())


def _missing(solves: pl.DataFrame) -> dict[str, int]:
    """Returns the number of solves that did not converge for each schedule."""
    missed = (pl.col("outcome") != CONVERGED).sum()
    return dict(solves.group_by("schedule", maintain_order=True).agg(missed).iter_rows())
