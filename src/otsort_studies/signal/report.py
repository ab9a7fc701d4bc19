"""The report on the gradient of ranks."""

import polars as pl

from ..common.outcome import CONVERGED
from ..common.report import Report
from . import rule, squashes, theory
from .study import TIED, Signal


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
        squashes.default(study, sweeps),
        theory.scaling(smooth),
        theory.fading(smooth),
        squashes.text(study, sweeps),
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
