"""The report on Figure 3."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import SOUND
from ..common.report import Report, markdown_table, number
from .study import CENTRED, PAPER, PAPER_EPSILON, PAPER_T, Figure3

_DRIFT = 0.01  # of the range of the values: as much as epsilon may move a quantile


def report(study: Figure3, frames: dict[str, pl.DataFrame]) -> Report:
    """Says how far the quantiles are from numpy's, and how many values they are averages of."""
    averages = frames["averages"]
    spread = pl.col("values").list.max() - pl.col("values").list.min()
    sound = averages.filter(pl.col("outcome").is_in(SOUND)).with_columns(
        spread=spread,
        error=(pl.col("quantile") - pl.col("exact")).abs() / spread,
        averaged=1 / pl.col("shares").list.eval(pl.element() ** 2).list.sum(),
    )
    answers = [
        *_same_atom(study, sound),
        _paper(sound),
        _place(sound),
        _averaged(study, sound),
        _harmless(sound),
        _best(sound),
        f"{averages.height - sound.height} of {averages.height} solves failed or did not converge to a marginal error "
        f"of {study.tol:g}.",
    ]
    text = "\n".join(f"- {answer}" for answer in answers) + "\n\n" + _table(study, sound)
    drawn = {data: frame for (data,), frame in sound.group_by("data", maintain_order=True)}
    figures = {f"figure3-{str(data).replace(' ', '-')}": _draw(study, frame) for data, frame in drawn.items()}
    return Report(text, {**figures, "figure3-errors": _draw_errors(study, sound)})


def _same_atom(study: Figure3, sound: pl.DataFrame) -> Iterator[str]:
    for t in study.ts:
        if np.isclose(t * study.n, 1):
            exact = sound.filter(t=t, epsilon=0.0)
            pairs = exact.filter(atom=PAPER).join(exact.filter(atom=CENTRED), on=["data", "tau"])
            apart = pairs.select((pl.col("weights").explode() - pl.col("weights_right").explode()).abs().max()).item()
            yield (
                f"With t = 1/n = {t:g} the weights of both atoms differ by {number(apart, '.0e')} at most, and the "
                f"K-quantile from numpy's linear quantile by {number(exact['error'].max(), '.0e')} of the range of the "
                "values."
            )


def _paper(sound: pl.DataFrame) -> str:
    paper = sound.filter(atom=PAPER, t=PAPER_T)
    soft, exact = paper.filter(epsilon=PAPER_EPSILON), paper.filter(epsilon=0.0)
    larger = "the atom, not of epsilon" if _median(exact) > _median(soft) / 2 else "epsilon, not of the atom"
    return (
        f"At the paper's t = {PAPER_T:g} and epsilon = {PAPER_EPSILON:g} an S-quantile is off by {_errors(soft)} of "
        f"the range (median and largest over {soft.height} levels and lists), and its K-quantile by {_errors(exact)}"
        + (f": most of the error is that of {larger}." if soft.height and exact.height else ".")
    )


def _place(sound: pl.DataFrame) -> str:
    drawn = sound.filter(t=PAPER_T, epsilon=PAPER_EPSILON)
    median = pl.col("values").list.median()
    inward = drawn.filter(pl.col("tau") != 0.5, atom=PAPER).select(
        (pl.col("quantile") - median).abs() < (pl.col("exact") - median).abs()
    )["quantile"]
    return (
        "Equation (4) centres its atom at tau + t (1/2 - tau), and numpy's quantile of n values is at "
        f"tau + (1/2 - tau) / n. With the atom there, errors are {_errors(drawn.filter(atom=CENTRED))}. Equation (4) "
        f"moved {inward.sum()} of {inward.len()} quantiles, other than medians, towards the median."
    )


def _averaged(study: Figure3, sound: pl.DataFrame) -> str:
    centred = sound.filter(atom=CENTRED)
    counts = {
        epsilon: ", ".join(number(centred.filter(t=t, epsilon=epsilon)["averaged"].median(), ".1f") for t in study.ts)
        for epsilon in (min(study.epsilons), max(study.epsilons))
    }
    return (
        f"Atoms of mass {', '.join(f'{t:g}' for t in study.ts)} are n t = "
        f"{', '.join(f'{study.n * t:.1f}' for t in study.ts)} values wide. The averages are effectively over "
        + " and ".join(f"{numbers} values at epsilon = {epsilon:g}" for epsilon, numbers in counts.items())
        + f", of {study.n} (1 over the sum of squared shares, medians of the atom of `otsort.quantile`)."
    )


def _harmless(sound: pl.DataFrame) -> str:
    exact = sound.filter(epsilon=0.0).select("data", "atom", "tau", "t", hard="quantile")
    drifts = (
        sound.filter(pl.col("epsilon") > 0)
        .join(exact, on=["data", "atom", "tau", "t"])
        .group_by("epsilon")
        .agg(drift=((pl.col("quantile") - pl.col("hard")).abs() / pl.col("spread")).max())
        .sort("epsilon")
    )
    if drifts.is_empty():
        return "No S-quantile can be compared with its K-quantile."
    harmless = [epsilon for epsilon, _ in itertools.takewhile(lambda row: row[1] < _DRIFT, drifts.iter_rows())]
    if not harmless:
        return (
            f"At epsilon = {drifts['epsilon'][0]:g} some S-quantile is already more than {100 * _DRIFT:g} % of the "
            "range off its K-quantile."
        )
    return (
        f"The S-quantiles stay within {100 * _DRIFT:g} % of the range of their K-quantiles up to epsilon = "
        f"{harmless[-1]:g}."
    )


def _best(sound: pl.DataFrame) -> str:
    medians = (
        sound.filter(atom=PAPER).group_by("epsilon", "t").agg(pl.col("error").median()).sort("epsilon", "error", "t")
    )
    best = medians.group_by("epsilon", maintain_order=True).first()
    return (
        "The t of the least median error of equation (4): "
        + ", ".join(f"{t:g} at epsilon = {epsilon:g}" for epsilon, t in best.select("epsilon", "t").iter_rows())
        + "."
    )


def _table(study: Figure3, sound: pl.DataFrame) -> str:
    lines = [
        [atom, f"{t:g}", *(_errors(sound.filter(atom=atom, t=t, epsilon=epsilon)) for epsilon in study.epsilons)]
        for atom in (PAPER, CENTRED)
        for t in study.ts
    ]
    headers = ["atom", "t", *("K (epsilon = 0)" if e == 0 else f"epsilon = {e:g}" for e in study.epsilons)]
    return "Distance from numpy's quantile over the range of the values, median and largest:\n\n" + markdown_table(
        lines, headers
    )


def _median(sound: pl.DataFrame) -> float:
    """Of the errors; NaN if there are none."""
    return float(np.median(sound["error"])) if sound.height else np.nan


def _errors(sound: pl.DataFrame) -> str:
    return f"{number(_median(sound), '.4f')} and {number(sound['error'].max(), '.4f')}"


def _draw(study: Figure3, averages: pl.DataFrame) -> tuple[Figure, str]:
    """Of one list of values."""
    data = averages["data"][0]
    taus = [tau for tau in study.taus if tau <= 0.5][-3:]
    epsilons = [epsilon for epsilon in study.epsilons if epsilon in (0, PAPER_EPSILON, max(study.epsilons))]
    figure = Figure(figsize=(4 * len(taus), 2.6 * len(epsilons)), layout="constrained")
    panels = figure.subplots(len(epsilons), len(taus), sharex=True, sharey=True, squeeze=False)
    for (epsilon, tau), axes in zip(itertools.product(epsilons, taus), panels.ravel(), strict=True):
        axes.set(title=f"tau = {tau:g}, epsilon = {epsilon:g}", ylim=(-0.4, 1.2), yticks=[])
        for row in averages.filter(atom=PAPER, t=PAPER_T, epsilon=epsilon, tau=tau).iter_rows(named=True):
            _draw_average(axes, row)
    for axes in panels[-1]:
        axes.set_xlabel("squashed value; targets")
    figure.suptitle(f"{data}, n = {study.n}, t = {PAPER_T:g}: what the middle target of equation (4) receives")
    return figure, (
        f"Values (black, {data}), targets (orange, area as their weights) and the middle column of the plan (blue, "
        "width as the share); below, the average, which is the quantile, and numpy's."
    )


def _draw_average(axes: Any, row: dict[str, Any]) -> None:
    positions = row["positions"]
    for position, share in zip(positions, row["shares"], strict=True):
        axes.plot([position, 0.5], [0, 1], color="C0", linewidth=12 * share, solid_capstyle="butt")
    axes.scatter(positions, np.zeros(len(positions)), s=12, color="black", zorder=3)
    axes.scatter([0, 0.5, 1], np.ones(3), s=400 * np.asarray(row["weights"]), color="C1", zorder=3)
    average, exact = np.interp([row["quantile"], row["exact"]], row["values"], positions)
    axes.plot(average, -0.2, "^", color="C0", label=f"average, {row['quantile']:.3g}")
    axes.plot(exact, -0.2, "|", color="C3", markersize=14, label=f"numpy, {row['exact']:.3g}")
    axes.legend(fontsize="small", loc="center right", frameon=False)


def _draw_errors(study: Figure3, sound: pl.DataFrame) -> tuple[Figure, str]:
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    soft = [epsilon for epsilon in study.epsilons if epsilon > 0]
    for axes, (atom, title) in zip(panels, ((PAPER, f"atom of {PAPER}"), (CENTRED, "atom centred")), strict=True):
        for i, t in enumerate(study.ts):
            exact, *medians = (_median(sound.filter(atom=atom, t=t, epsilon=epsilon)) for epsilon in (0.0, *soft))
            axes.plot(soft, medians, "o-", color=f"C{i}", label=f"t = {t:g}")
            axes.axhline(exact, color=f"C{i}", linestyle=":")
        # Limits of its own: there are none on a logarithmic axis without a point.
        axes.set(xscale="log", xlim=(soft[0] / 1.4, 1.4 * soft[-1]), xlabel="epsilon", title=title)
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("distance from numpy's quantile / range")
    panels[0].legend(fontsize="small")
    return figure, "Median distance from numpy's quantile, S-quantiles (lines) and K-quantiles (dotted)."
