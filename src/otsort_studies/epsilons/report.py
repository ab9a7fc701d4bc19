"""Writes the report on the best epsilon for every loss."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import MISSES, failures, misses, spread
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL, interval
from .study import DATA, DEFAULT, DEFAULTS, Epsilons


def report(study: Epsilons, frames: dict[str, pl.DataFrame]) -> Report:
    """Says for each loss which epsilon is best, how flat the optimum is, and whether the default is worse."""
    rows = frames["training"]
    pairs = [(loss, data) for loss in study.losses for data in DATA[loss]]
    comparisons = (len(study.epsilons) - 1) * len(pairs)
    found = [_Tried.of(rows.filter(loss=loss, data=data), comparisons) for loss, data in pairs]
    whole = [one for one in found if one]
    parts = [
        _summary(whole),
        "The best epsilon is the one with the best mean validation score. Another epsilon is *clearly worse* if the "
        "confidence interval of its mean difference from the best one on the test data, over the seeds, lies below 0. "
        f"The intervals are those of Student's t-distribution. They hold for all {comparisons} comparisons together "
        f"with a confidence of {100 * (1 - LEVEL):g} % (Bonferroni's correction). The seeds share each table of data, "
        "so an interval says how sure a difference is for this table, and not for others. Validation examples of one "
        "seed are test examples of another, which favours the best epsilon a little.",
        "The next table lists the epsilons that are not clearly worse than the best one, on both tables of data, and "
        "the largest mean score that one of them loses. The last column is the "
        "mean score that the default loses, on the table where it loses more; it is 0 where the default has the better "
        f"test score.\n\n{_short_table(study, whole)}",
        f"All results; scores are means and standard deviations over {study.seeds} seeds:\n\n{_table(study, whole)}",
        failures(rows),
    ]
    figures = {"epsilons": _draw(study, whole)} if whole else {}
    return Report("\n\n".join(parts), figures)


class _Tried(NamedTuple):
    """The trainings with one loss on some data.

    Attributes:
        loss, data: their names.
        comparisons: number of comparisons in all lines.
        epsilons: epsilons at which all seeds were trained.
        misses: number of trainings that ended because a solve missed its tolerance.
        validation: mean scores.
        test: scores of each seed.
    """

    loss: str
    data: str
    comparisons: int
    epsilons: list[float]
    misses: str
    validation: Float[np.ndarray, " epsilons"]
    test: Float[np.ndarray, "epsilons seeds"]

    @classmethod
    def of(cls, rows: pl.DataFrame, comparisons: int) -> "_Tried | None":
        """Returns the trainings of some rows; None if no epsilon was trained with every seed."""
        each = {
            at[0]: of for at, of in rows.group_by("epsilon", maintain_order=True) if set(of["outcome"]) == {TRAINED}
        }
        if not each:
            return None
        scores = {use: np.stack([of[use].to_numpy() for of in each.values()]) for use in ("validation", "test")}
        epsilons = [float(epsilon) for epsilon in each]  # pyright: ignore
        means = scores["validation"].mean(axis=1)
        return cls(rows["loss"][0], rows["data"][0], comparisons, epsilons, misses(rows), means, scores["test"])

    @property
    def best(self) -> int:
        return int(np.argmax(self.validation))

    @property
    def default(self) -> int | None:
        """Returns the place of the default epsilon; None if it was not trained with every seed."""
        epsilon = _default(self.loss)
        return self.epsilons.index(epsilon) if epsilon in self.epsilons else None

    @property
    def lost(self) -> float:
        """Returns the mean test score of the best epsilon minus that of the default."""
        assert self.default is not None
        return self.loss_at(self.default)

    def loss_at(self, place: int) -> float:
        """Returns the mean test score of the best epsilon minus that of another one."""
        return float(self.test[self.best].mean() - self.test[place].mean())

    @property
    def good(self) -> list[int]:
        """Returns the places of the epsilons that are not clearly worse than the best one."""
        apart = self.test - self.test[self.best]
        return [place for place, of in enumerate(apart) if place == self.best or interval(of, self.comparisons)[1] >= 0]


def _default(loss: str) -> float:
    return DEFAULTS.get(loss, DEFAULT)


def _summary(found: list[_Tried]) -> str:
    known = [one for one in found if one.default is not None]
    if not known:
        return "No loss was trained with every seed at its default epsilon."
    worse = [one for one in known if one.default not in one.good]
    named = ", ".join(f"`{one.loss}` on {one.data}" for one in worse) or "none"
    ends = [one for one in found if one.best in (0, len(one.epsilons) - 1)]
    count, seeds = len(known), known[0].test.shape[1]
    other = [f"{epsilon:g} for `{loss}`" for loss, epsilon in DEFAULTS.items()]
    lost = max(0.0, *(one.lost for one in known))
    said = (
        f"**In {count - len(worse)} of {count} cases, the default is not clearly worse than the best epsilon.** A case "
        f"is a loss on a table, and the best epsilon is that with the best validation score. The default is "
        f"{DEFAULT:g}, except {', '.join(other)}. Its mean test score is at most {lost:.3f} below that of the best "
        f"epsilon. It is clearly worse for: {named}. This is weak evidence that scores are equal: with {seeds} seeds "
        "and so many comparisons, a difference counts as clear only if it is large compared with its variation over "
        "the seeds. So an epsilon that is not clearly worse can still lose much."
    )
    if ends:
        of_ends = ", ".join(f"`{one.loss}` on {one.data}" for one in ends)
        said += f" The best epsilon is at an end of the range with: {of_ends}."
    return said


def _short_table(study: Epsilons, found: list[_Tried]) -> str:
    """Returns a table of the epsilons that are nowhere clearly worse, and of the score that the default loses."""
    lines = []
    for loss in study.losses:
        of = [one for one in found if one.loss == loss and one.default is not None]
        if not of:
            continue
        good = set.intersection(*({one.epsilons[place] for place in one.good} for one in of))
        most = max((one.loss_at(one.epsilons.index(epsilon)) for one in of for epsilon in good), default=0.0)
        lost = max(0.0, *(one.lost for one in of))
        lines.append([f"`{loss}`", _listed(good, study.epsilons), f"{most:.3f}", f"{_default(loss):g}", f"{lost:.3f}"])
    headers = ["loss, metric or layer", "not clearly worse", "most that is lost there"]
    headers += ["default", "score lost at the default"]
    return markdown_table(lines, headers)


def _listed(some: set[float], every: Sequence[float]) -> str:
    """Lists numbers of a sorted sequence, and shortens numbers that follow each other in it."""
    runs = [list(run) for inside, run in itertools.groupby(every, some.__contains__) if inside]
    return ", ".join(f"{run[0]:g} to {run[-1]:g}" if len(run) > 1 else f"{run[0]:g}" for run in runs) or "none"


def _table(study: Epsilons, found: list[_Tried]) -> str:
    lines = []
    for one in found:
        good = _listed({one.epsilons[place] for place in one.good}, study.epsilons)
        at_default = number(None) if one.default is None else spread(one.test[one.default])
        best = f"{one.epsilons[one.best]:g}"
        lines.append([one.loss, one.data, best, spread(one.test[one.best]), good, at_default, one.misses])
    return markdown_table(
        lines, ["loss", "data", "best epsilon", "its score", "not clearly worse", "score at the default", MISSES]
    )


def _draw(study: Epsilons, found: list[_Tried]) -> tuple[Figure, str]:
    columns = min(4, len(study.losses))
    rows = math.ceil(len(study.losses) / columns)
    figure = Figure(figsize=(3 * columns, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, loss in zip(panels, study.losses, strict=False):
        for one in (one for one in found if one.loss == loss):
            axes.errorbar(
                one.epsilons,
                one.test.mean(axis=1),
                one.test.std(axis=1, ddof=1) / math.sqrt(one.test.shape[1]),
                label=one.data,
                capsize=2,
            )
        axes.axvline(_default(loss), color="k", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", title=loss)
        if axes.lines:
            axes.legend(fontsize="small")
    for axes in panels[len(study.losses) :]:
        axes.set_axis_off()
    return figure, (
        "Test score against epsilon: means over the seeds, with their standard errors. The dotted line is the default."
    )
