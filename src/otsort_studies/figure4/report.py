"""Writes the report on Figure 4."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import TOLERANCE, at_end, differences, draw, failures, lines, seconds, sources, spread
from ..common.report import Report, markdown_table
from .study import CROSS_ENTROPY, PAPER, TOP_K, Figure4

_COMPARABLE = 0.02  # largest difference of accuracies that are called comparable


def report(study: Figure4, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether the S-top-k loss is as accurate as cross-entropy."""
    trainings = frames["training"]
    found = {loss: trainings.filter(loss=loss) for loss in study.losses}
    parts = [
        _answer(study, found),
        _differences(study, trainings),
        _table(found),
        failures(trainings),
    ]
    return Report("\n\n".join(parts), {"figure4": _draw(study, found)})


def _answer(study: Figure4, found: dict[str, pl.DataFrame]) -> str:
    top_1 = {loss: at_end(rows, "test_accuracy") for loss, rows in found.items()}
    behind = {loss: float(np.mean(top_1[CROSS_ENTROPY] - top_1[loss])) for loss in study.losses}
    soft = [loss for loss in study.losses if loss in TOP_K and np.isfinite(behind[loss])]
    if not soft or PAPER not in soft:
        return "**Open.** Training with cross-entropy or with the paper's loss failed for some seed."
    comparable = [loss for loss in soft if behind[loss] <= _COMPARABLE]
    word = "Reproduced" if PAPER in comparable else "Reproduced in part" if comparable else "Not reproduced"
    best = min(soft, key=lambda loss: behind[loss])
    said = (
        f"**{word}.** The paper finds that the S-top-k loss is about as accurate as cross-entropy. After {study.steps} "
        f"steps, the test accuracy of *{PAPER}*, the paper's loss, is "
        f"{_points(top_1[CROSS_ENTROPY] - top_1[PAPER])} behind cross-entropy. "
    )
    if best != PAPER:
        said += f"The closest S-top-k loss is *{best}*, {_points(top_1[CROSS_ENTROPY] - top_1[best])} behind. "
    top_5 = {loss: at_end(found[loss], "test_top_5") for loss in (CROSS_ENTROPY, PAPER)}
    apart = _points(top_5[CROSS_ENTROPY] - top_5[PAPER])
    return (
        f"{said}In top-5 accuracy, *{PAPER}* is {apart} behind.\n\nPoints are percentage points. Each number is the "
        f"mean and the standard deviation, over {study.seeds} seeds, of the differences with equal seeds. Accuracies "
        f"count as comparable up to {100 * _COMPARABLE:g} points behind."
    )


def _points(differences: np.ndarray) -> str:
    return f"{spread(100 * differences, '.2f')} points"


def _differences(study: Figure4, trainings: pl.DataFrame) -> str:
    lines = [
        ["data", "CIFAR-10, CIFAR-100", f"{study.data} ({sources(trainings)}); CIFAR-100 was not available"],
        ["network", "sizes not stated", study.sizes],
        ["training", "not stated", f"{study.steps} steps of {study.batch} pictures, Adam"],
        ["seeds", "12", str(study.seeds)],
        ["transport solver", "100 Sinkhorn iterations", TOLERANCE],
    ]
    return differences(lines)


def _table(found: dict[str, pl.DataFrame]) -> str:
    columns = {
        "test accuracy (%)": "test_accuracy",
        "test top-5 accuracy (%)": "test_top_5",
        "train accuracy (%)": "train_accuracy",
    }
    table = []
    for loss, rows in found.items():
        shares = [spread(100 * at_end(rows, column), ".2f") for column in columns.values()]
        entropy = spread(at_end(rows, "test_cross_entropy"))
        table.append([loss, *shares, entropy, seconds(rows)])
    headers = ["loss", *columns, "test cross-entropy", "seconds per training"]
    return "Results after the last step, mean and standard deviation over seeds:\n\n" + markdown_table(table, headers)


def _draw(study: Figure4, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    places = {"": "test_accuracy", "top-5 ": "test_top_5"}
    panels = {f"{place}accuracy, test set": lines(found, column) for place, column in places.items()}
    return draw(study, panels, (12, 4)), (
        f"Accuracy (left) and top-5 accuracy (right) on the test set of {study.data} during training: means over "
        f"{study.seeds} seeds. Error bars show one standard deviation."
    )
