"""The report on the gradient of ranks: norm and support against theory, and what a fixed epsilon means."""

import math

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED
from ..common.report import Report, markdown_table, number
from . import rule
from .study import DEFAULT_EPSILON, OWN, SQUASHES, SUPPORT, TIED, Signal


def report(study: Signal, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which epsilon to choose, and what norm and support do; from converged solves alone."""
    sweeps, suggested = (
        _with_theory(frames[part].filter(pl.col("outcome") == CONVERGED)) for part in ("sweep", "suggested")
    )
    outcomes = _outcomes(frames)
    asked = rule.with_ratio(suggested.filter(pl.col("m") == pl.col("n")))
    if sweeps.is_empty() or asked.is_empty():
        return Report(outcomes, {})
    smooth = sweeps.filter(pl.col("data").is_in(study.families), pl.col("data") != TIED)
    parts = [
        rule.text(study, asked),
        _default(study, sweeps),
        _scaling(smooth),
        _fading(smooth),
        _squash(study, sweeps),
        rule.few_targets(study, suggested),
        outcomes,
    ]
    figures = {"signal": _draw(smooth), "signal-rule": rule.draw(study, asked)}
    return Report("\n\n".join(filter(None, parts)), figures)


def _outcomes(frames: dict[str, pl.DataFrame]) -> str:
    rows = pl.concat([frame.select("data", "outcome") for frame in frames.values()])
    failed = rows.filter(pl.col("outcome") != CONVERGED)
    if failed.is_empty():
        return f"All {len(rows)} solves converged."
    counts = failed.group_by("data", "outcome", maintain_order=True).len()
    said = "; ".join(f"{data} {outcome} ({count})" for data, outcome, count in counts.iter_rows())
    return f"{len(failed)} of {len(rows)} solves did not converge and are left out: {said}."


def _default(study: Signal, sweeps: pl.DataFrame) -> str:
    """Says what a fixed epsilon means for lists of all lengths; empty without real columns."""
    at = _usual(study)
    real = sweeps.filter(pl.col("data").is_in(study.real), pl.col("squash") == "logistic", pl.col("epsilon") == at)
    if real.is_empty():
        return ""
    shares = real["support"] / real["n"]
    return (
        "One epsilon for lists of all lengths is another choice: the same *share* of the list. At "
        f"epsilon = {at:g} after the logistic squash a value sees {shares.median():.0%} of it in the median "
        f"of the real lists (from {shares.min():.0%} to {shares.max():.0%}). To see a fixed number of neighbours, "
        "epsilon must fall as 1 / n^2."
    )


def _squash(study: Signal, sweeps: pl.DataFrame) -> str:
    """Says what the squash changes."""
    at = _usual(study)
    usual = sweeps.filter(pl.col("epsilon") == at).with_columns(
        share=pl.col("support") / pl.col("n"), spread=pl.col("support_high") / pl.col("support_low")
    )
    table = []
    for (data,), here in usual.group_by("data", maintain_order=True):
        most = here.filter(pl.col("n") == pl.col("n").max())
        found = {row["squash"]: row for row in most.iter_rows(named=True)}
        cells = [
            number(found.get(squash, {}).get(column), ".2f")
            for squash in SQUASHES
            for column in ("density", "share", "spread")
        ]
        table.append([data, most["n"][0], *cells])
    headers = [f"{squash}: {name}" for squash in SQUASHES for name in ("density", "support/n", "q3/q1")]
    return (
        "**What the squash changes.** It sets the density, and so the support at one epsilon: that grows as the "
        "square root of the density of the *positions*, and where the density varies within a list, so does the "
        f"support (q3/q1, its upper over its lower quartile). At epsilon = {at:g} and the most values of each:\n\n"
        f"{markdown_table(table, ['data', 'n', *headers])}\n\n{_normalisation(sweeps)}"
    )


def _normalisation(sweeps: pl.DataFrame) -> str:
    """Says what part of the derivative goes through mean and deviation, or the range."""
    inside = sweeps.filter(pl.col("predicted") > 2, pl.col("deviation") < pl.col("n") / 4)
    said = [
        f"{here['dense'].median():.1%} of J in the median with {squash} and {here['dense'].max():.0%} at most, which "
        f"makes the median support {(here['support_of_values'] / here['support']).median():.2f} times that in positions"
        for squash in SQUASHES
        if not (here := inside.filter(pl.col("squash") == squash)).is_empty()
    ]
    return (
        "Mean and deviation, or the range, couple all values. In the Frobenius norm, where a rank sees more than "
        f"2 values and few at the ends, what goes through them is {'; '.join(said) or 'not measured'}."
    )


def _usual(study: Signal) -> float:
    """The epsilon of the sweeps that is nearest to the default of the library."""
    return min(study.epsilon, key=lambda epsilon: abs(math.log(epsilon / DEFAULT_EPSILON)))


# Name, column, power of the density in theory, exponent of n that the column is divided by, and those of
_NORMS = (
    ("norm of a row", "row", 1, 1, (0, 1)),
    ("Frobenius norm", "frobenius", 1, 1.5, (0, 1.5)),
    ("spectral norm", "spectral", 1, 1, (0, 1)),
)
_SUPPORT = ("support", "support", 0.5, 0, (0.5, 1))
_WIDE = ("norm of a row, epsilon >= 1", "row", 0, 1, (-1, 1))


def _with_theory(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `deviation` of the kernel in ranks, `predicted` support and `norm` of a row over n density."""
    deviation = pl.col("n") * (pl.col("epsilon") * pl.col("density") / 2).sqrt()
    return rows.with_columns(
        deviation=deviation, predicted=SUPPORT * deviation - OWN, norm=pl.col("row") / pl.col("density")
    )


def _scaling(smooth: pl.DataFrame) -> str:
    """Says how norm and support grow."""
    middle = smooth.filter(pl.col("predicted").is_between(5, pl.col("n") / 4))
    wide = smooth.filter(pl.col("epsilon") >= 1)
    table = [*(_exponents(middle, *one) for one in (_SUPPORT, *_NORMS)), _exponents(wide, *_WIDE)]
    table = [line for line in table if line]
    if middle.is_empty() or not table:
        return "There are too few rows for the exponents of norm and support."
    ratio = (middle["support"] / middle["predicted"]).to_numpy()
    constant = ((middle["support"] + OWN) / middle["deviation"]).median()
    headers = ["", "exponent of epsilon", "theory", "exponent of n", "theory", "fits"]
    return (
        "**Norm and support.** In theory, where values lie densely, J is n rho (1 - a kernel), with rho the density of "
        "the positions and a kernel of deviation n sqrt(epsilon rho / 2) ranks, which sees "
        f"{SUPPORT:.2f} deviations less {OWN:.2f} for the value itself. So the support grows as n sqrt(epsilon), while "
        "the norm does not depend on epsilon: epsilon says *whose* moves a rank feels, not how much. On random "
        f"families without ties, where between 5 and n/4 neighbours are predicted: it sees {constant:.2f} deviations "
        f"less {OWN:.2f} in the median, {np.median(ratio):.2f} times the predicted support (90 % between "
        f"{np.quantile(ratio, 0.05):.2f} and {np.quantile(ratio, 0.95):.2f}), and the norm of a row is "
        f"{middle['norm'].median():.2f} times n rho. Exponents by family and squash with the density divided out, "
        "median and range; theory is that of even spacing, and the spectral norm follows the densest place instead "
        "that the kernel still resolves:\n\n"
        + markdown_table(table, headers)
        + "\n\nThe ratio with j = i says little: a row sums to about zero, half of it in absolute value on the "
        f"diagonal, so that it tends to 4; it is {middle['whole_support'].median():.2f} here."
    )


def _exponents(
    rows: pl.DataFrame, name: str, column: str, power: float, unit: float, theory: tuple[float, float]
) -> list[str]:
    """A line of the table; empty if there is no fit."""
    found = [_fit(group, column, power) for _, group in rows.group_by("data", "squash", maintain_order=True)]
    fits = np.array([np.add(fit, (0, unit)) for fit in found if fit is not None])
    if not fits.size:
        return []
    epsilon, n = (f"{np.median(fit):.2f} ({fit.min():.2f} to {fit.max():.2f})" for fit in fits.T)
    return [name, epsilon, f"{theory[0]:g}", n, f"{theory[1]:g}", str(len(fits))]


def _fit(rows: pl.DataFrame, column: str, power: float) -> np.ndarray | None:
    """Exponents of epsilon and n in column / density^power, by least squares on logarithms, if both vary."""
    if rows["epsilon"].n_unique() < 2 or rows["n"].n_unique() < 2:
        return None
    logs = np.log(rows.select("epsilon", "n", pl.col(column) / pl.col("density").pow(power)).to_numpy())
    columns = np.column_stack([logs[:, :2], np.ones(len(logs))])
    return np.linalg.lstsq(columns, logs[:, 2])[0][:2]


def _fading(smooth: pl.DataFrame) -> str:
    """Says where the gradient vanishes; empty if no kernel is so narrow."""
    parts = []
    for low, high in ((1, 2), (0.5, 1), (0.25, 0.5), (0, 0.25)):
        here = smooth.filter(pl.col("deviation").is_between(low, high, closed="left"))
        if not here.is_empty():
            norm, silent = here["norm"].median(), here["silent"].median()
            parts.append(f"{norm:.2g} times n rho with {silent:.0%} silent at {low:g} to {high:g}")
    if not parts:
        return ""
    return (
        "**When the gradient vanishes.** It does where the kernel gets much narrower than the gap between two values. "
        "By the deviation in ranks the norm of a row is, in medians, " + "; ".join(parts) + "."
    )


def _draw(smooth: pl.DataFrame) -> tuple[Figure, str]:
    """Support and norm against the deviation of the kernel, and the caption."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    supports, norms = figure.subplots(1, 2)
    for (n,), here in smooth.sort("n").group_by("n", maintain_order=True):
        supports.plot(here["deviation"], here["support"], ".", label=f"n = {n}")
        norms.plot(here["deviation"], here["norm"], ".", label=f"n = {n}")
    deviations = np.geomspace(0.5, smooth["deviation"].to_numpy().max(initial=1), 50)
    supports.plot(deviations, np.maximum(SUPPORT * deviations - OWN, 1), "k", lw=0.8, label="theory")
    norms.axhline(1, color="k", lw=0.8, label="theory")
    supports.set(ylabel="median support, values", ylim=(0.8, 2 * smooth["n"].to_numpy().max(initial=1)))
    norms.set(ylabel="median norm of a row / (n density)", ylim=(1e-4, 3))
    for place in (supports, norms):
        place.set(xscale="log", yscale="log", xlabel="n sqrt(epsilon density / 2), ranks")
        place.legend(fontsize="small")
    return figure, "Support and norm of the gradient of ranks, random families without ties, all epsilon and squashes."
