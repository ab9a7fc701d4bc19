"""Table 1 of Cuturi, Teboul and Vert (2019), quantile regression: what is asked."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractLearning, of_training
from ..common.study import AbstractCase

PINBALL = "pinball"
#: Name of a loss that is made of an S-quantile -> its formula, for residuals r = z - f(w) of a batch.
CANDIDATES = {
    "quantile of pinball": "Q_tau(rho_tau(r))",
    "quantile of absolute": "Q_tau(abs(r))",
    "quantile at zero": "Q_tau(r)^2",
    "level of zero": "(F(0) - tau)^2",
}
LITERAL = "quantile of pinball"
LOGISTIC, MIN_MAX = "logistic", "min-max"
PAPER_EPSILON, PAPER_T = 1e-2, 0.1

#: The paper's Table 1: data -> tau -> pinball loss after training with the pinball loss, and with the S-quantile.
PAPER: dict[str, dict[float, tuple[float, float]]] = {
    "bio": {0.1: (0.109, 0.281), 0.2: (0.206, 0.206), 0.5: (0.430, 0.442)},
    "bike": {0.1: (0.145, 0.144), 0.2: (0.272, 0.274), 0.5: (0.513, 0.572)},
    "star": {0.1: (0.170, 0.353), 0.2: (0.279, 0.367), 0.5: (0.421, 0.434)},
    "concrete": {0.1: (0.105, 0.482), 0.2: (0.176, 0.367), 0.5: (0.299, 0.287)},
    "community": {0.1: (0.099, 0.100), 0.2: (0.178, 0.176), 0.5: (0.337, 0.357)},
}

#: Names of curves.
CURVES = ("loss", "train_pinball", "validation_pinball", "test_pinball")


@dataclass(frozen=True)
class Constant(AbstractCase):
    """The best prediction that does not look at the features: the quantile of the training targets.

    Attributes:
        data: name of the table.
        tau: level.
        seed: of the split.
        standardised: its pinball loss on the test set over the deviation of the training targets.
        scaled: the same over their mean absolute value.
    """

    part: ClassVar[str] = "constants"
    measured: ClassVar[dict] = dict.fromkeys(("standardised", "scaled"), float)

    data: str
    tau: float
    seed: int


@dataclass(frozen=True)
class Fit(AbstractCase):
    """A regression; see `of_training`.

    Attributes:
        data: name of the table.
        tau: level.
        method: `PINBALL` or a name in `CANDIDATES`, at the paper's epsilon and t.
        seed: of split, first weights and batches.
        loss: what is minimised, its mean since the last checkpoint.
        train_pinball, validation_pinball, test_pinball: mean pinball losses over the deviation of the training
            targets.
    """

    part: ClassVar[str] = "fits"
    measured: ClassVar[dict] = of_training(CURVES)

    data: str
    tau: float
    method: str
    seed: int


@dataclass(frozen=True)
class Setting(AbstractCase):
    """A regression under other settings; see `Fit`.

    Attributes:
        tau: level.
        method: name of the loss.
        epsilon: of its S-quantile.
        t: mass of its middle target.
        squash: logistic or min-max.
        outliers: share of the training targets that are far too large.
        seed: of split, outliers, first weights and batches.
    """

    part: ClassVar[str] = "settings"
    measured: ClassVar[dict] = of_training(CURVES)

    tau: float
    method: str
    epsilon: float
    t: float
    squash: str
    outliers: float
    seed: int


@dataclass(frozen=True)
class Table1(AbstractLearning):
    """Quantile regression by pinball losses and by S-quantiles.

    Attributes:
        data: names of tables.
        taus: levels.
        methods: names of the losses made of an S-quantile.
        dropout: share of the outputs of the two hidden layers.
        decay: of the weights.
        setting_data: name of the table whose settings vary.
        setting_taus: levels there.
        setting_methods: losses there.
        epsilons: at the paper's t.
        ts: at the paper's epsilon.
        outliers: shares of the training targets that are multiplied.
        factor: by which they are.
    """

    name: ClassVar[str] = "table1"
    title: ClassVar[str] = "Table 1: quantile regression by S-quantiles"
    question: ClassVar[str] = (
        'Cuturi, Teboul and Vert (2019) learn the tau-quantile of a target by "minimizing directly the '
        'tau-S-quantile" of residuals, equation (4), and compare it with the pinball loss: on par for some data, '
        "much worse for others, which they put down to outliers. They do not say what was minimised, and the "
        "quantile of signed residuals has no lower bound: any shift lowers it. So four formulas are tried, all of "
        "which are bounded. With residuals r = z - f(w) of a batch, the pinball loss rho_tau(r) = max(tau r, (tau - "
        "1) r), the S-quantile Q_tau of equation (4) (`otsort.TargetMeasure.quantile`) and the S-CDF F of the "
        "residuals (`otsort.cdf`):\n\n"
        "| name | what a step minimises | in words |\n"
        "|---|---|---|\n"
        "| pinball | mean of rho_tau(r) | the usual loss |\n"
        '| quantile of pinball | Q_tau(rho_tau(r)) | "the tau-th quantile of the loss between response and '
        "predicted value\", the paper's words |\n"
        "| quantile of absolute | Q_tau(abs(r)) | the same of absolute residuals |\n"
        "| quantile at zero | Q_tau(r)^2 | the quantile of the residuals is to be zero |\n"
        "| level of zero | (F(0) - tau)^2 | a share tau of the residuals is to be below zero |\n\n"
        "Recipe of Romano, Patterson and Candès (2019): 80 % of the rows train, features are standardised, targets "
        "divided by their mean absolute value; two hidden layers, ReLU, dropout, weight decay, Adam at the paper's "
        "learning rate. A tenth of the training rows choose the checkpoint, by their pinball loss. The score is the "
        "pinball loss on the test rows over the deviation of the training targets. All seeds of a regression are "
        "trained side by side."
    )
    parts: ClassVar[tuple] = (Constant, Fit, Setting)

    data: tuple[str, ...] = tuple(PAPER)
    taus: tuple[float, ...] = (0.1, 0.2, 0.5)
    methods: tuple[str, ...] = tuple(CANDIDATES)
    hidden: int = 64
    dropout: float = 0.1
    rate: float = 1e-4
    decay: float = 1e-6
    batch: int = 64
    checkpoints: int = 20
    stride: int = 750
    seeds: int = 5
    setting_data: str = "concrete"
    setting_taus: tuple[float, ...] = (0.1,)
    setting_methods: tuple[str, ...] = (LITERAL, "quantile at zero")
    epsilons: tuple[float, ...] = (1e-3, 3e-3, PAPER_EPSILON, 3e-2, 1e-1, 1.0)
    ts: tuple[float, ...] = (0.03, PAPER_T, 0.3)
    outliers: tuple[float, ...] = (0.0, 0.05)
    factor: float = 10.0

    def __post_init__(self):
        if PAPER_EPSILON not in self.epsilons or PAPER_T not in self.ts:
            raise ValueError(f"epsilons must hold {PAPER_EPSILON:g}, and ts {PAPER_T:g}")

    @classmethod
    def quick(cls) -> "Table1":
        return cls(
            data=("star", "concrete"),
            taus=(0.1, 0.5),
            rate=1e-3,
            checkpoints=5,
            stride=200,
            seeds=3,
            setting_taus=(0.1,),
            setting_methods=(LITERAL,),
            epsilons=(1e-3, PAPER_EPSILON, 1.0),
            ts=(PAPER_T,),
            outliers=(0.0, 0.05),
        )

    @classmethod
    def paper(cls) -> "Table1":
        return cls(checkpoints=100, seeds=12)

    def settings(self) -> list[tuple[float, float]]:
        """Epsilon and t: each at the paper's value of the other."""
        pairs = [*((epsilon, PAPER_T) for epsilon in self.epsilons), *((PAPER_EPSILON, t) for t in self.ts)]
        return list(dict.fromkeys(pairs))

    def cases(self) -> list[Constant | Fit | Setting]:
        seeds = range(self.seeds)
        fits = itertools.product(self.data, self.taus, (PINBALL, *self.methods), seeds)
        settings = [
            Setting(tau, method, epsilon, t, squash, outliers, seed)
            for tau in self.setting_taus
            for outliers in self.outliers
            for method, squash, (epsilon, t) in [
                (PINBALL, "", (0.0, 0.0)),
                *itertools.product(self.setting_methods, (LOGISTIC, MIN_MAX), self.settings()),
            ]
            for seed in seeds
        ]
        constants = itertools.product(self.data, self.taus, seeds)
        return [*itertools.starmap(Constant, constants), *itertools.starmap(Fit, fits), *settings]
