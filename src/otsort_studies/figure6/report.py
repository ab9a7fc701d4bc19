"""The report on Figure 6."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import (
    TOLERANCE,
    at_end,
    curves,
    differences,
    draw,
    failures,
    lines,
    seconds,
    sources,
    spread,
)
from ..common.report import Report, markdown_table
from .study import BATCH, NORMS, QUANTILE, Figure6


def report(study: Figure6, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether a network with quantile normalisation overfits less."""
    trainings = frames["training"]
    found = {norm: trainings.filter(norm=norm) for norm in NORMS}
    parts = [
        _answer(study, found),
        _differences(study, trainings),
        _table(study, found),
        failures(trainings),
    ]
    return Report("\n\n".join(parts), {"figure6": _draw(study, found)})


def _test(rows: pl.DataFrame) -> np.ndarray:
    """Cross-entropy of the test set at the end, of every seed."""
    return at_end(rows, "test_cross_entropy")


def _gap(rows: pl.DataFrame) -> np.ndarray:
    """Returns how much larger the error is than that of the pictures that were learnt."""
    return _test(rows) - at_end(rows, "train_cross_entropy")


def _least(study: Figure6, rows: pl.DataFrame) -> np.ndarray:
    """The least cross-entropy of the test set at any checkpoint."""
    return np.min(curves(rows, "test_cross_entropy", study.checkpoints), axis=1)


def _answer(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    tests = {norm: float(np.mean(_test(rows))) for norm, rows in found.items()}
    gaps = {norm: float(np.mean(_gap(rows))) for norm, rows in found.items()}
    if not np.isfinite(tests[QUANTILE]) or not np.isfinite(tests[BATCH]):
        return "**Open.** A norm did not train with every seed."
    lower, less = tests[QUANTILE] < tests[BATCH], gaps[QUANTILE] < gaps[BATCH]
    word = "Reproduced" if lower and less else "Reproduced in part" if lower or less else "Not reproduced"
    others = [norm for norm in NORMS if norm != QUANTILE and np.isfinite(tests[norm])]
    first = sorted([QUANTILE, *others], key=lambda norm: tests[norm])
    least = sorted([QUANTILE, *others], key=lambda norm: float(np.mean(_least(study, found[norm]))))
    return (
        f"**{word}.** The paper finds less overfitting than in the same network without these layers, which has batch "
        f"norm. After {study.steps} steps the cross-entropy of the test set is "
        f"{tests[QUANTILE]:.3f} with quantile normalisation and {tests[BATCH]:.3f} with batch norm (mean over "
        f"{study.seeds} seeds), and larger than that of the training set by {gaps[QUANTILE]:.3f} and "
        f"{gaps[BATCH]:.3f}. From the least cross-entropy of the test set to the largest, the norms at "
        f"the end are {', '.join(first)}; by the best checkpoint of each, {', '.join(least)}."
    )


def _differences(study: Figure6, trainings: pl.DataFrame) -> str:
    lines = [
        ["data", "CIFAR-10, 50 000 pictures", f"{study.data} ({sources(trainings)}), {study.pictures} pictures"],
        ["widths", "not said", study.sizes],
        ["training", "not said", f"{study.steps} steps of {study.batch} pictures, Adam"],
        ["other norms", "batch norm", "none, batch norm, layer norm"],
        ["runs", "not said", str(study.seeds)],
        ["transport", "100 sweeps", TOLERANCE],
    ]
    return differences(lines)


def _table(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    table = []
    for norm, rows in found.items():
        train = at_end(rows, "train_cross_entropy")
        entropies = [spread(of) for of in (train, _test(rows), _gap(rows), _least(study, rows))]
        shares = [spread(100 * at_end(rows, column), ".2f") for column in ("train_accuracy", "test_accuracy")]
        table.append([norm, *entropies, *shares, seconds(rows)])
    headers = ["norm", "train", "test", "test - train", "least test", "train top-1, %", "test top-1, %", "seconds"]
    return (
        "Cross-entropy and accuracy at the last checkpoint, the least cross-entropy of the test set at any, and "
        "seconds a training, beside what else ran; mean and standard deviation over seeds:\n\n"
        + markdown_table(table, headers)
    )


def _draw(study: Figure6, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    panels = {f"cross-entropy, {use} set": lines(found, f"{use}_cross_entropy") for use in ("train", "test")}
    return draw(study, panels, (12, 4), sharey=True), (
        f"Cross-entropy on {study.data} over training steps: means over {study.seeds} seeds, bars of a standard "
        "deviation."
    )
