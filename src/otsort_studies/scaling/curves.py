"""What is read from the costs of one solver in one sweep: a curve, its exponent, and where it crosses another."""

import math
from typing import NamedTuple

import numpy as np
import polars as pl

from ..common.outcome import SOUND
from ..common.report import number
from .study import EXACT, Sweep

FITTED = 3  # points at the dear end of a curve

_SETTING = {"n": pl.Int64, "m": pl.Int64, "batch": pl.Int64, "epsilon": pl.Float64}


def curve(costs: pl.DataFrame, sweep: Sweep, solver: str) -> pl.DataFrame:
    """The sound rows of a solver in a sweep, in the order of its factor; exact solvers have no epsilon."""
    settings = pl.DataFrame(sweep.settings, _SETTING, orient="row")
    if solver in EXACT:
        settings = settings.with_columns(epsilon=0.0)
    sound = costs.filter(pl.col("outcome").is_in(SOUND), solver=solver)
    return sound.join(settings, on=[*_SETTING], how="semi").sort(sweep.factor)


def power(points: pl.DataFrame, factor: str, column: str) -> str:
    """Least-squares slope of the logarithms at the dear end: the three largest factors, or the least epsilons."""
    points = points.filter(pl.col(column) > 0).sort(factor)
    points = points.head(FITTED) if factor == "epsilon" else points.tail(FITTED)
    if points.height < 2:
        return number(None)
    slope, _ = np.polyfit(np.log(points[factor].to_numpy()), np.log(points[column].to_numpy()), 1)
    return f"{round(slope, 1) + 0.0:.1f}"  # without -0.0


class Crossing(NamedTuple):
    """Where one curve over n falls below another for good.

    Attributes:
        place: that n, interpolated in logarithms; 0 if it is below everywhere, infinite if not at the largest n.
        least, most: n at which both were measured.
    """

    place: float
    least: int
    most: int

    def __str__(self) -> str:
        if math.isinf(self.place):
            return f"nowhere up to n = {self.most}"
        if self.place == 0:
            return f"at every n from {self.least} to {self.most}"
        return f"from about n = {float(f'{self.place:.2g}'):g} on"


def crossing(slower: pl.DataFrame, faster: pl.DataFrame, column: str) -> Crossing | None:
    """From which n on the second curve is below the first; None if they share no n."""
    both = slower.join(faster, on="n").drop_nulls([column, f"{column}_right"]).sort("n")
    if both.is_empty():
        return None
    sizes, gain = both["n"].to_numpy(), np.log((both[column] / both[f"{column}_right"]).to_numpy())
    behind = np.flatnonzero(gain <= 0)
    least, most = int(sizes[0]), int(sizes[-1])
    if not behind.size:
        return Crossing(0.0, least, most)
    last = behind[-1]
    if last == sizes.size - 1:
        return Crossing(math.inf, least, most)
    place = np.interp(0, gain[last : last + 2], np.log(sizes[last : last + 2]))
    return Crossing(float(np.exp(place)), least, most)
