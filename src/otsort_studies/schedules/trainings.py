"""Writes the part of the report on epsilon during training."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import curves
from ..common.outcome import TRAINED
from ..common.report import markdown_table, number
from ..common.significance import is_beyond, p_value
from .study import BASELINE, UNITS, Schedules


class Chosen(NamedTuple):
    """The trainings with one schedule at its best learning rate.

    Attributes:
        rate: learning rate.
        curves: name of a column -> its numbers; NaN if a training has none.
        failures: outcomes of the trainings that failed.
        stop: index of the best checkpoint.
    """

    rate: float
    curves: dict[str, Float[np.ndarray, "seeds checkpoints"]]
    failures: list[str]
    stop: int

    def at_stop(self, column: str) -> Float[np.ndarray, " seeds"]:
        return self.curves[column][:, self.stop]

    @property
    def validation(self) -> float:
        """Returns the mean validation score; NaN if a seed has none."""
        return float(np.mean(self.at_stop("validation")))


def choose(trainings: pl.DataFrame, checkpoints: int) -> dict[str, Chosen]:
    """Chooses, for each schedule, the learning rate and the checkpoint with the best mean validation score.

    Args:
        trainings: rows of one task.
        checkpoints: number of checkpoints of a training.
    """
    return {
        str(schedule): max(
            (
                one
                for (rate,), runs in of.group_by("rate", maintain_order=True)
                for one in _stops(rate, runs, checkpoints)
            ),
            key=lambda one: one.validation if np.isfinite(one.validation) else -np.inf,
        )
        for (schedule,), of in trainings.group_by("schedule", maintain_order=True)
    }


def _stops(rate: float, runs: pl.DataFrame, checkpoints: int) -> list[Chosen]:
    """Returns a choice for every checkpoint."""
    found = {column: curves(runs, column, checkpoints) for column in ("epsilon", "gradient_norm", "validation", "test")}
    failures = sorted(set(runs["outcome"]) - {TRAINED})
    return [Chosen(rate, found, failures, stop) for stop in range(checkpoints)]


def summary(study: Schedules, chosen: dict[str, dict[str, Chosen]]) -> str:
    """Counts the tasks for which the best varying schedule is clearly better than the best constant epsilon."""
    better = tasks = 0
    for schedules in chosen.values():
        trained = [name for name, one in schedules.items() if np.isfinite(one.validation) and name != BASELINE]
        constants = [name for name in trained if name in study.constant]
        varying = [name for name in trained if name not in constants]
        if constants and varying:
            first, other = (
                max(names, key=lambda name, of=schedules: of[name].validation) for names in (constants, varying)
            )
            difference = schedules[other].at_stop("test") - schedules[first].at_stop("test")
            tasks += 1
            better += bool(difference.mean() > 0 and is_beyond(difference, len(schedules) - 1))
    if not tasks:
        return "It is open whether a varying epsilon gives better scores, because trainings failed."
    return (
        "The best schedule with a varying epsilon gives a clearly better test score than the best constant epsilon in "
        f"{better} of {tasks} tasks."
    )


def text(study: Schedules, task: str, chosen: dict[str, Chosen]) -> str:
    """Describes the result for a task, with a table."""
    trained = [name for name, one in chosen.items() if np.isfinite(one.validation)]
    constants = [name for name in study.constant if name in trained]
    if not constants:
        return f"*{task}*: no constant epsilon trained with every seed."
    test = {name: one.at_stop("test") for name, one in chosen.items()}
    comparisons = len(chosen) - 1
    soft = [name for name in trained if name != BASELINE]
    varying = [name for name in soft if name not in constants]

    def first(names: list[str]) -> str:
        return max(names, key=lambda name: chosen[name].validation)

    def against(name: str, other: str) -> str:
        return _against(test[name] - test[other], comparisons)

    best, winner = first(constants), first(soft)
    said = (
        f"*{task}* ({study.seeds} seeds, {UNITS[task]}): Among the schedules for soft ranks, *{winner}* has the best "
    )
    said += "validation score. "
    if BASELINE in trained:
        said += f"Its test score is {against(winner, BASELINE)} than that of the baseline. "
    else:
        said += "The baseline did not train with every seed. "
    if varying:
        other = first(varying)
        said += f"The test score of the best varying schedule, *{other}*, is {against(other, best)} than that of the "
        said += f"best constant, *{best}*. "
    differ = [name for name in soft if name != best and is_beyond(test[name] - test[best], comparisons)]
    said += f"Schedules that differ clearly from *{best}*: {', '.join(differ) or 'none'}."
    return f"{said}\n\n{_table(study, chosen, best)}"


def _table(study: Schedules, chosen: dict[str, Chosen], best: str) -> str:
    lines = []
    for name, one in chosen.items():
        test = one.at_stop("test")
        difference = test - chosen[best].at_stop("test")
        against = ["", ""] if name == best else [_spread(difference), number(p_value(difference), ".3f")]
        score = [number(one.validation, ".4f"), _spread(test)]
        lines.append([name, f"{one.rate:g}", study.stride * (one.stop + 1), *score, *against, ", ".join(one.failures)])
    headers = ["schedule", "rate", "steps", "validation", "test", f"test minus {best}", "p-value", "failures"]
    return markdown_table(lines, headers)


def draw(study: Schedules, chosen: dict[str, dict[str, Chosen]]) -> tuple[Figure, str]:
    """Draws scores, epsilons and norms of gradients over the steps.

    Args:
        study: the study with its configuration.
        chosen: task -> schedule -> its trainings.
    """
    constants = [BASELINE, *study.constant]
    steps = study.stride * np.arange(1, study.checkpoints + 1)
    figure = Figure(figsize=(6 * len(chosen) + 2, 9), layout="constrained")
    places = figure.subplots(3, len(chosen), sharex=True, squeeze=False)
    for column, (task, schedules) in zip(places.T, chosen.items(), strict=True):
        for i, (name, one) in enumerate(schedules.items()):
            style: Any = {"color": "black" if name == BASELINE else f"C{i}", "label": name}
            style["linestyle"] = "-" if name in constants else "--"
            for place, curve in zip(column, ("test", "epsilon", "gradient_norm"), strict=True):
                place.plot(steps, one.curves[curve].mean(axis=0), marker="o", markevery=[one.stop], **style)
        for place in column[1:]:
            place.set_yscale("log")
        column[0].set(title=task, ylabel=f"test {UNITS[task]}")
        column[1].set_ylabel("epsilon of the step")
        column[2].set(ylabel="norm of the gradient", xlabel="training step")
    figure.legend(*places[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        "Test score, epsilon and norm of the gradient during training: means over seeds, with the learning rate that "
        "was chosen for each schedule. Dashed: epsilon varies. Dots: best validation score."
    )


def _spread(sample: Float[np.ndarray, " seeds"]) -> str:
    mean = number(sample.mean(), ".4f")
    return mean if np.isnan(sample.mean()) else f"{mean} ± {sample.std(ddof=1):.4f}"


def _against(differences: Float[np.ndarray, " seeds"], comparisons: int) -> str:
    clear = "a clear difference" if is_beyond(differences, comparisons) else "not a clear difference"
    direction = "better" if differences.mean() > 0 else "worse"
    return f"{abs(differences.mean()):.4f} {direction} (p = {p_value(differences):.3f}, {clear})"
