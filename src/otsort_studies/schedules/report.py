"""The report on epsilon schedules."""

import polars as pl

from ..common.report import Report
from . import solves, trainings
from .chosen import choose
from .significance import LEVEL
from .study import Schedules


def report(study: Schedules, frames: dict[str, pl.DataFrame]) -> Report:
    """Whether schedules pay, within a solve and over training steps."""
    every = frames["solve"]
    first = every.filter(pl.col("dtype") == study.dtypes[0])
    chosen = {
        task: choose(frames["training"].filter(pl.col("task") == task), study.checkpoints) for task in study.tasks
    }
    parts = [
        f"**Within a solve.** {solves.text(study, first)}",
        solves.table(every),
        "**Over training steps.** Differences, with their standard deviations, are between trainings with the same "
        f"seed. A difference is called beyond the spread over seeds where p < {LEVEL:g} over the number of "
        "comparisons, by an exact sign-flip test, whose p is at least "
        f"{2.0 ** (1 - study.seeds):.2g} with {study.seeds} seeds. Splits of different seeds overlap, so that p is on "
        "the optimistic side.",
        *(trainings.text(study, task, schedules) for task, schedules in chosen.items()),
    ]
    figures = {"schedules-solve": solves.draw(study, first), "schedules-training": trainings.draw(study, chosen)}
    return Report("\n\n".join(parts), figures)
