"""Defines the study of Figure 3 of Cuturi, Teboul and Vert (2019), a quantile as a weighted average."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

PAPER, CENTRED = "equation (4)", "centred"
PAPER_EPSILON, PAPER_T = 1e-2, 0.1  # used in Table 1 of the paper, quantile regression


@dataclass(frozen=True)
class Average(AbstractCase):
    """A row: one quantile, which is the sum of the values times their shares.

    Attributes:
        data: name of the values.
        atom: choice of the weights: equation (4), or centred, as in `otsort.quantile(x, tau, width=t)`.
        tau: quantile level.
        t: mass of the middle target point.
        epsilon: strength of the regularisation; 0 for the K-quantile of `NorthWestCorner`.
        values: the n values in increasing order.
        positions: squashed values, which are compared with the target points 0, 1/2 and 1.
        weights: weights of the three target points.
        shares: shares of the values, which are the middle column of the plan divided by its sum.
        quantile: K- or S-quantile, from `otsort.solve`.
        exact: NumPy's linear quantile.
        marginal_error: marginal error of the plan.
    """

    part: ClassVar[str] = "averages"
    measured: ClassVar[dict] = {
        **dict.fromkeys(("values", "positions", "weights", "shares"), list[float]),
        **dict.fromkeys(("quantile", "exact", "marginal_error"), float),
    }

    data: str
    atom: str
    tau: float
    t: float
    epsilon: float


@dataclass(frozen=True)
class Figure3(AbstractStudy):
    """Quantiles from three target points: effect of t, of epsilon and of the weights.

    Attributes:
        data: names of the lists of values.
        n: number of values of each list.
        taus: quantile levels. At multiples of 1/n, even a small t in equation (4) gives NumPy's quantile.
        ts: masses of the middle target point; they include that of the paper.
        epsilons: increasing epsilons; they include 0, which is exact, and that of the paper.
        tol: tolerance of the solver for the marginal error.
        seed: seed of the values.

    Raises:
        ValueError: ts or epsilons lack 0 or a number of the paper, which the report needs.
    """

    name: ClassVar[str] = "figure3"
    title: ClassVar[str] = "Figure 3: a quantile as a weighted average of a few values"
    full_time: ClassVar[str] = "15 s"
    question: ClassVar[str] = (
        "A soft quantile needs only three target points: 0, 1/2 and 1. The middle point has a small mass t, and the "
        "average of the values that are moved to it is the quantile. This is Figure 3 and equation (4) of Cuturi, "
        "Teboul and Vert (2019). Which values does the middle point receive? How far is their average from NumPy's "
        "linear quantile, for each epsilon and t?\n\n"
        f"{defined('epsilon', 'S- and K-', 'transport plan', 'marginal error', 'squash')}\n\n"
        "Method: Two choices of weights for the three target points are compared. *Equation (4)* of the paper uses the "
        "weights b = [tau (1 - t), t, (1 - tau)(1 - t)], where tau is the quantile level. *Centred* weights have the "
        "same t, or less if tau is near 0 or 1, and place the middle point at the level that `otsort.quantile` uses. "
        "The squash is logistic. Plans are computed in float64 by `Newton` until they converge, and exactly by "
        "`NorthWestCorner` for epsilon = 0. The paper uses t = 0.1, and epsilon = 0.01 in "
        "its Table 1."
    )
    dtype: ClassVar[str] = "float64"
    parts: ClassVar[tuple] = (Average,)

    data: tuple[str, ...] = ("diabetes s2", "normal")
    n: int = 20
    taus: tuple[float, ...] = (0.03, 0.11, 0.31, 0.5, 0.69, 0.89, 0.97)
    ts: tuple[float, ...] = (0.01, 0.05, PAPER_T, 0.2)
    epsilons: tuple[float, ...] = (0.0, 1e-4, 1e-3, PAPER_EPSILON, 3e-2, 1e-1)
    tol: float = 1e-10
    seed: int = 3

    def __post_init__(self):
        if PAPER_T not in self.ts or not {0.0, PAPER_EPSILON} <= set(self.epsilons):
            raise ValueError(f"ts must hold {PAPER_T:g}, and epsilons 0 and {PAPER_EPSILON:g}")

    @classmethod
    def quick(cls) -> "Figure3":
        return cls(taus=(0.11, 0.31, 0.5, 0.89), ts=(0.05, PAPER_T, 0.2), epsilons=(0.0, 1e-3, PAPER_EPSILON, 1e-1))

    def cases(self) -> list[Average]:
        return list(
            itertools.starmap(
                Average, itertools.product(self.data, (PAPER, CENTRED), self.taus, self.ts, self.epsilons)
            )
        )
