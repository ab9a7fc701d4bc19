"""Writes the report on the tutorial."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import (
    ENDED_BY_A_MISS,
    MISSES,
    Line,
    at_end,
    differences,
    draw,
    failures,
    misses,
    sources,
    spread,
)
from ..common.report import Report, markdown_table, number
from .study import CROSS_ENTROPY, CURVES, MEDIAN, NOISY, PRINTED, SOFT, SOFT_MEDIAN, Tutorial

_AGREE = 0.01  # tolerance as a share of the range of the numbers, because the tutorial stops its sweeps early
_COMPETITIVE = 0.02  # largest difference of accuracies that is called competitive


def report(study: Tutorial, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether the claims of the tutorial hold."""
    examples, denoising, trainings = (frames[part] for part in ("examples", "denoising", "training"))
    found = {loss: trainings.filter(loss=loss) for loss in (SOFT, CROSS_ENTROPY)}
    answers = [_loss(study, found), _numbers(examples), _photo(study, denoising)]
    parts = [
        "\n".join(f"- {answer}" for answer in answers),
        _differences(study, trainings),
        _training_table(study, found),
        _examples_table(examples),
        _denoising_table(study, denoising),
        failures(trainings),
    ]
    figures = {"tutorial-training": _draw_training(study, found), "tutorial-photo": _draw_photo(denoising)}
    return Report("\n\n".join(parts), figures)


def _loss(study: Tutorial, found: dict[str, pl.DataFrame]) -> str:
    soft, usual = (at_end(found[loss], "test_accuracy") for loss in (SOFT, CROSS_ENTROPY))
    entropies = [at_end(found[loss], "test_cross_entropy") for loss in (SOFT, CROSS_ENTROPY)]
    behind = float(np.mean(usual - soft))
    if not np.isfinite(behind):
        return "**Soft 0/1 loss: open.** Training with one of the losses failed for some seed."
    word = "reproduced" if behind <= _COMPETITIVE else "not reproduced"
    return (
        f"**Soft 0/1 loss: {word}.** The tutorial calls this loss competitive with cross-entropy. After {study.steps} "
        f"steps, the test accuracy is {spread(100 * soft, '.2f')} % with the soft 0/1 loss and "
        f"{spread(100 * usual, '.2f')} % with cross-entropy (mean and standard deviation over {study.seeds} seeds). "
        f"Competitive means at most {100 * _COMPETITIVE:g} percentage points behind. This holds for the accuracy "
        f"alone: the cross-entropy on the test set is {spread(entropies[0], '.2f')} and {spread(entropies[1], '.2f')}, "
        "so probabilities from the soft 0/1 loss are not calibrated."
    )


def _numbers(examples: pl.DataFrame) -> str:
    apart = dict(_distances(examples))
    if len(apart) < len(PRINTED):
        return "**Printed numbers: open.** Some of them could not be computed."
    agree = [name for name, distance in apart.items() if distance < _AGREE]
    word = "reproduced" if len(agree) == len(apart) else "reproduced in part" if agree else "not reproduced"
    worst = max(apart, key=lambda name: apart[name])
    return (
        f"**Printed numbers: {word}.** {len(agree)} of {len(apart)} results agree with otsort within "
        f"{100 * _AGREE:g} % of their range. The largest distance is {100 * apart[worst]:.2f} % ({worst}). The "
        "tutorial stops its sweeps early; the results of otsort are converged."
    )


def _distances(examples: pl.DataFrame) -> Iterator[tuple[str, float]]:
    """Yields the largest distance from each printed result, over its range, or over the range of x for one number."""
    for name, ours in examples.drop_nulls("ours").select("name", "ours").iter_rows():
        printed = np.asarray(PRINTED[name])
        width = np.ptp(printed) if printed.size > 1 else np.ptp(PRINTED["sort"])
        yield name, float(np.max(np.abs(np.asarray(ours, float) - printed)) / width)


def _photo(study: Tutorial, denoising: pl.DataFrame) -> str:
    psnr = {key: rows["psnr"].mean() for key, rows in denoising.group_by("filter", "epsilon", maintain_order=True)}
    if any(value is None for value in psnr.values()):
        return "**Soft median filter: open.** One of the filters failed."
    values: dict[Any, float] = psnr  # pyright: ignore[reportAssignmentType]
    words = " and ".join(f"{values[SOFT_MEDIAN, epsilon]:.1f} dB (epsilon = {epsilon:g})" for epsilon in study.epsilons)
    best = max(values, key=lambda key: values[key])
    names = {NOISY: "no filter", MEDIAN: "the exact median", SOFT_MEDIAN: f"the soft median with epsilon = {best[1]:g}"}
    return (
        f"**Soft median filter.** The quality is measured by the peak signal-to-noise ratio (PSNR, larger is better). "
        f"The photo with {100 * study.noise:g} % salt-and-pepper noise has {values[NOISY, 0.0]:.1f} dB. The exact "
        f"median of {study.size} x {study.size} pixels gives {values[MEDIAN, 0.0]:.1f} dB. The soft median gives "
        f"{words}. The best is {names[best[0]]}."
    )


def _differences(study: Tutorial, trainings: pl.DataFrame) -> str:
    training = f"{study.steps} steps of {study.batch} pictures, AdamW at {study.rate:g}"
    lines = [
        ["data", "MNIST, 0 to 255", f"{study.data} ({sources(trainings)}), 0 to 1"],
        ["network", "32, 32, 64, 64 channels, 512 dense units", study.sizes],
        ["training", "60 steps of 1000 pictures, AdamW; cross-entropy with Adam", training],
        ["seeds", "1", str(study.seeds)],
        ["photo", "another one", "china.jpg of scikit-learn"],
        ["transport solver", "stops early", ENDED_BY_A_MISS],
    ]
    return differences(lines, "tutorial")


def _training_table(study: Tutorial, found: dict[str, pl.DataFrame]) -> str:
    lines = [[loss, *(spread(at_end(rows, column)) for column in CURVES), misses(rows)] for loss, rows in found.items()]
    headers = ["training loss", *(column.replace("_", " ") for column in CURVES), MISSES]
    return (
        "Training: results after the last step, mean and standard deviation over seeds. Scores on the training set are "
        f"those of a fixed part of {study.scored} pictures:\n\n{markdown_table(lines, headers)}"
    )


def _examples_table(examples: pl.DataFrame) -> str:
    def words(numbers: Any) -> str:
        return ", ".join(number(value, ".4f") for value in numbers or [None])

    lines = [
        [name, words(PRINTED[name]), words(ours), words(exact)]
        for name, ours, exact in examples.select("name", "ours", "exact").iter_rows()
    ]
    return "Printed numbers:\n\n" + markdown_table(lines, ["operator", "tutorial", "otsort", "exact"])


def _denoising_table(study: Tutorial, denoising: pl.DataFrame) -> str:
    lines = []
    for key, rows in denoising.group_by("filter", "epsilon", maintain_order=True):
        seconds = number(rows["seconds"].median() or float("nan"), ".3f")  # pyright: ignore
        lines.append([_filter(*key), spread(rows["psnr"].to_numpy(), ".2f"), seconds])
    return (
        "Photo: PSNR (mean and standard deviation) and median time for the whole photo, over "
        f"{study.noises} random noises:\n\n{markdown_table(lines, ['filter', 'PSNR (dB)', 'seconds'])}"
    )


def _filter(name: Any, epsilon: Any) -> str:
    return f"{name}, epsilon = {epsilon:g}" if epsilon else str(name)


def _draw_training(study: Tutorial, found: dict[str, pl.DataFrame]) -> tuple[Figure, str]:
    def lines(curve: str, losses: tuple[str, ...]) -> list[Line]:
        return [
            (found[loss], f"{use}_{curve}", {"color": color, "linestyle": style, "label": f"{loss}, {use}"})
            for loss, color in zip(losses, ("C0", "C1"), strict=False)
            for use, style in (("train", "-"), ("test", "--"))
        ]

    both = SOFT, CROSS_ENTROPY
    panels = {
        "soft 0/1 loss": lines("loss", (SOFT,)),  # the loss of cross-entropy is in the next panel
        "cross-entropy": lines("cross_entropy", both),
        "accuracy": lines("accuracy", both),
    }
    return draw(study, panels, (13, 4)), (
        f"Soft 0/1 loss, cross-entropy and accuracy during one epoch on {study.data}, for training with each loss: "
        f"means over {study.seeds} seeds. Error bars show one standard deviation."
    )


def _draw_photo(denoising: pl.DataFrame) -> tuple[Figure, str]:
    shown = denoising.drop_nulls("picture")
    figure = Figure(figsize=(3.2 * max(shown.height, 1), 3), layout="constrained")
    panels = figure.subplots(1, max(shown.height, 1), squeeze=False)[0]
    for axes, row in zip(panels, shown.iter_rows(named=True), strict=False):
        axes.imshow(np.reshape(row["picture"], (-1, row["width"])), cmap="gray", vmin=0, vmax=255)
        axes.set(title=f"{_filter(row['filter'], row['epsilon'])}: {row['psnr']:.1f} dB", xticks=[], yticks=[])
    return figure, "A part of the noisy photo before and after filtering, with the PSNR of the whole photo."
