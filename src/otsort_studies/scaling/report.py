"""Writes the report on time and memory."""

import itertools
import math
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import SOUND, TOO_LARGE
from ..common.report import Report, markdown_table, number
from .study import EXACT, SOLVERS, SORT, Scaling, Sweep

_TIMES = {"forward_seconds": "ranks", "gradient_seconds": "their gradient"}


def report(study: Scaling, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which solver is the fastest, and how time and memory grow."""
    costs = frames["cost"]
    answers = [
        *_fastest(study, costs),
        *_overtaking(study, costs, frames["switch"]),
        *_batches(study, costs),
        *_epsilons(study, costs),
        *_outcomes(study, costs),
    ]
    parts = ["\n".join(f"- {answer}" for answer in answers), _exponents(study, costs), _sizes(study, costs)]
    return Report("\n\n".join(parts), {"scaling": _draw(study, costs)})


def _fastest(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = study.sweeps()[0]
    soft = [curve(costs, sweep, solver) for solver in study.solvers if solver not in EXACT]
    rows = pl.concat([costs.clear(), *soft])
    for column, what in (("forward_seconds", "soft ranks"), ("gradient_seconds", "gradients of soft ranks")):
        best = rows.drop_nulls(column).sort("n", column).group_by("n", maintain_order=True).first()
        if best.is_empty():
            yield f"No solver gave usable {what} with {sweep.title}."
            continue
        runs = itertools.groupby(best.select("solver", "n").iter_rows(), key=operator.itemgetter(0))
        said = "; ".join(f"{solver} for n = {', '.join(f'{n:,}' for _, n in run)}" for solver, run in runs)
        last = best.row(-1, named=True)
        yield (
            f"Fastest solver for {what} with {sweep.title}: {said}. {last['n']:,} values take "
            f"{_number(1e3 * last[column])} ms."
        )


def _overtaking(study: Scaling, costs: pl.DataFrame, switches: pl.DataFrame) -> Iterator[str]:
    """Says from which n on Quadrature is faster than Newton, and where the library changes its default solver."""
    for m, sweep in zip((0, study.few), study.sweeps()[:2], strict=True):
        newton, quadrature = (curve(costs, sweep, solver) for solver in ("Newton", "Quadrature"))
        found = {what: crossing(newton, quadrature, column) for column, what in _TIMES.items()}
        if None in found.values():
            continue
        ((switch, outcome),) = switches.filter(m=m).select("n", "outcome").iter_rows()
        said = " and ".join(f"{place} for {what}" for what, place in found.items())
        change = "at none of these n" if switch is None else f"at n = {switch}"
        change = f"changes from Newton to Quadrature {change}" if outcome in SOUND else f"was not measured ({outcome})"
        yield f"With {sweep.title}, Quadrature is faster than Newton {said}. The default solver {change}."


def _batches(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = _sweep(study, "batch")
    most = max(study.batches, default=1)
    sort = _at(curve(costs, sweep, SORT), "batch", most, "forward_seconds")
    parts = []
    for solver in study.solvers:
        points = curve(costs, sweep, solver)
        alone, together = (_at(points, "batch", batch, "forward_seconds") for batch in (1, most))
        if solver != SORT and most > 1 and alone and together:
            parts.append(f"{solver} {together / most / alone:.2g} ({_number(together / sort if sort else None)})")
    if parts:
        yield (
            f"Batch of {most} lists of {study.length} values: the time of the ranks per list, divided by the time for "
            f"a single list, is {', '.join(parts)}. In brackets: the time of the whole batch, divided by that of "
            "`jnp.sort` for the same lists."
        )


def _epsilons(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    sweep = _sweep(study, "epsilon")
    parts = []
    for solver in study.solvers:
        points = curve(costs, sweep, solver).drop_nulls("gradient_seconds")
        if solver in EXACT or points.height < 2:
            continue
        least, largest = points.row(0, named=True), points.row(-1, named=True)
        tols = f"; {least['tol']:.1e} and {largest['tol']:.1e}" if least["tol"] and largest["tol"] else ""
        times = least["gradient_seconds"] / largest["gradient_seconds"]
        parts.append(f"{solver} {times:.1f} ({least['epsilon']:g} and {largest['epsilon']:g}{tols})")
    if parts:
        yield (
            f"With {sweep.title}, the time of the gradient at the smallest epsilon with a usable result, divided by "
            f"the time at the largest epsilon: {', '.join(parts)}. In brackets: the two epsilons, and the two "
            "tolerances for the marginal error."
        )


def _outcomes(study: Scaling, costs: pl.DataFrame) -> Iterator[str]:
    """Lists the results that cannot be used, grouped by outcome."""
    unsound = costs.filter(~pl.col("outcome").is_in(SOUND))
    fates: dict[tuple[str, ...], list[str]] = {}
    for solver in study.solvers:
        for (word,), rows in unsound.filter(solver=solver).group_by("outcome", maintain_order=True):
            where = [
                f"(n = {n}, m = {m}, batch = {batch}, epsilon = {epsilon:g})"
                for n, m, batch, epsilon in rows.select("n", "m", "batch", "epsilon").iter_rows()
            ]
            fates.setdefault((str(word), *where), []).append(solver)
    for (word, *where), solvers in fates.items():
        why = f" (not run, because of more than {study.largest:.1e} matrix entries)" if word == TOO_LARGE else ""
        yield f"Outcome *{word}*{why}: {', '.join(solvers)} at {', '.join(where)}."


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
        "**Growth.** Each cell gives three exponents: for the time of the ranks / the time of the gradient / the "
        "scratch memory of the gradient. With an exponent of 2, the cost grows like the square of the factor. With a "
        f"negative exponent, the cost grows when the factor falls. The exponents are fitted to the {FITTED} largest "
        f"sizes, or the {FITTED} smallest epsilons, with usable results, and to two of them if there are no more.\n\n"
        f"{markdown_table(table, headers)}"
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
    headers = ["solver", "n = m", "ranks (ms)", "gradient (ms)", "ranks / jnp.sort", "scratch (MiB)", "bytes per value"]
    return (
        f"**Cost** at n = {study.n} and at the largest size that was run. *Ranks / jnp.sort* is the time of the ranks, "
        "divided by the time of `jnp.sort`. *Scratch* and *bytes per value* are the scratch memory of the gradient."
        f"\n\n{markdown_table(table, headers)}"
    )


def _sweep(study: Scaling, factor: str) -> Sweep:
    return next(sweep for sweep in study.sweeps() if sweep.factor == factor)


def _at(points: pl.DataFrame, factor: str, value: int, column: str) -> float | None:
    """Returns a number of one row of a curve; None if it does not exist."""
    found = points.filter(pl.col(factor) == value)[column]
    return found[0] if found.len() else None


def _number(value: float | None) -> str:
    return number(value, ".3g" if value is None or value < 100 else ",.0f")


FITTED = 3  # number of points at the expensive end of a curve

_SETTING = {"n": pl.Int64, "m": pl.Int64, "batch": pl.Int64, "epsilon": pl.Float64}


def curve(costs: pl.DataFrame, sweep: Sweep, solver: str) -> pl.DataFrame:
    """Returns the usable rows of a solver, in the order of the factor that varies. Exact solvers have no epsilon."""
    settings = pl.DataFrame(sweep.settings, _SETTING, orient="row")
    if solver in EXACT:
        settings = settings.with_columns(epsilon=0.0)
    sound = costs.filter(pl.col("outcome").is_in(SOUND), solver=solver)
    return sound.join(settings, on=[*_SETTING], how="semi").sort(sweep.factor)


def power(points: pl.DataFrame, factor: str, column: str) -> str:
    """Fits the slope of the logarithms at the expensive end: the largest factors, or the smallest epsilons."""
    points = points.filter(pl.col(column) > 0).sort(factor)
    points = points.head(FITTED) if factor == "epsilon" else points.tail(FITTED)
    if points.height < 2:
        return number(None)
    slope, _ = np.polyfit(np.log(points[factor].to_numpy()), np.log(points[column].to_numpy()), 1)
    return f"{round(slope, 1) + 0.0:.1f}"  # without -0.0


class Crossing(NamedTuple):
    """The n from which on one curve stays below another.

    Attributes:
        place: this n, interpolated in logarithms; 0 if the curve is below everywhere, infinite if it is not at the end.
        least, most: smallest and largest n at which both were measured.
    """

    place: float
    least: int
    most: int

    def __str__(self) -> str:
        if math.isinf(self.place):
            return f"nowhere up to n = {self.most}"
        if self.place == 0:
            return f"at every n from {self.least} to {self.most}"
        return f"from about n = {float(f'{self.place:.2g}'):g} on"


def crossing(slower: pl.DataFrame, faster: pl.DataFrame, column: str) -> Crossing | None:
    """Finds the n from which on the second curve is below the first; None if they share no n."""
    both = slower.join(faster, on="n").drop_nulls([column, f"{column}_right"]).sort("n")
    if both.is_empty():
        return None
    sizes, gain = both["n"].to_numpy(), np.log((both[column] / both[f"{column}_right"]).to_numpy())
    behind = np.flatnonzero(gain <= 0)
    least, most = int(sizes[0]), int(sizes[-1])
    if not behind.size:
        return Crossing(0.0, least, most)
    last = behind[-1]
    if last == sizes.size - 1:
        return Crossing(math.inf, least, most)
    place = np.interp(0, gain[last : last + 2], np.log(sizes[last : last + 2]))
    return Crossing(float(np.exp(place)), least, most)


_MEASURES = {
    "forward_seconds": ("ranks", "seconds"),
    "gradient_seconds": ("gradient", "seconds"),
    "gradient_bytes": ("scratch memory of the gradient", "bytes"),
}
_FACTORS = {"n": "number of values n", "batch": "number of lists", "epsilon": "epsilon"}


def _draw(study: Scaling, costs: pl.DataFrame) -> tuple[Figure, str]:
    """Draws all measures against n = m, and the time of the gradient against the other factors."""
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
        "Time of soft ranks, time of their gradient, and scratch memory of the gradient as functions of one factor "
        "(logarithmic axes). Curves end early where a solver was not run or gave no usable result; see the list above."
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
