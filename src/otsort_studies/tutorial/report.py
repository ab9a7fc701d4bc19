"""The report on the tutorial."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import TOLERANCE, Line, at_end, differences, draw, failures, sources, spread
from ..common.report import Report, markdown_table, number
from .study import CROSS_ENTROPY, CURVES, MEDIAN, NOISY, PRINTED, SOFT, SOFT_MEDIAN, Tutorial

_AGREE = 0.01  # of the range of the numbers: the tutorial stops its sweeps early
_COMPETITIVE = 0.02  # of accuracy


def report(study: Tutorial, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether the tutorial's claims hold."""
    examples, denoising, trainings = (frames[part] for part in ("examples", "denoising", "training"))
    found = {loss: trainings.filter(loss=loss) for loss in (SOFT, CROSS_ENTROPY)}
    answers = [_loss(study, found), _numbers(examples), _photo(study, denoising)]
    parts = [
        "\n".join(f"- {answer}" for answer in answers),
        _differences(study, trainings),
        _training_table(found),
        _examples_table(examples),
        _denoising_table(study, denoising),
        failures(trainings),
    ]
    figures = {"tutorial-training": _draw_training(study, found), "tutorial-photo": _draw_photo(denoising)}
    return Report("\n\n".join(parts), figures)


def _loss(study: Tutorial, found: dict[str, pl.DataFrame]) -> str:
    soft, usual = (at_end(found[loss], "test_accuracy") for loss in (SOFT, CROSS_ENTROPY))
    behind = float(np.mean(usual - soft))
    if not np.isfinite(behind):
        return "**Soft 0/1 loss: open.** A loss did not train with every seed."
    word = "reproduced" if behind <= _COMPETITIVE else "not reproduced"
    return (
        f"**Soft 0/1 loss: {word}.** The tutorial calls it competitive. After {study.steps} steps "
        f"its test accuracy is {spread(100 * soft, '.2f')} %, and {spread(100 * usual, '.2f')} % after training with "
        f"cross-entropy ({study.seeds} seeds); competitive is to be at most {100 * _COMPETITIVE:g} points behind."
    )


def _numbers(examples: pl.DataFrame) -> str:
    apart = dict(_distances(examples))
    if len(apart) < len(PRINTED):
        return "**Printed numbers: open.** Some could not be computed."
    agree = [name for name, distance in apart.items() if distance < _AGREE]
    word = "reproduced" if len(agree) == len(apart) else "reproduced in part" if agree else "not reproduced"
    worst = max(apart, key=lambda name: apart[name])
    return (
        f"**Printed numbers: {word}.** {len(agree)} of {len(apart)} lists agree within {100 * _AGREE:g} % of their "
        f"range; the largest distance is {100 * apart[worst]:.2f} % ({worst}). The tutorial stops its "
        "sweeps early, and ours are converged."
    )


def _distances(examples: pl.DataFrame) -> Iterator[tuple[str, float]]:
    """Largest distance of what is printed, over the range of the exact numbers, or of x for a single one."""
    for name, ours in examples.drop_nulls("ours").select("name", "ours").iter_rows():
        printed = np.asarray(PRINTED[name])
        width = np.ptp(printed) if printed.size > 1 else np.ptp(PRINTED["sort"])
        yield name, float(np.max(np.abs(np.asarray(ours, float) - printed)) / width)


def _photo(study: Tutorial, denoising: pl.DataFrame) -> str:
    psnr = {key: rows["psnr"].mean() for key, rows in denoising.group_by("filter", "epsilon", maintain_order=True)}
    if any(value is None for value in psnr.values()):
        return "**Soft median filter: open.** A filter failed."
    values: dict[Any, float] = psnr  # pyright: ignore[reportAssignmentType]
    words = ", ".join(f"epsilon = {epsilon:g}: {values[SOFT_MEDIAN, epsilon]:.1f}" for epsilon in study.epsilons)
    best = max(values, key=lambda key: values[key])
    name = best[0] if best[0] != SOFT_MEDIAN else f"the soft median with epsilon = {best[1]:g}"
    return (
        f"**Soft median filter.** {100 * study.noise:g} % salt and pepper leave {values[NOISY, 0.0]:.1f} dB; "
        f"the median of {study.size} x {study.size} points gives {values[MEDIAN, 0.0]:.1f} dB, the soft "
        f"one, {words}. The best is {name}."
    )


def _differences(study: Tutorial, trainings: pl.DataFrame) -> str:
    training = f"{study.steps} steps of {study.batch}, AdamW at {study.rate:g}"
    lines = [
        ["data", "MNIST, 0 to 255", f"{study.data} ({sources(trainings)}), 0 to 1"],
        ["network", "widths 32, 32, 64, 64; 512", f"widths {study.sizes}"],
        ["training", "60 steps of 1000, AdamW; cross-entropy by Adam", training],
        ["runs", "1", str(study.seeds)],
        ["photo", "another one", "china.jpg of scikit-learn"],
        ["transport", "stopped early", TOLERANCE],
    ]
    return differences(lines, "tutorial")


def _training_table(found: dict[str, pl.DataFrame]) -> str:
    lines = [[loss, *(spread(at_end(rows, column)) for column in CURVES)] for loss, rows in found.items()]
    headers = ["training loss", *(column.replace("_", " ") for column in CURVES)]
    return "After the last step, mean and standard deviation over seeds:\n\n" + markdown_table(lines, headers)


def _examples_table(examples: pl.DataFrame) -> str:
    def words(numbers: Any) -> str:
        return ", ".join(number(value, ".4f") for value in numbers or [None])

    lines = [
        [name, words(PRINTED[name]), words(ours), words(exact)]
        for name, ours, exact in examples.select("name", "ours", "exact").iter_rows()
    ]
    return "What the tutorial prints:\n\n" + markdown_table(lines, ["", "tutorial", "otsort", "exact"])


def _denoising_table(study: Tutorial, denoising: pl.DataFrame) -> str:
    lines = []
    for key, rows in denoising.group_by("filter", "epsilon", maintain_order=True):
        seconds = number(rows["seconds"].median() or float("nan"), ".3f")  # pyright: ignore
        lines.append([_filter(*key), spread(rows["psnr"].to_numpy(), ".2f"), seconds])
    return f"The whole photo, {study.noises} noises:\n\n" + markdown_table(lines, ["filter", "PSNR, dB", "seconds"])


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
        "soft 0/1 loss": lines("loss", (SOFT,)),  # that of cross-entropy is in the next panel
        "cross-entropy": lines("cross_entropy", both),
        "accuracy": lines("accuracy", both),
    }
    return draw(study, panels, (13, 4)), (
        f"One epoch on {study.data}: soft 0/1 loss, cross-entropy and accuracy, after training with either loss; means "
        f"over {study.seeds} seeds, bars of a standard deviation."
    )


def _draw_photo(denoising: pl.DataFrame) -> tuple[Figure, str]:
    shown = denoising.drop_nulls("picture")
    figure = Figure(figsize=(3.2 * max(shown.height, 1), 3), layout="constrained")
    panels = figure.subplots(1, max(shown.height, 1), squeeze=False)[0]
    for axes, row in zip(panels, shown.iter_rows(named=True), strict=False):
        axes.imshow(np.reshape(row["picture"], (-1, row["width"])), cmap="gray", vmin=0, vmax=255)
        axes.set(title=f"{_filter(row['filter'], row['epsilon'])}: {row['psnr']:.1f} dB", xticks=[], yticks=[])
    return figure, "A part of the photo with noise, and filtered; PSNR of the whole."
