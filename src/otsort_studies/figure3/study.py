"""Figure 3 of Cuturi, Teboul and Vert (2019), one quantile as a weighted average: what is asked."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy

PAPER, CENTRED = "equation (4)", "centred"
PAPER_EPSILON, PAPER_T = 1e-2, 0.1  # those of its quantile regression, Table 1


@dataclass(frozen=True)
class Average(AbstractCase):
    """One quantile: the sum of share times value.

    Attributes:
        data: name of the values.
        atom: equation (4), or centred, that of `otsort.quantile(x, tau, width=t)`.
        tau: level of the quantile.
        t: mass of the middle target.
        epsilon: regularisation; 0 for the K-quantile of `NorthWestCorner`.
        values: n of them, increasing.
        positions: the values squashed, as they are compared with the targets 0, 1/2 and 1.
        weights: of the three targets.
        shares: of the values: the plan's middle column divided by its sum.
        quantile: K- or S-quantile, from `otsort.solve`.
        exact: numpy's linear quantile.
        marginal_error: of the plan.
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
    """Quantiles from three targets under t, epsilon and the place of the middle one.

    Attributes:
        data: names of values.
        n: how many of each.
        taus: levels; at multiples of 1/n even a narrow atom of equation (4) gives numpy's quantile.
        ts: masses of the middle target, that of the paper among them.
        epsilons: increasing, from 0, which is exact; that of the paper is among them.
        tol: marginal error of the S-quantiles.
        seed: of the values.

    Raises:
        ValueError: the report would lack 0 or one of the paper's numbers.
    """

    name: ClassVar[str] = "figure3"
    title: ClassVar[str] = "Figure 3: a quantile as a weighted average of few values"
    question: ClassVar[str] = (
        "A transport to three targets y = [0, 1/2, 1] selects values for the atom of mass t in the middle, and their "
        "average is the quantile: Figure 3 and equation (4) of Cuturi, Teboul and Vert (2019), weights "
        "b = [tau (1 - t), t, (1 - tau)(1 - t)]. Which values does it select, and how far is the average from numpy's "
        "linear quantile, for each epsilon and t? Beside it an atom of the same mass at the place that "
        "`otsort.quantile` gives it. Logistic squash, float64, `Newton` to convergence; the paper takes t = 0.1, and "
        "epsilon = 0.01 in its Table 1."
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
