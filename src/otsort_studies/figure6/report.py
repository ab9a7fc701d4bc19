"""Writes the report on Figure 6."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import (
    ENDED_BY_A_MISS,
    MISSES,
    at_end,
    curves,
    differences,
    draw,
    failures,
    lines,
    misses,
    seconds,
    sources,
    spread,
)
from ..common.report import Report, markdown_table
from ..common.significance import LEVEL, interval
from .study import BATCH, NORMS, QUANTILE, Figure6


def report(study: Figure6, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether a network with quantile normalisation overfits less."""
    trainings = frames["training"]
    found = {norm: trainings.filter(norm=norm) for norm in NORMS}
    parts = [
        _answer(study, found),
        *_at_equal_fit(study, found),
        _time(study, found),
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
    word = (
        "Reproduced for equal numbers of steps"
        if lower and less
        else "Reproduced in part"
        if lower or less
        else "Not reproduced"
    )
    others = [norm for norm in NORMS if norm != QUANTILE and np.isfinite(tests[norm])]
    first = sorted([QUANTILE, *others], key=lambda norm: tests[norm])
    least = sorted([QUANTILE, *others], key=lambda norm: float(np.mean(_least(study, found[norm]))))
    return (
        f"**{word}.** The paper finds less overfitting with quantile normalisation than with batch norm. After "
        f"{study.steps} steps, the cross-entropy on the test set is {tests[QUANTILE]:.3f} with quantile normalisation "
        f"and {tests[BATCH]:.3f} with batch norm (means over {study.seeds} seeds). It exceeds the cross-entropy on the "
        f"training set by {gaps[QUANTILE]:.3f} with quantile normalisation and by {gaps[BATCH]:.3f} with batch norm. "
        f"{_difference(found)}\n\nOrder of the norms, from the smallest to the largest cross-entropy on the test "
        "set:\n\n"
        f"- at the end of the training: {', '.join(first)};\n"
        f"- at the best checkpoint of each training, chosen on the test set: {', '.join(least)}. Norms whose numbers "
        "in the table differ by less than their standard deviations have no sure order."
    )


def _at_equal_fit(study: Figure6, found: dict[str, pl.DataFrame]) -> list[str]:
    """Compares the norms where they fit the training pictures as well as quantile normalisation at its end."""
    means = {
        norm: [np.mean(curves(rows, f"{part}_cross_entropy", study.checkpoints), axis=0) for part in ("train", "test")]
        for norm, rows in found.items()
    }
    level = means[QUANTILE][0][-1]
    if not np.isfinite(level):
        return []
    steps = study.stride * np.arange(1.0, study.checkpoints + 1)
    said, never = [], []
    for norm, (train, test) in means.items():
        reached = np.flatnonzero(train <= level)
        if not reached.size:
            never.append(norm)
            continue
        end = reached[0]
        part = slice(max(end - 1, 0), end + 1)
        at = lambda curve, part=part, train=train: np.interp(-level, -train[part], curve[part])
        said.append(f"{at(test):.3f} with {norm} ({at(steps):.0f} steps)")
    return [
        "**At an equal fit.** The norms fit the training pictures at different speeds. When the mean cross-entropy on "
        f"the training pictures is first as small as that of quantile normalisation at its end ({level:.3f}), the one "
        f"on the test set is {', '.join(said)} (interpolated between checkpoints)."
        + (f" It never becomes as small with {', '.join(never)}." if never else "")
    ]


def _difference(found: dict[str, pl.DataFrame]) -> str:
    low, high = interval(_test(found[BATCH]) - _test(found[QUANTILE]), 1)
    return (
        "The confidence interval of the difference on the test set (batch norm minus quantile normalisation) is "
        f"[{low:.3f}, {high:.3f}] (at {100 * (1 - LEVEL):g} %, by Student's t-distribution over the seeds)."
    )


def _time(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    taken = {norm: float(np.min(rows["seconds"].cast(pl.Float64).to_numpy())) for norm, rows in found.items()}
    if not np.isfinite(taken[QUANTILE] / taken[BATCH]):
        return "**Time.** It is unknown, because a training failed."
    problems = study.batch * (sum(study.widths) + 1)
    return (
        "**Time.** The fastest training with quantile normalisation takes "
        f"{taken[QUANTILE] / taken[BATCH]:.1f} times as long as the fastest one with batch norm. In each step, batch "
        f"norm computes means and variances of {sum(study.widths)} channels and of the dense layer. Quantile "
        f"normalisation solves {problems} transport problems: one for each channel of each picture, and one for its "
        "dense layer. The gradient solves a linear system for each of them."
    )


def _differences(study: Figure6, trainings: pl.DataFrame) -> str:
    lines = [
        [
            "data",
            "CIFAR-10, 50 000 pictures",
            f"{study.data} ({sources(trainings)}), {study.pictures} pictures, averaged to {study.size} x {study.size}",
        ],
        ["network", "sizes not stated", study.sizes],
        ["training", "not stated", f"{study.steps} steps of {study.batch} pictures, Adam"],
        ["other norms", "batch norm", "none, batch norm, layer norm"],
        ["seeds", "not stated", str(study.seeds)],
        ["transport solver", "100 Sinkhorn iterations", ENDED_BY_A_MISS],
    ]
    return differences(lines)


def _table(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    table = []
    for norm, rows in found.items():
        train = at_end(rows, "train_cross_entropy")
        entropies = [spread(of) for of in (train, _test(rows), _gap(rows), _least(study, rows))]
        shares = [spread(100 * at_end(rows, column), ".2f") for column in ("train_accuracy", "test_accuracy")]
        table.append([norm, *entropies, *shares, seconds(rows), misses(rows)])
    headers = ["norm", "train loss", "test loss", "test - train", "smallest test loss"]
    headers += ["train accuracy (%)", "test accuracy (%)", "seconds", MISSES]
    return (
        "Results after the last step, mean and standard deviation over seeds. Losses are cross-entropies. *Smallest "
        "test loss* is the smallest one at any checkpoint. Scores on the training set are those of a fixed part of "
        f"{study.scored} pictures. *Seconds* is the time of one training; other programs may "
        "have run at the same time.\n\n" + markdown_table(table, headers)
    )


def _draw(study: Figure6, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    panels = {f"cross-entropy, {use} set": lines(found, f"{use}_cross_entropy") for use in ("train", "test")}
    return draw(study, panels, (12, 4), sharey=True), (
        f"Cross-entropy on {study.data} during training: means over {study.seeds} seeds. Error bars show one standard "
        "deviation."
    )
