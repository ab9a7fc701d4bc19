"""The report on time and memory."""

import itertools
import operator
from collections.abc import Iterator

import polars as pl

from ..common.outcome import SOUND, TOO_LARGE
from ..common.report import Report, markdown_table, number
from .curves import FITTED, crossing, curve, power
from .figures import draw
from .study import EXACT, SORT, Scaling, Sweep

_TIMES = {"forward_seconds": "ranks", "gradient_seconds": "their gradient"}
_MEASURES = (*_TIMES, "gradient_bytes")


def report(study: Scaling, frames: dict[str, pl.DataFrame]) -> Report:
    """The answers, with all numbers in them taken from the rows."""
    costs = frames["cost"]
    answers = [
        *_fastest(study, costs),
        *_overtaking(study, costs, frames["switch"]),
        *_batches(study, costs),
        *_epsilons(study, costs),
        *_outcomes(study, costs),
    ]
    parts = ["\n".join(f"- {answer}" for answer in answers), _exponents(study, costs), _sizes(study, costs)]
    return Report("\n\n".join(parts), {"scaling": draw(study, costs)})


def _fastest(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = study.sweeps()[0]
    soft = [curve(costs, sweep, solver) for solver in study.solvers if solver not in EXACT]
    rows = pl.concat([costs.clear(), *soft])
    for column, what in (("forward_seconds", "soft ranks"), ("gradient_seconds", "gradients of soft ranks")):
        best = rows.drop_nulls(column).sort("n", column).group_by("n", maintain_order=True).first()
        if best.is_empty():
            yield f"No soft solver gave sound {what} with {sweep.title}."
            continue
        runs = itertools.groupby(best.select("solver", "n").iter_rows(), key=operator.itemgetter(0))
        said = ", ".join(f"{solver} at {', '.join(f'{n:,}' for _, n in run)}" for solver, run in runs)
        last = best.row(-1, named=True)
        yield (
            f"The fastest {what} with {sweep.title}: {said}; {last['n']:,} values take "
            f"{_number(1e3 * last[column])} ms."
        )


def _overtaking(study: Scaling, costs: pl.DataFrame, switches: pl.DataFrame) -> Iterator[str]:
    """Where Quadrature becomes faster than Newton, and where the library changes from one to the other."""
    for m, sweep in zip((0, study.few), study.sweeps()[:2], strict=True):
        newton, quadrature = (curve(costs, sweep, solver) for solver in ("Newton", "Quadrature"))
        found = {what: crossing(newton, quadrature, column) for column, what in _TIMES.items()}
        if None in found.values():
            continue
        ((switch, outcome),) = switches.filter(m=m).select("n", "outcome").iter_rows()
        said = " and ".join(f"{place} for {what}" for what, place in found.items())
        change = "changes at none of these n" if switch is None else f"changes at n = {switch}"
        change = change if outcome in SOUND else f"was not asked where it changes ({outcome})"
        yield f"With {sweep.title}, Quadrature is faster than Newton {said}; the library {change}."


def _batches(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = _sweep(study, "batch")
    most = max(study.batches, default=1)
    sort = _at(curve(costs, sweep, SORT), "batch", most, "forward_seconds")
    parts = []
    for solver in study.solvers:
        points = curve(costs, sweep, solver)
        alone, together = (_at(points, "batch", batch, "forward_seconds") for batch in (1, most))
        if solver != SORT and most > 1 and alone and together:
            parts.append(f"{solver} {together / most / alone:.2g} ({_number(together / sort if sort else None)} sorts)")
    if parts:
        yield (
            f"Ranks of a list of {study.length} take, among {most} lists, this share of the time of one alone (and all "
            f"together so many times jnp.sort of the same lists): {', '.join(parts)}."
        )


def _epsilons(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = _sweep(study, "epsilon")
    parts = []
    for solver in study.solvers:
        points = curve(costs, sweep, solver).drop_nulls("gradient_seconds")
        if solver in EXACT or points.height < 2:
            continue
        least, largest = points.row(0, named=True), points.row(-1, named=True)
        tols = f", tol {least['tol']:.1e} over {largest['tol']:.1e}" if least["tol"] and largest["tol"] else ""
        times = least["gradient_seconds"] / largest["gradient_seconds"]
        parts.append(f"{solver} {times:.1f} ({least['epsilon']:g} over {largest['epsilon']:g}{tols})")
    if parts:
        yield (
            f"At the least epsilon where it is sound, a gradient at {sweep.title} takes so many times as long as at "
            f"the largest: {', '.join(parts)}. In brackets both epsilons, and the marginal errors to be reached."
        )


def _outcomes(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    """What is not sound, solvers of one fate together."""
    unsound = costs.filter(~pl.col("outcome").is_in(SOUND))
    fates: dict[tuple[str, ...], list[str]] = {}
    for solver in study.solvers:
        for (word,), rows in unsound.filter(solver=solver).group_by("outcome", maintain_order=True):
            where = [
                f"(n {n}, m {m}, batch {batch}, epsilon {epsilon:g})"
                for n, m, batch, epsilon in rows.select("n", "m", "batch", "epsilon").iter_rows()
            ]
            fates.setdefault((str(word), *where), []).append(solver)
    for (word, *where), solvers in fates.items():
        why = f": not run, more than {study.largest:.1e} matrix entries" if word == TOO_LARGE else ""
        yield f"Outcome {word} of {', '.join(solvers)} at {', '.join(where)}{why}."


def _exponents(study: Scaling, costs: pl.DataFrame) -> str:
    sweeps = [sweep for sweep in study.sweeps() if len(sweep.settings) > 1]
    table = [
        [
            solver,
            *(
                " / ".join(power(curve(costs, sweep, solver), sweep.factor, column) for column in _MEASURES)
                for sweep in sweeps
            ),
        ]
        for solver in study.solvers
    ]
    headers = ["solver", *(f"{sweep.factor} ({sweep.title})" for sweep in sweeps)]
    return (
        "Exponents of ranks' time / gradient's time / gradient's scratch memory against one factor, fitted to the "
        f"{FITTED} largest sizes, or the {FITTED} least epsilons, that are sound (below zero: dearer as it falls):\n\n"
        + markdown_table(table, headers)
    )


def _sizes(study: Scaling, costs: pl.DataFrame) -> str:
    sweep = study.sweeps()[0]
    sorts = curve(costs, sweep, SORT).select("n", sort_seconds="forward_seconds")
    table = []
    for solver in study.solvers:
        points = curve(costs, sweep, solver).join(sorts, on="n", how="left", maintain_order="left")
        largest = pl.col("n") == pl.col("n").max()
        table += [
            [solver, str(n), *map(_number, numbers)]
            for n, *numbers in points.filter((pl.col("n") == study.n) | largest)
            .select(
                "n",
                ranks=1e3 * pl.col("forward_seconds"),
                gradient=1e3 * pl.col("gradient_seconds"),
                sorts=pl.col("forward_seconds") / pl.col("sort_seconds"),
                scratch=pl.col("gradient_bytes") / 2**20,
                share=pl.col("gradient_bytes") / pl.col("n"),
            )
            .iter_rows()
        ]
    headers = ["solver", "n = m", "ranks, ms", "gradient, ms", "ranks, sorts", "scratch, MiB", "bytes a value"]
    return (
        f"At n = {study.n} and at the largest size that was run (a sort is jnp.sort of as many values; scratch is "
        "that of the gradient):\n\n" + markdown_table(table, headers)
    )


def _sweep(study: Scaling, factor: str) -> Sweep:
    return next(sweep for sweep in study.sweeps() if sweep.factor == factor)


def _at(points: pl.DataFrame, factor: str, value: int, column: str) -> float | None:
    """A number of one row of a curve; None if it does not exist."""
    found = points.filter(pl.col(factor) == value)[column]
    return found[0] if found.len() else None


def _number(value: float | None) -> str:
    return number(value, ".3g" if value is None or value < 100 else ",.0f")
