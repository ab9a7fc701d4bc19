"""Figure 2 of Cuturi, Teboul and Vert (2019): what is asked."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy


@dataclass(frozen=True)
class Curves(AbstractCase):
    """The S-CDF and the S-quantiles of one plan.

    Attributes:
        data: name of the values.
        panel: of the figure.
        epsilon: regularisation.
        sweeps: number of them, from the zero potential of the paper.
        m: number of targets.
        weights: of the targets: uniform, random, or quantile, those of equation (4).
        values: n of them, increasing.
        cdf: at the values.
        levels: m of them, the cumulative weights of the targets.
        quantiles: at the levels.
        marginal_error: of the plan.
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
    """S-CDF and S-quantiles under epsilon, the number of sweeps, m and b.

    Attributes:
        data: names of values.
        n: how many of each.
        epsilon: where nothing else is said.
        sweeps: the same.
        tau, t: of equation (4).
        seed: of the values and of random weights.
    """

    name: ClassVar[str] = "figure2"
    title: ClassVar[str] = "Figure 2: the S-CDF and the S-quantiles under their parameters"
    question: ClassVar[str] = (
        "What do the regularisation epsilon, the number of Sinkhorn sweeps, the number m of targets and their weights "
        "b do to the soft CDF and the soft quantiles? Curves as in Figure 2 of Cuturi, Teboul and Vert (2019): "
        "log-domain sweeps from the zero potential, logistic squash, float64, quantiles $P^T x / b$ (Definition 2), "
        "which are wrong where the marginal b is not met. The paper does not give its values; these are ours."
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
