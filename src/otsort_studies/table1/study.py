"""Defines the study of Table 1 of Cuturi, Teboul and Vert (2019), quantile regression."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractLearning, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

PINBALL = "pinball"
#: Name of a loss made of an S-quantile or the S-CDF -> its formula, for the residuals r = z - f(w) of a batch.
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
    """A row: the best prediction without features, which is the quantile of the training targets.

    Attributes:
        data: name of the table.
        tau: quantile level.
        seed: seed of the split.
        standardised: pinball loss on the test set, divided by the standard deviation of the training targets.
        scaled: pinball loss on the test set, divided by the mean absolute value of the training targets.
    """

    part: ClassVar[str] = "constants"
    measured: ClassVar[dict] = dict.fromkeys(("standardised", "scaled"), float)

    data: str
    tau: float
    seed: int


@dataclass(frozen=True)
class Fit(AbstractCase):
    """A row: one regression; see `of_training`.

    Attributes:
        data: name of the table.
        tau: quantile level.
        method: `PINBALL` or a name in `CANDIDATES`, with the epsilon and t of the paper.
        seed: seed of split, initial weights and batches.
        loss: mean of the minimised loss since the last checkpoint.
        train_pinball, validation_pinball, test_pinball: mean pinball losses, divided by the standard deviation of the
            training targets.
    """

    part: ClassVar[str] = "fits"
    measured: ClassVar[dict] = of_training(CURVES)

    data: str
    tau: float
    method: str
    seed: int


@dataclass(frozen=True)
class Setting(AbstractCase):
    """A row: one regression with other settings; see `Fit`.

    Attributes:
        tau: quantile level.
        method: name of the loss.
        epsilon: epsilon of the S-quantile.
        t: mass of the middle target point of the S-quantile.
        squash: logistic or min-max.
        outliers: share of the training targets that are far too large.
        seed: seed of split, outliers, initial weights and batches.
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
        data: names of the tables.
        taus: quantile levels.
        methods: names of the losses in `CANDIDATES`.
        dropout: dropout rate of the two hidden layers.
        decay: weight decay.
        setting_data: name of the table for which settings vary.
        setting_taus: quantile levels for which settings vary.
        setting_methods: losses for which settings vary.
        epsilons: epsilons, combined with the t of the paper.
        ts: values of t, combined with the epsilon of the paper.
        outliers: shares of the training targets that become outliers.
        factor: factor by which outliers are multiplied.
    """

    name: ClassVar[str] = "table1"
    title: ClassVar[str] = "Table 1: quantile regression by S-quantiles"
    full_time: ClassVar[str] = "25 min"
    question: ClassVar[str] = (
        "Quantile regression predicts the quantile of a target variable at a level tau. It usually minimises the "
        'pinball loss. Cuturi, Teboul and Vert (2019) learn the quantile by "minimizing directly the tau-S-quantile" '
        "of the residuals, with the S-quantile of their equation (4). In their Table 1, the result is as good as "
        "training with the pinball loss for some data, and much worse for others, which they put down to outliers. "
        "Can Table 1 be reproduced?\n\n"
        f"{defined('epsilon', 'S- and K-', 'squash')}\n\n"
        "The losses: The paper does not say exactly which loss was minimised. It cannot be the quantile of the signed "
        "residuals, because a shift of the predictions makes that as small as one likes. Therefore four "
        "formulas are tried that are bounded below. In the following table, r = z - f(w) are the residuals of a batch, "
        "rho_tau(r) = max(tau r, (tau - 1) r) is the pinball loss, and F is the S-CDF of the residuals (`otsort.cdf`). "
        "Q_tau is the S-quantile of equation (4) (`otsort.TargetMeasure.quantile`): the average of the "
        "values that arrive at the middle one of three target points, whose mass is t (0.1 in the paper).\n\n"
        "| name | minimised loss | meaning |\n"
        "|---|---|---|\n"
        "| pinball | mean of rho_tau(r) | the usual loss |\n"
        '| quantile of pinball | Q_tau(rho_tau(r)) | in the words of the paper, "the tau-th quantile of the loss '
        'between response and predicted value" |\n'
        "| quantile of absolute | Q_tau(abs(r)) | the quantile of the absolute residuals |\n"
        "| quantile at zero | Q_tau(r)^2 | the quantile of the residuals should be zero |\n"
        "| level of zero | (F(0) - tau)^2 | a share tau of the residuals should be below zero |\n\n"
        "Method: The study follows the recipe of Romano, Patterson and Candès (2019). 80 % of the rows of a table are "
        "used for training. Features are standardised, and targets are divided by their mean absolute value. The "
        "network has two hidden layers with ReLU and dropout. It is trained by Adam with weight decay and the learning "
        "rate of the paper. A tenth of the training rows is used for validation: their pinball loss chooses the "
        "checkpoint. The test loss is the pinball loss on the other 20 % of the rows, divided by the standard "
        "deviation of the training targets. All seeds of a regression are trained in parallel. The squash is "
        "*logistic*, the default of otsort, or *min-max*, which maps the smallest value to 0 and the largest to 1."
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
        """Returns pairs of epsilon and t, in which at least one has the value of the paper."""
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
