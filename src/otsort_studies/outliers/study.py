"""Defines the study of quantile regression with outliers."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractLearning, of_training
from ..common.study import AbstractCase
from ..common.terms import defined
from ..table1.study import LITERAL, PAPER, PAPER_T, PINBALL

TRIMMED = "trimmed pinball"
KEPT = 0.8  # share of the pinball losses of a batch that the trimmed mean keeps
CLEAN, HEAVY = "clean", "heavy tails"
#: Name of a change of the training targets -> share of the targets that become outliers.
OUTLIERS = {CLEAN: 0.0, "5 % outliers": 0.05, "20 % outliers": 0.2}


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one regression; see `of_training`.

    Attributes:
        data: name of the table.
        tau: quantile level.
        loss: name of the loss.
        epsilon: epsilon of the loss; 0 for the pinball loss.
        change: how the training targets are changed: a name in `OUTLIERS`, or `HEAVY`.
        seed: seed of split, change, initial weights and batches.
        validation_pinball, test_pinball: mean pinball losses, divided by the standard deviation of the training
            targets before their change.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(("validation_pinball", "test_pinball"))

    data: str
    tau: float
    loss: str
    epsilon: float
    change: str
    seed: int


@dataclass(frozen=True)
class Outliers(AbstractLearning):
    """Quantile regression by soft losses and by the pinball loss, with and without outliers.

    Attributes:
        data: names of the tables.
        changed: names of the tables whose training targets are changed, too.
        taus: quantile levels.
        losses: names of the soft losses.
        epsilons: epsilons of the soft losses.
        changes: changes of the training targets.
        dropout: dropout rate of the two hidden layers.
        decay: weight decay.
        factor: factor by which outliers are multiplied.
    """

    name: ClassVar[str] = "outliers"
    title: ClassVar[str] = "Quantile regression with outliers"
    full_time: ClassVar[str] = "13 min"
    question: ClassVar[str] = (
        "Quantile regression predicts the quantile of a target variable at a level tau, and usually minimises the "
        "pinball loss. Is there a loss made of soft quantiles that is as good on clean data, and better if training "
        "data have outliers?\n\n"
        f"{defined('epsilon')}\n\n"
        "The losses: rho_tau(r) = max(tau r, (tau - 1) r) is the pinball loss of a residual r. For each batch, these "
        "losses are made of the values of rho_tau:\n\n"
        "| name | minimised loss | in otsort |\n"
        "|---|---|---|\n"
        "| pinball | the mean | |\n"
        f"| {LITERAL} | the quantile at level tau, by equation (4) of Cuturi, Teboul and Vert (2019) with t = "
        f"{PAPER_T:g} | `otsort.sort` with `otsort.TargetMeasure.quantile` |\n"
        f"| {TRIMMED} | the mean of the smallest {100 * KEPT:g} % | `otsort.losses.trimmed_mean` |\n\n"
        "Method: Tables, network and recipe are those of the study [table1](../table1/report.md), with fewer steps and "
        "a larger learning rate. Only training targets are changed. *Outliers* are a share of the targets, drawn at "
        "random and multiplied by a factor. *Heavy tails* are noise of Student's t-distribution with 1.5 degrees of "
        "freedom, which has infinite variance, and a scale of 0.3 standard deviations of the target. Clean validation "
        "data choose the checkpoint. The test loss is the pinball loss on clean test data. A solve of the transport "
        "problem that misses its tolerance ends the trainings of all seeds, and they count as failures."
    )
    parts: ClassVar[tuple] = (Training,)

    data: tuple[str, ...] = tuple(PAPER)
    changed: tuple[str, ...] = ("star", "concrete", "community")
    taus: tuple[float, ...] = (0.1, 0.2, 0.5)
    losses: tuple[str, ...] = (LITERAL, TRIMMED)
    epsilons: tuple[float, ...] = (1e-2, 1e-1, 1.0)
    changes: tuple[str, ...] = (*OUTLIERS, HEAVY)
    hidden: int = 64
    dropout: float = 0.1
    decay: float = 1e-6
    batch: int = 64
    checkpoints: int = 20
    stride: int = 100
    seeds: int = 5
    factor: float = 10.0

    def __post_init__(self):
        if CLEAN not in self.changes:
            raise ValueError(f"changes must hold {CLEAN!r}")
        if unknown := set(self.changes) - {*OUTLIERS, HEAVY}:
            raise ValueError(f"changes must be among {[*OUTLIERS, HEAVY]}, got {sorted(unknown)}")

    @classmethod
    def quick(cls) -> "Outliers":
        return cls(
            data=("star", "concrete"),
            changed=("concrete",),
            taus=(0.1,),
            losses=(TRIMMED,),
            epsilons=(1.0,),
            changes=(CLEAN, "20 % outliers"),
            checkpoints=5,
            stride=50,
            seeds=3,
        )

    @classmethod
    def paper(cls) -> "Outliers":
        return cls(checkpoints=100, seeds=12)

    def kinds(self) -> list[tuple[str, float]]:
        """Returns the names of the losses with their epsilons, the pinball loss first."""
        return [(PINBALL, 0.0), *itertools.product(self.losses, self.epsilons)]

    def cases(self) -> list[Training]:
        return [
            Training(data, tau, *kind, change, seed)
            for change in self.changes
            for data in (self.data if change == CLEAN else self.changed)
            for tau in self.taus
            for kind in self.kinds()
            for seed in range(self.seeds)
        ]
