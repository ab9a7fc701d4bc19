"""Writes the report on quantile regression with outliers."""

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import ENDED_BY_A_MISS, failures, sources
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL, interval
from ..table1.study import PINBALL
from .study import CLEAN, Outliers

_EQUAL = 1.1  # factor within which two losses are called equal

#: Name and epsilon of a loss.
Kind = tuple[str, float]


def report(study: Outliers, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which loss is as good as the pinball loss on clean data, and what it gains with outliers."""
    trainings = _scored(frames["training"])
    usual = (PINBALL, 0.0)
    logs = {
        (kind, change): _compared(trainings, kind, change, usual, change)
        for kind in study.kinds()[1:]
        for change in study.changes
    }
    costs = {change: _compared(trainings, usual, change, usual, CLEAN) for change in study.changes}
    parts = [
        _answer(study, logs),
        _table(study, logs, costs),
        f"Data: {sources(trainings)}. Transport solver: {ENDED_BY_A_MISS}. {failures(trainings)}",
    ]
    return Report("\n\n".join(parts), {"outliers": _draw(study, logs)})


def _scored(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the test loss at the checkpoint with the best validation loss; none where a training failed."""
    chosen = pl.col("test_pinball").list.get(pl.col("validation_pinball").list.arg_min())
    return rows.with_columns(test=pl.when(outcome=TRAINED).then(chosen).cast(pl.Float64))


def _compared(
    trainings: pl.DataFrame, kind: Kind, change: str, usual: Kind, usual_change: str
) -> Float[np.ndarray, "cells seeds"]:
    """Returns logarithms of test losses, divided by others with equal data, quantile level and seed."""

    def of(kind: Kind, change: str) -> pl.DataFrame:
        rows = trainings.filter(loss=kind[0], epsilon=kind[1], change=change)
        return rows.select("data", "tau", "seed", "test")

    both = of(kind, change).join(of(usual, usual_change), on=["data", "tau", "seed"], suffix="_usual")
    both = both.sort("data", "tau", "seed")
    test, test_usual = (both[name].fill_null(np.nan).to_numpy() for name in ("test", "test_usual"))
    return np.log(test / test_usual).reshape(-1, both["seed"].n_unique() or 1)


def _mean(logs: Float[np.ndarray, "cells seeds"]) -> float:
    """Returns the geometric mean of the ratios; NaN if one is missing."""
    return float(np.exp(np.mean(logs)))


def _ratio(logs: Float[np.ndarray, "cells seeds"]) -> str:
    """Formats the geometric mean of the ratios with its confidence interval over seeds."""
    if not np.isfinite(_mean(logs)):
        return number(None)
    low, high = np.exp(interval(np.mean(logs, axis=0), comparisons=1))
    return f"{_mean(logs):.2f} [{low:.2f}, {high:.2f}]"


def _cells(logs: Float[np.ndarray, "cells seeds"]) -> Float[np.ndarray, " cells"]:
    """Returns the geometric mean over seeds of the ratios of each cell."""
    return np.exp(np.mean(logs, axis=1))


def _named(kind: Kind) -> str:
    return f"*{kind[0]}* with epsilon = {kind[1]:g}"


def _answer(study: Outliers, logs: dict[tuple[Kind, str], np.ndarray]) -> str:
    clean = {kind: _cells(logs[kind, CLEAN]) for kind in study.kinds()[1:]}
    as_good = [kind for kind, cells in clean.items() if np.all(cells <= _EQUAL)]  # false for NaN
    count = len(next(iter(clean.values())))
    if not as_good:
        said = [f"**No loss is as good as the pinball loss in all {count} cells of clean data.**"]
    else:
        said = [
            f"**As good as the pinball loss in all {count} cells of clean data: {', '.join(map(_named, as_good))}.**"
        ]
    for change in study.changes:
        known = [kind for kind in clean if np.isfinite(_mean(logs[kind, change]))]
        if change != CLEAN and known:
            best = min(known, key=lambda kind: _mean(logs[kind, change]))
            said.append(
                f"With {change}, the best loss is {_named(best)}: its test loss is {_ratio(logs[best, change])} times "
                f"that of pinball training on the same data, and {_ratio(logs[best, CLEAN])} times on clean data."
            )
    return " ".join(said) + (
        "\n\nNumbers in brackets are confidence intervals. A cell is a combination of a table and a quantile level "
        f"tau. A loss is as good in a cell if its test loss is at most {_EQUAL:g} times that of pinball training "
        "(geometric mean over seeds)."
    )


def _table(
    study: Outliers, logs: dict[tuple[Kind, str], np.ndarray], costs: dict[str, Float[np.ndarray, "cells seeds"]]
) -> str:
    table = []
    for kind in study.kinds()[1:]:
        cells = _cells(logs[kind, CLEAN])
        known = np.all(np.isfinite(cells))
        counted = (
            [f"{np.sum(cells <= _EQUAL)} of {cells.size}", f"{np.max(cells):.2f}"] if known else [number(None)] * 2
        )
        table.append([kind[0], f"{kind[1]:g}", *counted, *(_ratio(logs[kind, change]) for change in study.changes)])
    cost = [number(_mean(costs[change]), ".2f") for change in study.changes]
    table.append(["pinball, over pinball on clean data", "", "", "", *cost])
    headers = ["loss", "epsilon", "as good (clean)", "worst cell (clean)", *study.changes]
    return (
        "The next table has test losses, divided by that of pinball training on the same data: geometric means "
        f"over cells and seeds, and in brackets their confidence intervals of {100 * (1 - LEVEL):g} % over the "
        f"{study.seeds} seeds (Student's t-distribution). Clean data are those of all tables, changed data those of "
        f"{', '.join(study.changed)}. Outliers are multiplied by {study.factor:g}. The last line says how much worse "
        "pinball training itself is with changed data:\n\n" + markdown_table(table, headers)
    )


def _draw(study: Outliers, logs: dict[tuple[Kind, str], np.ndarray]) -> tuple[Figure, str]:
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
        "means over cells and seeds. Below the dotted line, the soft loss is better."
    )
