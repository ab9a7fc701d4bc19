"""The report on Figure 6."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import TOLERANCE, curves, differences, draw_curves, failures, sources, spread
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from .study import BATCH, NORMS, QUANTILE, Figure6


def report(study: Figure6, frames: dict[str, pl.DataFrame]) -> Report:
    """Whether a network with quantile normalisation overfits less."""
    trainings = frames["training"]
    found = {norm: trainings.filter(norm=norm) for norm in NORMS}
    parts = [
        _answer(study, found),
        _differences(study, trainings),
        _table(study, found),
        failures(trainings, TRAINED),
    ]
    return Report("\n\n".join(parts), {"figure6": _draw(study, found)})


def _test(study: Figure6, rows: pl.DataFrame) -> np.ndarray:
    """Cross-entropy of the test set at the end, of every seed."""
    return curves(rows, "test_cross_entropy", study.checkpoints)[:, -1]


def _gap(study: Figure6, rows: pl.DataFrame) -> np.ndarray:
    """How much larger it is than that of the pictures that were learnt."""
    return _test(study, rows) - curves(rows, "train_cross_entropy", study.checkpoints)[:, -1]


def _least(study: Figure6, rows: pl.DataFrame) -> np.ndarray:
    """The least cross-entropy of the test set at any checkpoint."""
    return np.min(curves(rows, "test_cross_entropy", study.checkpoints), axis=1)


def _answer(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    tests = {norm: float(np.mean(_test(study, rows))) for norm, rows in found.items()}
    gaps = {norm: float(np.mean(_gap(study, rows))) for norm, rows in found.items()}
    if not np.isfinite(tests[QUANTILE]) or not np.isfinite(tests[BATCH]):
        return "**Open.** A norm did not train with every seed."
    lower, less = tests[QUANTILE] < tests[BATCH], gaps[QUANTILE] < gaps[BATCH]
    word = "Reproduced" if lower and less else "Reproduced in part" if lower or less else "Not reproduced"
    others = [norm for norm in NORMS if norm != QUANTILE and np.isfinite(tests[norm])]
    first = sorted([QUANTILE, *others], key=lambda norm: tests[norm])
    least = sorted([QUANTILE, *others], key=lambda norm: float(np.mean(_least(study, found[norm]))))
    return (
        f"**{word}.** The paper finds less overfitting than in the same network without these layers, which has batch "
        f"norm. After {study.checkpoints * study.stride} steps the cross-entropy of the test set is "
        f"{tests[QUANTILE]:.3f} with quantile normalisation and {tests[BATCH]:.3f} with batch norm (mean over "
        f"{study.seeds} seeds), and larger than that of the training set by {gaps[QUANTILE]:.3f} and "
        f"{gaps[BATCH]:.3f}. From the least cross-entropy of the test set to the largest, the norms at "
        f"the end are {', '.join(first)}; by the best checkpoint of each, {', '.join(least)}."
    )


def _differences(study: Figure6, trainings: pl.DataFrame) -> str:
    lines = [
        ["data", "CIFAR-10, 50 000 pictures", f"{study.data} ({sources(trainings)}), {study.pictures} pictures"],
        ["widths", "not said", f"{', '.join(map(str, study.widths))}; {study.hidden}"],
        ["training", "not said", f"{study.checkpoints * study.stride} steps of {study.batch} pictures, Adam"],
        ["other norms", "batch norm", "none, batch norm, layer norm"],
        ["runs", "not said", str(study.seeds)],
        ["transport", "100 sweeps", TOLERANCE],
    ]
    return differences(lines)


def _table(study: Figure6, found: dict[str, pl.DataFrame]) -> str:
    lines = []
    for norm, rows in found.items():
        train = curves(rows, "train_cross_entropy", study.checkpoints)[:, -1]
        entropies = [spread(of) for of in (train, _test(study, rows), _gap(study, rows), _least(study, rows))]
        shares = [
            spread(100 * curves(rows, column, study.checkpoints)[:, -1], ".2f")
            for column in ("train_accuracy", "test_accuracy")
        ]
        seconds = number(rows["seconds"].median() or float("nan"), ".0f")  # pyright: ignore
        lines.append([norm, *entropies, *shares, seconds])
    headers = ["norm", "train", "test", "test - train", "least test", "train top-1, %", "test top-1, %", "seconds"]
    return (
        "Cross-entropy and accuracy at the last checkpoint, the least cross-entropy of the test set at any, and "
        "seconds a training, beside what else ran; mean and standard deviation over seeds:\n\n"
        + markdown_table(lines, headers)
    )


def _draw(study: Figure6, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    steps = study.stride * np.arange(1, study.checkpoints + 1)
    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, use in zip(panels, ("train", "test"), strict=True):
        for i, (norm, rows) in enumerate(found.items()):
            values = curves(rows, f"{use}_cross_entropy", study.checkpoints)
            draw_curves(axes, steps, values, color=f"C{i}", label=norm)
        axes.set(title=f"cross-entropy, {use} set", xlabel="training step")
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        f"Cross-entropy on {study.data} over training steps: means over {study.seeds} seeds, bars of a standard "
        "deviation."
    )
