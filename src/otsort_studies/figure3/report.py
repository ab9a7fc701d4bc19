"""Writes the report on Figure 3."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import SOUND
from ..common.report import Report, markdown_table, number
from .study import CENTRED, PAPER, PAPER_EPSILON, PAPER_T, Figure3

_DRIFT = 0.01  # largest accepted effect of epsilon on a quantile, as a share of the range of the values


def report(study: Figure3, frames: dict[str, pl.DataFrame]) -> Report:
    """Says how far the quantiles are from those of NumPy, and over how many values they average."""
    averages = frames["averages"]
    spread = pl.col("values").list.max() - pl.col("values").list.min()
    sound = averages.filter(pl.col("outcome").is_in(SOUND)).with_columns(
        spread=spread,
        error=(pl.col("quantile") - pl.col("exact")).abs() / spread,
        averaged=1 / pl.col("shares").list.eval(pl.element() ** 2).list.sum(),
    )
    answers = [
        _paper(sound),
        _place(sound),
        *_same_atom(study, sound),
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
                f"With t = 1/n = {t:g}, both choices of weights are equal up to {number(apart, '.0e')}. The K-quantile "
                f"then equals NumPy's linear quantile up to {number(exact['error'].max(), '.0e')} of the range."
            )


def _paper(sound: pl.DataFrame) -> str:
    paper = sound.filter(atom=PAPER, t=PAPER_T)
    soft, exact = paper.filter(epsilon=PAPER_EPSILON), paper.filter(epsilon=0.0)
    weights = "the weights of equation (4)"
    larger = f"{weights}, not from epsilon" if _median(exact) > _median(soft) / 2 else f"epsilon, not from {weights}"
    return (f"Most of the error comes from {larger}. " if soft.height and exact.height else "") + (
        f"At the paper's t = {PAPER_T:g} and epsilon = {PAPER_EPSILON:g}, the S-quantile differs from NumPy's quantile "
        f"by {_errors(soft)} of the range of the values (median and largest of {soft.height} combinations of list and "
        f"quantile level). The K-quantile differs by {_errors(exact)}."
    )


def _place(sound: pl.DataFrame) -> str:
    drawn = sound.filter(t=PAPER_T, epsilon=PAPER_EPSILON)
    median = pl.col("values").list.median()
    inward = drawn.filter(pl.col("tau") != 0.5, atom=PAPER).select(
        (pl.col("quantile") - median).abs() < (pl.col("exact") - median).abs()
    )["quantile"]
    return (
        "Equation (4) places the centre of the middle point at the level tau + t (1/2 - tau). NumPy's quantile of n "
        "values is at the level tau + (1/2 - tau) / n. With centred weights, which use NumPy's level, the errors are "
        f"{_errors(drawn.filter(atom=CENTRED))}. Equation (4) moved {inward.sum()} of {inward.len()} quantiles towards "
        "the median (without counting medians)."
    )


def _averaged(study: Figure3, sound: pl.DataFrame) -> str:
    centred = sound.filter(atom=CENTRED)
    counts = {
        epsilon: ", ".join(number(centred.filter(t=t, epsilon=epsilon)["averaged"].median(), ".1f") for t in study.ts)
        for epsilon in (min(study.epsilons), max(study.epsilons))
    }
    return (
        f"A middle point of mass t holds n t values: {', '.join(f'{study.n * t:.1f}' for t in study.ts)} values for t "
        f"= {', '.join(f'{t:g}' for t in study.ts)}. With centred weights, the quantile is effectively the average of "
        + " and of ".join(f"{numbers} values at epsilon = {epsilon:g}" for epsilon, numbers in counts.items())
        + f", out of {study.n}. These numbers are medians of 1 over the sum of the squared shares."
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
        return "There is no S-quantile that can be compared with its K-quantile."
    harmless = [epsilon for epsilon, _ in itertools.takewhile(lambda row: row[1] < _DRIFT, drifts.iter_rows())]
    if not harmless:
        return (
            f"Already at epsilon = {drifts['epsilon'][0]:g}, some S-quantile differs from its K-quantile by at least "
            f"{100 * _DRIFT:g} % of the range."
        )
    return (
        f"Up to epsilon = {harmless[-1]:g}, every S-quantile differs from its K-quantile by less than "
        f"{100 * _DRIFT:g} % of the range."
    )


def _best(sound: pl.DataFrame) -> str:
    medians = (
        sound.filter(atom=PAPER).group_by("epsilon", "t").agg(pl.col("error").median()).sort("epsilon", "error", "t")
    )
    best = medians.group_by("epsilon", maintain_order=True).first()
    return (
        "The mass t with the smallest median error of equation (4): "
        + ", ".join(f"{t:g} at epsilon = {epsilon:g}" for epsilon, t in best.select("epsilon", "t").iter_rows())
        + "."
    )


def _table(study: Figure3, sound: pl.DataFrame) -> str:
    lines = [
        [atom, f"{t:g}", *(_errors(sound.filter(atom=atom, t=t, epsilon=epsilon)) for epsilon in study.epsilons)]
        for atom in (PAPER, CENTRED)
        for t in study.ts
    ]
    headers = ["weights", "t", *("epsilon = 0 (K)" if e == 0 else f"epsilon = {e:g}" for e in study.epsilons)]
    return (
        "Distance from NumPy's quantile, as a share of the range of the values. Each cell gives the median and the "
        f"largest distance over all lists and quantile levels:\n\n{markdown_table(lines, headers)}"
    )


def _median(sound: pl.DataFrame) -> float:
    """Returns the median of the errors; NaN if there are none."""
    return float(np.median(sound["error"])) if sound.height else np.nan


def _errors(sound: pl.DataFrame) -> str:
    return f"{number(_median(sound), '.4f')} and {number(sound['error'].max(), '.4f')}"


def _draw(study: Figure3, averages: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the quantiles of one list of values."""
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
        axes.set_xlabel("squashed value; target point")
    figure.suptitle(f"{data}, n = {study.n}, t = {PAPER_T:g}: mass that the middle target point receives")
    return figure, (
        f"The values ({data}) are black, the target points orange; the area of a target point shows its weight. The "
        "width of a blue line shows the share of a value in the middle target point. Below: the average of the values, "
        "which is the quantile, and NumPy's quantile. Weights of equation (4)."
    )


def _draw_average(axes: Any, row: dict[str, Any]) -> None:
    positions = row["positions"]
    for position, share in zip(positions, row["shares"], strict=True):
        axes.plot([position, 0.5], [0, 1], color="C0", linewidth=12 * share, solid_capstyle="butt")
    axes.scatter(positions, np.zeros(len(positions)), s=12, color="black", zorder=3)
    axes.scatter([0, 0.5, 1], np.ones(3), s=400 * np.asarray(row["weights"]), color="C1", zorder=3)
    average, exact = np.interp([row["quantile"], row["exact"]], row["values"], positions)
    axes.plot(average, -0.2, "^", color="C0", label=f"average, {row['quantile']:.3g}")
    axes.plot(exact, -0.2, "|", color="C3", markersize=14, label=f"NumPy, {row['exact']:.3g}")
    axes.legend(fontsize="small", loc="center right", frameon=False)


def _draw_errors(study: Figure3, sound: pl.DataFrame) -> tuple[Figure, str]:
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    soft = [epsilon for epsilon in study.epsilons if epsilon > 0]
    for axes, (atom, title) in zip(panels, ((PAPER, f"weights of {PAPER}"), (CENTRED, "centred weights")), strict=True):
        for i, t in enumerate(study.ts):
            exact, *medians = (_median(sound.filter(atom=atom, t=t, epsilon=epsilon)) for epsilon in (0.0, *soft))
            axes.plot(soft, medians, "o-", color=f"C{i}", label=f"t = {t:g}")
            axes.axhline(exact, color=f"C{i}", linestyle=":")
        # A logarithmic axis without points has no limits, so set them.
        axes.set(xscale="log", xlim=(soft[0] / 1.4, 1.4 * soft[-1]), xlabel="epsilon", title=title)
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("distance from NumPy's quantile / range")
    panels[0].legend(fontsize="small")
    return figure, "Median distance from NumPy's quantile: S-quantiles (lines) and K-quantiles (dotted)."
