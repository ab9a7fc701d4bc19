"""The report on the gradient of ranks, and what a fixed epsilon means under each squash."""

import math

import polars as pl

from ..common.outcome import CONVERGED
from ..common.report import Report, markdown_table, number
from . import rule, theory
from .study import DEFAULT_EPSILON, SQUASHES, TIED, Signal


def report(study: Signal, frames: dict[str, pl.DataFrame]) -> Report:
    """Which epsilon to choose, and what norm and support do; from converged solves alone."""
    sweeps, suggested = (
        theory.with_theory(frames[part].filter(pl.col("outcome") == CONVERGED)) for part in ("sweep", "suggested")
    )
    outcomes = _outcomes(frames)
    asked = rule.with_ratio(suggested.filter(pl.col("m") == pl.col("n")))
    if sweeps.is_empty() or asked.is_empty():
        return Report(outcomes, {})
    smooth = sweeps.filter(pl.col("data").is_in(study.families), pl.col("data") != TIED)
    parts = [
        rule.text(study, asked),
        _default(study, sweeps),
        theory.scaling(smooth),
        theory.fading(smooth),
        _squash(study, sweeps),
        rule.few_targets(study, suggested),
        outcomes,
    ]
    figures = {"signal": theory.draw(smooth), "signal-rule": rule.draw(study, asked)}
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
    """What a fixed epsilon means for lists of all lengths; empty without real columns."""
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
    """What the squash changes."""
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
    """What goes through mean and deviation, or the range."""
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
