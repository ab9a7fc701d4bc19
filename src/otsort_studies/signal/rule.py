"""Tests whether the suggested epsilon gives the requested number of neighbours."""

import itertools
import math

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.report import markdown_table, number
from .study import TIED, Signal

_FACTOR = 1.5  # largest factor by which a support may differ from the request
_NORM = 1.25  # largest factor by which a norm may differ from theory


def with_ratio(suggested: pl.DataFrame) -> pl.DataFrame:
    """Adds the `ratio` of the support to the request, and the `factor` (at least 1) by which they differ."""
    ratio = pl.col("support") / pl.col("neighbours")
    return suggested.with_columns(ratio=ratio, factor=pl.max_horizontal(ratio, 1 / ratio))


def text(study: Signal, asked: pl.DataFrame) -> str:
    """Says how accurate the rule is.

    Args:
        study: the study with its configuration.
        asked: converged rows with ratios where m = n, at least one.
    """
    table = [
        _line(group, count, here)
        for group, names in _groups(study).items()
        for count in study.neighbours
        if not (here := asked.filter(pl.col("data").is_in(names), pl.col("neighbours") == count)).is_empty()
    ]
    headers = ["data", "requested", "epsilon", "median ratio", "5 % to 95 %", "worst ratio", "vanishing (largest)"]
    cases = asked.group_by("data", maintain_order=True).agg(fails=(pl.col("factor") > _FACTOR).sum(), cases=pl.len())
    fails = ", ".join(f"{data} ({fails} of {of})" for data, fails, of in cases.iter_rows() if fails)
    return (
        "**How to choose epsilon.** Decide how many neighbours a rank should have, and call `otsort.suggest_epsilon`. "
        f"{_on_real(asked.filter(pl.col('data').is_in(study.real)))}Of all {len(asked)} cases, {cases['fails'].sum()} "
        f"differ from the request by more than a factor of {_FACTOR:g}{f': {fails}' if fails else ''}. "
        "Equal values are always neighbours of each other, so a rounded value has at least as many neighbours as there "
        "are other values equal to it.\n\n"
        "The table shows the ratio of the measured to the requested number of neighbours. *Vanishing* is the largest "
        f"share of vanishing gradients in a list.\n\n{markdown_table(table, headers)}"
    )


def few_targets(study: Signal, suggested: pl.DataFrame) -> str:
    """Says how accurate the rule is where m < n; empty if this was not measured.

    Args:
        study: the study with its configuration.
        suggested: converged rows.
    """
    if not study.m:
        return ""
    most = max(study.n)
    untied = suggested.filter(pl.col("n") == most, pl.col("data") != TIED)
    counts = [count for count in study.neighbours if count < most]
    table, smooth = [], []
    for m in [*study.m, most]:
        here = [untied.filter(pl.col("m") == m, pl.col("neighbours") == count) for count in counts]
        supports, norms = ([_median(group[column]) for group in here] for column in ("support", "norm"))
        cells = [
            f"{number(support, '.1f')} ({number(norm, '.2f')})" for support, norm in zip(supports, norms, strict=True)
        ]
        table.append([m, f"{most / m:.1f}", *cells])
        within = [1 / _NORM < norm < _NORM for norm in norms]
        enough = sum(1 for _ in itertools.takewhile(bool, reversed(within)))
        smooth.append(f"{f'from {counts[-enough]:g}' if enough else 'never'} at n/m = {most / m:.1f}")
    headers = ["m", "n/m", *(f"{count:g} requested" for count in counts)]
    return (
        f"**Fewer target points.** The rule is made for m = n. With m target points for n = {most} values, ranks "
        "become step functions if fewer than about n/m neighbours are requested. This shows in the norm of a row, "
        f"divided by n times the density, which is 1 in theory. It is within a factor of {_NORM:g} of 1 for these "
        f"requested numbers of neighbours: {', '.join(smooth)}. The table shows the median support, and in brackets "
        f"this norm, for lists without heavy ties.\n\n{markdown_table(table, headers)}"
    )


def draw(study: Signal, asked: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the ratio of the measured to the requested number of neighbours."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for place, (title, names) in zip(figure.subplots(1, 2, sharey=True), _groups(study).items(), strict=True):
        for i, data in enumerate(names):
            here = asked.filter(pl.col("data") == data)
            # Shift the points of one request sideways, so that they do not hide each other.
            across = here["neighbours"] * 1.06 ** (i - (len(names) - 1) / 2)
            place.plot(across, here["ratio"], ".", alpha=0.6, label=data)
        place.axhline(1, color="k", lw=0.8)
        place.axhspan(1 / _FACTOR, _FACTOR, color="0.93", zorder=0)
        place.set(title=title, xscale="log", yscale="log", xlabel="requested neighbours")
        place.set_xticks(study.neighbours, list(map(str, study.neighbours)))
        place.set_xticks([], minor=True)
        if names:
            place.legend(fontsize="small")
    figure.axes[0].set_ylabel("median support / requested neighbours")
    return figure, (
        "Ratio of the median support at the suggested epsilon to the requested number of neighbours. Grey: within a "
        f"factor of {_FACTOR:g}."
    )


def _groups(study: Signal) -> dict[str, tuple[str, ...]]:
    return {"real columns": study.real, "random families": study.families}


def _on_real(asked: pl.DataFrame) -> str:
    if asked.is_empty():
        return ""
    return (
        "On the real columns, to which no constant was fitted, the number of neighbours (the median support) was "
        f"{asked['ratio'].median():.2f} times the requested number in the median of {len(asked)} cases, and "
        f"{_worst(asked)['ratio']:.2f} times in the worst case. A case is a combination of list, squash and requested "
        "number. "
    )


def _line(group: str, count: int, here: pl.DataFrame) -> list[str]:
    ratio, worst = here["ratio"], _worst(here)
    low, high = (ratio.quantile(q, "linear") for q in (0.05, 0.95))
    return [
        group,
        str(count),
        f"{here['epsilon'].min():.1e} to {here['epsilon'].max():.1e}",
        f"{ratio.median():.2f}",
        f"{low:.2f} to {high:.2f}",
        f"{worst['ratio']:.2f} ({worst['data']}, n = {worst['n']}, {worst['squash']})",
        f"{here['silent'].max():.0%}",
    ]


def _median(column: pl.Series) -> float:
    """Returns the median; NaN if there are no numbers."""
    return math.nan if column.is_empty() else float(np.median(column))


def _worst(asked: pl.DataFrame) -> dict:
    return asked.row(asked["factor"].arg_max() or 0, named=True)
