"""Defines the study of Figure 2 of Cuturi, Teboul and Vert (2019)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined


@dataclass(frozen=True)
class Curves(AbstractCase):
    """A row: the S-CDF and the S-quantiles of one plan.

    Attributes:
        data: name of the values.
        panel: panel of the figure.
        epsilon: strength of the regularisation.
        sweeps: number of sweeps, which start from the zero potential, as in the paper.
        m: number of target points.
        weights: weights of the target points: uniform, random, or quantile (equation (4)).
        values: the n values in increasing order.
        cdf: S-CDF at the values.
        levels: the m quantile levels, which are the cumulative weights of the target points.
        quantiles: S-quantiles at these levels.
        marginal_error: marginal error of the plan.
    """

    part: ClassVar[str] = "curves"
    measured: ClassVar[dict] = {
        **dict.fromkeys(("values", "cdf", "levels", "quantiles"), list[float]),
        "marginal_error": float,
    }

    data: str
    panel: str
    epsilon: float
    sweeps: int
    m: int
    weights: str


@dataclass(frozen=True)
class Figure2(AbstractStudy):
    """Effect of epsilon, of the number of sweeps, of m and of b on the S-CDF and the S-quantiles.

    Attributes:
        data: names of the lists of values.
        n: number of values of each list.
        epsilon: epsilon, unless a panel varies it.
        sweeps: number of sweeps, unless a panel varies it.
        tau, t: quantile level and mass of the middle target point in equation (4).
        seed: seed of the values and of the random weights.
    """

    name: ClassVar[str] = "figure2"
    title: ClassVar[str] = "Figure 2: how parameters change the soft CDF and the soft quantiles"
    full_time: ClassVar[str] = "15 s"
    question: ClassVar[str] = (
        "The soft cumulative distribution function (S-CDF) and the soft quantiles (S-quantiles) of Cuturi, Teboul and "
        "Vert (2019) depend on four parameters: epsilon, the number of Sinkhorn sweeps, the number m of target points, "
        "and the weights b of these points. How does each parameter change the curves? The study draws the curves of "
        "Figure 2 of that paper.\n\n"
        f"{defined('epsilon', 'target points', 'transport plan', 'potential', 'sweep', 'marginal error', 'squash')}\n\n"
        "Method: Sweeps are computed in the log domain and in float64. They start from the zero potential. The squash "
        "is logistic. Quantiles follow Definition 2 of the paper: they are $P^T x / b$, where P is the plan and x are "
        "the values. These quantiles are wrong if the column sums of the plan are not b. The paper does not list its "
        "values, so the study uses values of its own."
    )
    dtype: ClassVar[str] = "float64"
    parts: ClassVar[tuple] = (Curves,)

    data: tuple[str, ...] = ("normal", "diabetes s2")
    n: int = 60
    epsilon: float = 1e-3
    sweeps: int = 10_000
    tau: float = 0.3
    t: float = 0.1
    seed: int = 2

    @classmethod
    def quick(cls) -> "Figure2":
        return cls(n=20)

    def cases(self) -> list[Curves]:
        return [case for data in self.data for case in self._settings(data)]

    def _settings(self, data: str) -> list[Curves]:
        base = Curves(data, "m = n", self.epsilon, self.sweeps, self.n, "uniform")
        return [
            base,
            *(replace(base, panel="stronger epsilon", epsilon=factor * self.epsilon) for factor in (10, 100, 1000)),
            *(replace(base, panel="fewer sweeps", sweeps=sweeps) for sweeps in (1, 3, 10)),
            replace(base, panel="m = 5", m=5),
            replace(base, panel="random b", weights="random"),
            replace(base, panel="b for one quantile", epsilon=10 * self.epsilon, m=3, weights="quantile"),
        ]
