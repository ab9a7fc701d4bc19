"""Writes the report on Figure 6."""

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
    """Returns the final cross-entropy on the test set for every seed."""
    return at_end(rows, "test_cross_entropy")


def _gap(rows: pl.DataFrame) -> np.ndarray:
    """Returns by how much the final cross-entropy on the test set exceeds that on the training pictures."""
    return _test(rows) - at_end(rows, "train_cross_entropy")


def _least(study: Figure6, rows: pl.DataFrame) -> np.ndarray:
    """Returns the smallest cross-entropy on the test set at any checkpoint, for every seed."""
    return np.min(curves(rows, "test_cross_entropy", study.checkpoints), axis=1)


def _answer(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    tests = {norm: float(np.mean(_test(rows))) for norm, rows in found.items()}
    gaps = {norm: float(np.mean(_gap(rows))) for norm, rows in found.items()}
    if not np.isfinite(tests[QUANTILE]) or not np.isfinite(tests[BATCH]):
        return "**Open.** Training with quantile normalisation or batch norm failed for some seed."
    lower, less = tests[QUANTILE] < tests[BATCH], gaps[QUANTILE] < gaps[BATCH]
    word = "Reproduced" if lower and less else "Reproduced in part" if lower or less else "Not reproduced"
    others = [norm for norm in NORMS if norm != QUANTILE and np.isfinite(tests[norm])]
    first = sorted([QUANTILE, *others], key=lambda norm: tests[norm])
    least = sorted([QUANTILE, *others], key=lambda norm: float(np.mean(_least(study, found[norm]))))
    return (
        f"**{word}.** The paper finds less overfitting with quantile normalisation than with batch norm. After "
        f"{study.steps} steps, the cross-entropy on the test set is {tests[QUANTILE]:.3f} with quantile normalisation "
        f"and {tests[BATCH]:.3f} with batch norm (means over {study.seeds} seeds). It exceeds the cross-entropy on the "
        f"training set by {gaps[QUANTILE]:.3f} with quantile normalisation and by {gaps[BATCH]:.3f} with batch norm."
        "\n\nOrder of the norms, from the smallest to the largest cross-entropy on the test set:\n\n"
        f"- at the end of the training: {', '.join(first)};\n"
        f"- at the best checkpoint of each norm: {', '.join(least)}."
    )


def _differences(study: Figure6, trainings: pl.DataFrame) -> str:
    lines = [
        ["data", "CIFAR-10, 50 000 pictures", f"{study.data} ({sources(trainings)}), {study.pictures} pictures"],
        ["network", "sizes not stated", study.sizes],
        ["training", "not stated", f"{study.steps} steps of {study.batch} pictures, Adam"],
        ["other norms", "batch norm", "none, batch norm, layer norm"],
        ["seeds", "not stated", str(study.seeds)],
        ["transport solver", "100 Sinkhorn iterations", TOLERANCE],
    ]
    return differences(lines)


def _table(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    table = []
    for norm, rows in found.items():
        train = at_end(rows, "train_cross_entropy")
        entropies = [spread(of) for of in (train, _test(rows), _gap(rows), _least(study, rows))]
        shares = [spread(100 * at_end(rows, column), ".2f") for column in ("train_accuracy", "test_accuracy")]
        table.append([norm, *entropies, *shares, seconds(rows)])
    headers = ["norm", "train loss", "test loss", "test - train", "smallest test loss"]
    headers += ["train accuracy (%)", "test accuracy (%)", "seconds"]
    return (
        "Results after the last step, mean and standard deviation over seeds. Losses are cross-entropies. *Smallest "
        "test loss* is the smallest one at any checkpoint. *Seconds* is the time of one training; other programs may "
        "have run at the same time.\n\n" + markdown_table(table, headers)
    )


def _draw(study: Figure6, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    panels = {f"cross-entropy, {use} set": lines(found, f"{use}_cross_entropy") for use in ("train", "test")}
    return draw(study, panels, (12, 4), sharey=True), (
        f"Cross-entropy on {study.data} during training: means over {study.seeds} seeds. Error bars show one standard "
        "deviation."
    )
