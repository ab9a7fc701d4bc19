"""Writes the report on quantile regression with outliers."""

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import MISSES, failures, misses, sources
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL, interval
from ..table1.report import EQUAL, scored
from ..table1.study import PINBALL
from .study import CLEAN, Outliers

#: Name and epsilon of a loss.
Kind = tuple[str, float]
#: Logarithms of ratios of test losses.
Logs = Float[np.ndarray, "cells seeds"]

_USUAL = PINBALL, 0.0


def report(study: Outliers, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which loss is as good as the pinball loss on clean data, and what it gains with outliers."""
    trainings = scored(frames["training"])
    changed = trainings.filter(pl.col("data").is_in(study.changed))
    kinds = study.kinds()[1:]
    clean = {kind: _cells(_logs(trainings, kind, CLEAN)) for kind in kinds}
    logs = {(kind, change): _logs(changed, kind, change) for kind in kinds for change in study.changes}
    parts = [
        _answer(study, clean, logs),
        _table(study, clean, logs, trainings),
        _by_level(study, changed),
        f"Data: {sources(trainings)}. {failures(trainings)}",
    ]
    return Report("\n\n".join(parts), {"outliers": _draw(study, logs)})


def _logs(trainings: pl.DataFrame, kind: Kind, change: str, usual_change: str | None = None) -> Logs:
    """Returns the logarithms of test losses, divided by those of pinball training with equal data, tau and seed.

    Args:
        trainings: scored rows.
        kind: name and epsilon of the loss.
        change: change of the training targets.
        usual_change: the change for pinball training; the same unless given.
    """

    def of(kind: Kind, change: str) -> pl.DataFrame:
        rows = trainings.filter(loss=kind[0], epsilon=kind[1], change=change)
        return rows.select("data", "tau", "seed", pl.col("test").cast(pl.Float64).fill_null(np.nan))

    both = of(kind, change).join(of(_USUAL, usual_change or change), on=["data", "tau", "seed"], suffix="_usual")
    both = both.sort("data", "tau", "seed")
    ratios = both["test"].to_numpy() / both["test_usual"].to_numpy()
    return np.log(ratios).reshape(-1, both["seed"].n_unique() or 1)


def _mean(logs: Logs) -> float:
    """Returns the geometric mean of the ratios; NaN if one is missing."""
    return float(np.exp(np.mean(logs)))


def _cells(logs: Logs) -> Float[np.ndarray, " cells"]:
    """Returns the geometric mean over seeds of the ratios of each cell."""
    return np.exp(np.mean(logs, axis=1))


def _interval(study: Outliers, logs: Logs) -> tuple[float, float]:
    """Returns the confidence interval of the mean ratio over seeds; all intervals of a table hold together."""
    low, high = interval(np.mean(logs, axis=0), comparisons=len(study.kinds()[1:]) * len(study.changes))
    return float(np.exp(low)), float(np.exp(high))


def _ratio(study: Outliers, logs: Logs) -> str:
    """Formats the geometric mean of the ratios with its confidence interval."""
    if not np.isfinite(_mean(logs)):
        return number(None)
    low, high = _interval(study, logs)
    return f"{_mean(logs):.2f} [{low:.2f}, {high:.2f}]"


def _named(kind: Kind) -> str:
    return f"*{kind[0]}* with epsilon = {kind[1]:g}"


def _answer(study: Outliers, clean: dict[Kind, np.ndarray], logs: dict[tuple[Kind, str], Logs]) -> str:
    as_good = [kind for kind, cells in clean.items() if np.all(cells <= EQUAL)]  # false for NaN
    count, names = len(next(iter(clean.values()))), ", ".join(map(_named, as_good)) or "none"
    both = [
        f"{_named(kind)} ({change}: {_ratio(study, logs[kind, change])})"
        for kind in as_good
        for change in study.changes
        if change != CLEAN and _interval(study, logs[kind, change])[1] < 1
    ]
    said = [
        f"**As good on clean data and clearly better with changed data: {', '.join(both) or 'none'}.** The numbers are "
        "test losses, divided by that of pinball training.\n\n"
        f"**As good as the pinball loss in all {count} cells of clean data: {names}.** With a large epsilon, both "
        "losses are nearly the mean of the pinball losses."
    ]
    for change in study.changes:
        known = [kind for kind in clean if np.isfinite(_mean(logs[kind, change]))]
        if change == CLEAN or not known:
            continue
        best = min(known, key=lambda kind: _mean(logs[kind, change]))
        better = _interval(study, logs[best, change])[1] < 1
        words = f"its test loss is {_ratio(study, logs[best, change])} times that of pinball training"
        cost = f"on clean data of the same tables it is {_ratio(study, logs[best, CLEAN])} times"
        said.append(
            f"With {change}, {_named(best)} is clearly better: {words}; {cost}."
            if better
            else f"With {change}, no loss is clearly better. The best mean is that of {_named(best)}: {words}."
        )
    return " ".join(said) + (
        "\n\nNumbers in brackets are confidence intervals. A cell is a combination of a table and a quantile level "
        f"tau. A loss is as good in a cell if its test loss is at most {EQUAL:g} times that of pinball training "
        "(geometric mean over seeds). The best loss is chosen by the same test data. The intervals allow for this "
        "choice, because they hold for all losses together."
    )


def _table(
    study: Outliers, clean: dict[Kind, np.ndarray], logs: dict[tuple[Kind, str], Logs], trainings: pl.DataFrame
) -> str:
    missed = lambda kind: misses(trainings.filter(loss=kind[0], epsilon=kind[1]))
    table = []
    for kind, cells in clean.items():
        known = np.all(np.isfinite(cells))
        counted = [f"{np.sum(cells <= EQUAL)} of {cells.size}", f"{np.max(cells):.2f}"] if known else [number(None)] * 2
        ratios = [_ratio(study, logs[kind, change]) for change in study.changes]
        table.append([kind[0], f"{kind[1]:g}", *counted, *ratios, missed(kind)])
    changed = trainings.filter(pl.col("data").is_in(study.changed))
    cost = [number(_mean(_logs(changed, _USUAL, change, CLEAN)), ".2f") for change in study.changes]
    table.append(["pinball, over pinball on clean data", "", "", "", *cost, missed(_USUAL)])
    headers = ["loss", "epsilon", "as good (clean)", "worst cell (clean)", *study.changes, MISSES]
    return (
        "The next table has test losses, divided by that of pinball training on the same data: geometric means over "
        "cells and seeds, and in brackets their confidence intervals by Student's t-distribution over the "
        f"{study.seeds} seeds, which hold together with a confidence of {100 * (1 - LEVEL):g} % (Bonferroni's "
        "correction). The third and fourth columns are those of all tables, the others those of "
        f"{', '.join(study.changed)}. Outliers are multiplied by {study.factor:g}. The last line says how much worse "
        "pinball training itself is with changed data:\n\n" + markdown_table(table, headers)
    )


def _by_level(study: Outliers, changed: pl.DataFrame) -> str:
    places = [(change, tau) for change in study.changes if change != CLEAN for tau in study.taus]
    table = [
        [
            kind[0],
            f"{kind[1]:g}",
            *(number(_mean(_logs(changed.filter(tau=tau), kind, change)), ".2f") for change, tau in places),
        ]
        for kind in study.kinds()[1:]
    ]
    headers = ["loss", "epsilon", *(f"{change}, tau = {tau:g}" for change, tau in places)]
    return f"The same ratios for each quantile level:\n\n{markdown_table(table, headers)}"


def _draw(study: Outliers, logs: dict[tuple[Kind, str], Logs]) -> tuple[Figure, str]:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, len(study.losses), sharex=True, sharey=True, squeeze=False)[0]
    for axes, loss in zip(panels, study.losses, strict=True):
        for change in study.changes:
            ratios = [_mean(logs[(loss, epsilon), change]) for epsilon in study.epsilons]
            axes.plot(study.epsilons, ratios, "o-", label=change)
        axes.axhline(1, color="0.7", linestyle=":")
        axes.set(title=loss, xscale="log", yscale="log", xlabel="epsilon")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("test loss / pinball training")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        "Test loss of each soft loss, divided by that of pinball training on the same data, against epsilon: geometric "
        f"means over seeds and over the cells of {', '.join(study.changed)}. Below the dotted line, the soft loss is "
        "better."
    )
