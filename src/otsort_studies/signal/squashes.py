"""What a fixed epsilon means under each squash."""

import math

import polars as pl

from ..common.report import markdown_table, number
from .study import DEFAULT_EPSILON, SQUASHES, Signal


def default(study: Signal, sweeps: pl.DataFrame) -> str:
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


def text(study: Signal, sweeps: pl.DataFrame) -> str:
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
