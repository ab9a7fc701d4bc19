"""Writes the report on Figure 4."""

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.comparison import REPRODUCED, end_of_range, explained, in_points, verdict
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
    sources,
    spread,
)
from ..common.report import Report, markdown_table
from .study import CROSS_ENTROPY, PAPER, PAPER_EPSILON, Figure4, Method

_COMPARABLE = 2.0  # largest difference of accuracies in percentage points that are called comparable
_BASE = CROSS_ENTROPY, 0.0
_PAPER = PAPER, PAPER_EPSILON


def report(study: Figure4, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether the S-top-k loss is as accurate as cross-entropy, for every epsilon and length of the training."""
    trainings = frames["training"]
    found = {method: trainings.filter(loss=method[0], epsilon=method[1]) for method in study.methods()}
    parts = [
        _answer(study, found),
        *_effects(study, found),
        _differences(study, trainings),
        _table(study, found),
        failures(trainings),
    ]
    return Report("\n\n".join(parts), {"figure4": _draw(study, found)})


def _chosen(study: Figure4, rows: pl.DataFrame, column: str) -> Float[np.ndarray, " seeds"]:
    """Returns the entry of a curve at the checkpoint with the largest accuracy on the pictures that are held out."""
    best = np.argmax(curves(rows, "held_out_accuracy", study.checkpoints), axis=1)
    return np.take_along_axis(curves(rows, column, study.checkpoints), best[:, None], axis=1)[:, 0]


def _behind(study: Figure4, found: dict[Method, pl.DataFrame], method: Method) -> Float[np.ndarray, " seeds"]:
    """Returns by how many points the test accuracy is behind that of cross-entropy, both at their chosen lengths."""
    accuracies = [_chosen(study, found[name], "test_accuracy") for name in (_BASE, method)]
    return 100 * (accuracies[0] - accuracies[1])


def _best(study: Figure4, found: dict[Method, pl.DataFrame], loss: str) -> Method:
    """Returns the epsilon of a loss with the largest mean accuracy on the pictures that are held out."""
    held_out = lambda method: np.nan_to_num(np.mean(_chosen(study, found[method], "held_out_accuracy")), nan=-1.0)
    return max((method for method in found if method[0] == loss), key=held_out)


def _answer(study: Figure4, found: dict[Method, pl.DataFrame]) -> str:
    methods = dict.fromkeys([_PAPER, *(_best(study, found, loss) for loss in study.losses)])
    behind = {method: _behind(study, found, method) for method in methods if method in found}
    if _PAPER not in behind or not all(np.all(np.isfinite(points)) for points in behind.values()):
        return "**Open.** Some loss was not trained with every seed, or a training failed."
    verdicts = {method: verdict(points, _COMPARABLE) for method, points in behind.items()}
    same = [f"*{method[0]}*" for method in behind if method != _PAPER and verdicts[method] == REPRODUCED]
    word = f"{verdicts[_PAPER]} with the loss of the paper"
    if same and verdicts[_PAPER] != REPRODUCED:
        word += f"; reproduced with the best epsilon of {' and '.join(same)}"

    def said(method: Method) -> str:
        best = f"the best epsilon{end_of_range(method[1], study.epsilons)}"
        what = "the loss of the paper" if method == _PAPER else best
        return f"- {_named(method)} ({what}): {in_points(behind[method])}, {verdicts[method].lower()}"

    usual = spread(100 * _chosen(study, found[_BASE], "test_accuracy"), ".1f")
    listed = ";\n".join(map(said, behind))
    return (
        f"**{word}.** The paper finds that the S-top-k loss is about as "
        f"accurate as cross-entropy. Here the test accuracy with cross-entropy is {usual} %. The S-top-k losses are "
        f"behind it by\n\n{listed}.\n\n"
        "Points are percentage points of the test accuracy at the chosen length of each training. "
        f"{explained(study.seeds, _COMPARABLE)} The best epsilon of a k is that with the largest "
        "accuracy on the pictures that are held out."
    )


def _named(method: Method) -> str:
    loss, epsilon = method
    return f"*{loss}*, epsilon = {epsilon:g}" if epsilon else f"*{loss}*"


def _effects(study: Figure4, found: dict[Method, pl.DataFrame]) -> list[str]:
    """Describes the effects of epsilon and of the length of the training, unless a training failed."""
    accuracies = {method: 100 * curves(rows, "test_accuracy", study.checkpoints) for method, rows in found.items()}
    if not study.losses or not all(np.all(np.isfinite(curve)) for curve in accuracies.values()):
        return []
    return [_effect_of_epsilon(study, found), _effect_of_length(study, accuracies)]


def _effect_of_epsilon(study: Figure4, found: dict[Method, pl.DataFrame]) -> str:
    means = {method: 100 * float(np.mean(_chosen(study, rows, "test_accuracy"))) for method, rows in found.items()}
    ranges = [
        f"{np.ptp([means[loss, epsilon] for epsilon in study.epsilons]):.1f} points with *{loss}*"
        for loss in study.losses
    ]
    return (
        "**Effect of epsilon.** Between the epsilons, the mean test accuracies at the chosen lengths differ by "
        f"{' and '.join(ranges)} (computed before rounding)."
    )


def _effect_of_length(study: Figure4, accuracies: dict[Method, Float[np.ndarray, "seeds checkpoints"]]) -> str:
    epochs = study.stride * np.arange(1, study.checkpoints + 1) * study.batch / study.pictures
    base = np.mean(accuracies[_BASE], axis=0)
    best = int(np.argmax(base))
    places = sorted({0, best, study.checkpoints - 1})
    table = [
        [loss, *(in_points((accuracies[_BASE] - accuracies[loss, PAPER_EPSILON])[:, place]) for place in places)]
        for loss in study.losses
    ]
    return (
        f"**Effect of the length.** With cross-entropy, the mean test accuracy is largest after {epochs[best]:.0f} of "
        f"{epochs[-1]:.0f} epochs ({base[best]:.1f} %), and {base[-1]:.1f} % at the end. The S-top-k losses with "
        f"epsilon = {PAPER_EPSILON:g} are behind it by these numbers of points at equal lengths:\n\n"
        + markdown_table(table, ["loss", *(f"after {epochs[place]:.0f} epochs" for place in places)])
    )


def _differences(study: Figure4, trainings: pl.DataFrame) -> str:
    data = f"{study.data} ({sources(trainings)}): {study.pictures} pictures, averaged to {study.size} x {study.size}"
    lines = [
        ["data", "CIFAR-10, CIFAR-100", f"{data}; CIFAR-100 was not available"],
        ["network", "sizes not stated", study.sizes],
        ["training", "not stated", f"{study.steps} steps of {study.batch} pictures, Adam"],
        ["seeds", "12", str(study.seeds)],
        ["transport solver", "100 Sinkhorn iterations", ENDED_BY_A_MISS],
    ]
    return differences(lines)


def _table(study: Figure4, found: dict[Method, pl.DataFrame]) -> str:
    headers = ["loss", "epsilon", "test accuracy (%)", "top-5 (%)", "test cross-entropy", "accuracy at the end (%)"]
    headers += ["train accuracy at the end (%)", MISSES]
    table = []
    for (loss, epsilon), rows in found.items():
        chosen = [spread(100 * _chosen(study, rows, f"test_{name}"), ".1f") for name in ("accuracy", "top_5")]
        entropy = spread(_chosen(study, rows, "test_cross_entropy"), ".2f")
        ends = [spread(100 * at_end(rows, f"{part}_accuracy"), ".1f") for part in ("test", "train")]
        table.append([loss, f"{epsilon:g}" if epsilon else "", *chosen, entropy, *ends, misses(rows)])
    return (
        "Results on the test set at the chosen length of each training, and accuracies at the end: mean and standard "
        "deviation over seeds. *Top-5* is the share of pictures whose class has one of the five largest logits. The "
        f"train accuracy is that of {study.scored} pictures.\n\n"
    ) + markdown_table(table, headers)


def _draw(study: Figure4, found: dict[Method, pl.DataFrame]) -> tuple[Figure, str]:
    named = {f"{loss}, {epsilon:g}" if epsilon else loss: rows for (loss, epsilon), rows in found.items()}
    titles = {"test_accuracy": "accuracy, test set", "test_top_5": "top-5 accuracy, test set"}
    panels = {title: lines(named, column) for column, title in titles.items()}
    return draw(study, panels, (12, 4)), (
        f"Accuracy (left) and top-5 accuracy (right) on the test set of {study.data} during training: means over "
        f"{study.seeds} seeds. Error bars show one standard deviation. The number after a loss is its epsilon. "
        f"An epoch has {study.pictures / study.batch:g} steps."
    )
