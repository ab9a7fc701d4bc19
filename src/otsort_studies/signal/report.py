"""Writes the report on the gradient of ranks: norm and support compared with theory, and the choice of epsilon."""

import math

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import CONVERGED
from ..common.report import Report, markdown_table, number
from . import rule
from .study import DEFAULT_EPSILON, OWN, SQUASHES, SUPPORT, TIED, Signal


def report(study: Signal, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which epsilon to choose, and how norm and support behave. Only converged solves are used."""
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
    """Describes the effect of a fixed epsilon for lists of all lengths; empty without real columns."""
    at = _usual(study)
    real = sweeps.filter(pl.col("data").is_in(study.real), pl.col("squash") == "logistic", pl.col("epsilon") == at)
    if real.is_empty():
        return ""
    shares = real["support"] / real["n"]
    return (
        "**A fixed epsilon.** With the same epsilon for lists of all lengths, a rank responds to the same *share* of "
        f"the list. At epsilon = {at:g} with the logistic squash, this share is {shares.median():.0%} in the median of "
        f"the real lists (from {shares.min():.0%} to {shares.max():.0%}). For a fixed *number* of neighbours, epsilon "
        "must fall like 1 / n^2."
    )


def _squash(study: Signal, sweeps: pl.DataFrame) -> str:
    """Describes the effect of the squash."""
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
    headers = [f"{squash}: {name}" for squash in SQUASHES for name in ("density", "support / n", "q3 / q1")]
    return (
        "**Effect of the squash.** The squash determines the density of the positions. The support at a fixed epsilon "
        "grows like the square root of this density until it comes near n. Where the density varies within a list, the "
        f"support varies as well; *q3 / q1* is the ratio of its upper to its lower quartile. At epsilon = {at:g} and "
        "the largest n of each data set:\n\n"
        f"{markdown_table(table, ['data', 'n', *headers])}\n\n{_normalisation(sweeps)}"
    )


def _normalisation(sweeps: pl.DataFrame) -> str:
    """Says which part of the derivative comes from mean and standard deviation, or from the range."""
    inside = sweeps.filter(pl.col("predicted") > 2, pl.col("deviation") < pl.col("n") / 4)
    said = [
        f"With {squash}, this effect makes up {here['dense'].median():.1%} of the derivative in the median and at most "
        f"{here['dense'].max():.0%} (Frobenius norm). The median support with respect to the values is "
        f"{(here['support_of_values'] / here['support']).median():.2f} times that with respect to the positions."
        for squash in SQUASHES
        if not (here := inside.filter(pl.col("squash") == squash)).is_empty()
    ]
    return (
        "The squash also makes each rank depend on all values, through their mean and standard deviation (logistic) or "
        "their range (min_max). This was measured where theory predicts more than 2 neighbours and few values are near "
        f"the ends. {' '.join(said) or 'There are no such rows.'}"
    )


def _usual(study: Signal) -> float:
    """Returns the measured epsilon that is closest to the default of the library."""
    return min(study.epsilon, key=lambda epsilon: abs(math.log(epsilon / DEFAULT_EPSILON)))


# Name, column, power of the density in theory, exponent of n by which the column is divided, and exponents in theory.
_NORMS = (
    ("norm of a row", "row", 1, 1, (0, 1)),
    ("Frobenius norm", "frobenius", 1, 1.5, (0, 1.5)),
    ("spectral norm", "spectral", 1, 1, (0, 1)),
)
_SUPPORT = ("support", "support", 0.5, 0, (0.5, 1))
_WIDE = ("norm of a row, epsilon >= 1", "row", 0, 1, (-1, 1))


def _with_theory(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the standard `deviation` of the kernel in ranks, the `predicted` support, and the `norm` over n density."""
    deviation = pl.col("n") * (pl.col("epsilon") * pl.col("density") / 2).sqrt()
    return rows.with_columns(
        deviation=deviation, predicted=SUPPORT * deviation - OWN, norm=pl.col("row") / pl.col("density")
    )


def _scaling(smooth: pl.DataFrame) -> str:
    """Compares norm and support with theory."""
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
        "**Size and support of the gradient.** In theory, if the values are dense, J is n rho times (identity minus a "
        "smoothing kernel). Here rho is the density of the positions, and the kernel has a standard deviation of n "
        f"sqrt(epsilon rho / 2) ranks. Then the support of a rank is {SUPPORT:.2f} standard deviations minus {OWN:.2f} "
        "for the value itself. Therefore the support grows like n sqrt(epsilon), but the norm does not depend on "
        "epsilon, as long as a rank responds to a small part of the list. There, epsilon determines to *which* values "
        "a rank responds, not how strongly it responds. With a larger epsilon, the gradient becomes smaller too. For "
        "epsilon >= 1, its norm falls like 1 / epsilon (last line of the table).\n\nThe theory was tested on random "
        f"families without ties, where it predicts between 5 and n/4 neighbours. The median support is {constant:.2f} "
        f"standard deviations minus {OWN:.2f}. This is {np.median(ratio):.2f} times the prediction (90 % of the cases "
        f"are between {np.quantile(ratio, 0.05):.2f} and {np.quantile(ratio, 0.95):.2f}). The median norm of a row is "
        f"{middle['norm'].median():.2f} times n rho. The table shows the exponents of epsilon and n, fitted for each "
        "family and squash after the effect of the density was divided out, except in the last line: median and range. "
        "*Theory* is for evenly spaced values. The spectral norm follows the densest part of a list that the kernel "
        "still resolves, and not this theory.\n\n"
        + markdown_table(table, headers)
        + "\n\nThe participation ratio including j = i would not be informative. A row of J sums to about zero, so "
        "half of its absolute sum is on the diagonal, and the ratio tends to 4. Its median is "
        f"{middle['whole_support'].median():.2f} here."
    )


def _exponents(
    rows: pl.DataFrame, name: str, column: str, power: float, unit: float, theory: tuple[float, float]
) -> list[str]:
    """Returns a line of the table; empty if there is no fit."""
    found = [_fit(group, column, power) for _, group in rows.group_by("data", "squash", maintain_order=True)]
    fits = np.array([np.add(fit, (0, unit)) for fit in found if fit is not None])
    if not fits.size:
        return []
    epsilon, n = (f"{np.median(fit):.2f} ({fit.min():.2f} to {fit.max():.2f})" for fit in fits.T)
    return [name, epsilon, f"{theory[0]:g}", n, f"{theory[1]:g}", str(len(fits))]


def _fit(rows: pl.DataFrame, column: str, power: float) -> np.ndarray | None:
    """Fits the exponents of epsilon and n in column / density^power by least squares on logarithms, if both vary."""
    if rows["epsilon"].n_unique() < 2 or rows["n"].n_unique() < 2:
        return None
    logs = np.log(rows.select("epsilon", "n", pl.col(column) / pl.col("density").pow(power)).to_numpy())
    columns = np.column_stack([logs[:, :2], np.ones(len(logs))])
    return np.linalg.lstsq(columns, logs[:, 2])[0][:2]


def _fading(smooth: pl.DataFrame) -> str:
    """Says where the gradient vanishes; empty if there are no narrow kernels."""
    parts = []
    for low, high in ((1, 2), (0.5, 1), (0.25, 0.5), (0, 0.25)):
        here = smooth.filter(pl.col("deviation").is_between(low, high, closed="left"))
        if not here.is_empty():
            norm, silent = here["norm"].median(), here["silent"].median()
            parts.append(
                f"- {low:g} to {high:g} ranks: the norm is {norm:.2g} times n rho, {silent:.0%} of the gradients vanish"
            )
    if not parts:
        return ""
    return (
        "**When the gradient vanishes.** It vanishes if the kernel is much narrower than the gap between two values. "
        "Medians for intervals of the standard deviation of the kernel:\n\n" + "\n".join(parts)
    )


def _draw(smooth: pl.DataFrame) -> tuple[Figure, str]:
    """Draws support and norm against the standard deviation of the kernel."""
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
    return figure, (
        "Support (left) and norm (right) of the gradient of ranks as functions of the standard deviation of the "
        "kernel, for random families without ties, all epsilons and both squashes."
    )
