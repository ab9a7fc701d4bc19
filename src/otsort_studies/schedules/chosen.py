"""Which learning rate and number of steps a schedule of a training is judged by."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float

from ..common.outcome import TRAINED


class Chosen(NamedTuple):
    """The trainings with one schedule at its best learning rate.

    Attributes:
        rate: that.
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
        """The mean score by which all is chosen; NaN if a seed has none."""
        return float(np.mean(self.at_stop("validation")))


def choose(trainings: pl.DataFrame, checkpoints: int) -> dict[str, Chosen]:
    """By schedule, the learning rate and the checkpoint with the best mean validation score.

    Args:
        trainings: rows of one task.
        checkpoints: of each.
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
    """At every checkpoint."""
    curves = {
        column: np.array([curve or [None] * checkpoints for curve in runs[column].to_list()], float)
        for column in ("epsilon", "gradient_norm", "validation", "test")
    }
    failures = sorted(set(runs["outcome"]) - {TRAINED})
    return [Chosen(rate, curves, failures, stop) for stop in range(checkpoints)]
