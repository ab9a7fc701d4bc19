"""Defines the study that looks for the epsilon that trains best, for every loss and metric."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

#: Name of a loss, metric or layer -> the data that it is trained on.
DATA = {
    "top_k_error": ("digits", "mnist"),
    "top_k_cross_entropy": ("digits", "mnist"),
    "spearman_distance": ("diabetes", "concrete"),
    "permutation_cross_entropy": ("diabetes", "concrete"),
    "quantile_error": ("diabetes", "concrete"),
    "trimmed_mean": ("diabetes", "concrete"),
    "expected_shortfall": ("diabetes", "concrete"),
    "roc_auc": ("eights", "diabetes"),
    "average_precision": ("eights", "diabetes"),
    "precision_at_k": ("eights", "diabetes"),
    "recall_at_k": ("eights", "diabetes"),
    "ndcg": ("diabetes", "concrete"),
    "kendall_tau": ("diabetes", "concrete"),
    "concordance_index": ("diabetes", "concrete"),
    "QuantileNormalization": ("digits", "mnist"),
    "TopKGate": ("digits", "mnist"),
}
#: Name -> default epsilon, where it is not `DEFAULT`.
DEFAULTS = {"top_k_cross_entropy": 0.1, "TopKGate": 0.1}
DEFAULT = 0.01


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training in float32.

    Attributes:
        loss: name of the loss, metric or layer.
        data: name of the data.
        epsilon: its epsilon.
        seed: seed of split, initial weights and batches.
        validation, test: exact scores; larger is better.
        seconds: time of the training, including compilation.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = dict.fromkeys(("validation", "test", "seconds"), float)

    loss: str
    data: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Epsilons(AbstractStudy):
    """Small models that are trained through every loss and metric, with several epsilons.

    Attributes:
        losses: names of the losses, metrics and layers.
        epsilons: epsilons.
        seeds: number of trainings for each epsilon.
        steps: number of steps of Adam.
        rate: learning rate of Adam.
        batch: number of examples in a step.
        length: number of values of a list, where lists are formed by examples.
    """

    name: ClassVar[str] = "epsilons"
    title: ClassVar[str] = "Which epsilon for which loss?"
    full_time: ClassVar[str] = "10 min"
    question: ClassVar[str] = (
        "A small epsilon gives a loss that is nearly exact, but its gradient depends on few values. A large epsilon "
        "gives a smooth loss that is far from the exact one. Which epsilon trains best, and how much does it "
        "matter?\n\n"
        f"{defined('epsilon', 'list')}\n\n"
        "Method: Adam trains a small model in float32 with each loss, metric or layer, on two tables of data. Half "
        "of the data is used for training, a fifth for validation, and the rest for testing. The model is linear, "
        "except for the layers: `QuantileNormalization` normalises 32 hidden units of each example, and `TopKGate` "
        "mixes 8 linear experts. All epsilons share "
        "the splits, the initial weights and the batches of a seed. The losses are those of a batch of 64 "
        "examples:\n\n"
        "- `top_k_error` with k = 1, scored by the accuracy.\n"
        "- `top_k_cross_entropy` with k = 2, scored by the share of examples whose label is one of the first two.\n"
        "- `spearman_distance`, scored by Spearman's correlation. It is one minus `spearman_correlation`, so the "
        "answers hold for both.\n"
        "- `permutation_cross_entropy` for lists of 16 examples, scored by Spearman's correlation.\n"
        "- `quantile_error` of absolute residuals with tau = 0.5, and `trimmed_mean` of squared residuals up to the "
        "level 0.75. A fifth of the targets are outliers, also for testing. The score is 1 - (median absolute "
        "residual) / (median absolute deviation of the targets).\n"
        "- `expected_shortfall` of the largest fifth of the absolute residuals. The score is 1 - (shortfall of the "
        "residuals) / (shortfall of the deviations of the targets from their median).\n"
        "- `roc_auc`, `average_precision`, `precision_at_k` and `recall_at_k`, scored by the same metric. In training, "
        "k is 6 (precision) or 13 (recall) of 64. In the score, k is a tenth or a fifth of the test data. Positives "
        "are a tenth (*eights*: digits that are an 8) or a fifth (*diabetes*: the most progress) of the examples.\n"
        "- `ndcg` for lists of 16 examples. The targets are divided into five groups of equal size, and the number of "
        "the group, 0 to 4, is relevance and gain. The score is the NDCG.\n"
        "- `kendall_tau`, and `concordance_index` with three tenths of the times censored, scored by the same metric.\n"
        "- `QuantileNormalization`, trained with cross-entropy and scored by the accuracy.\n"
        "- `TopKGate` with k = 2, trained with cross-entropy. The score is the accuracy if only the 2 experts with the "
        "largest scores are used (epsilon = 0).\n\n"
        "Scores use exact metrics (epsilon = 0) on the test data. All solves have to reach their tolerance: a miss "
        "would end the training with an error."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Training,)

    losses: tuple[str, ...] = tuple(DATA)
    epsilons: tuple[float, ...] = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 10.0)
    seeds: int = 12
    steps: int = 300
    rate: float = 0.03
    batch: int = 64
    length: int = 16

    @classmethod
    def quick(cls) -> "Epsilons":
        return cls(losses=("spearman_distance", "roc_auc"), epsilons=(1e-2, 1e-1, 1.0), seeds=3, steps=60)

    def cases(self) -> list[AbstractCase]:
        """Returns the cases loss by loss, so that cases with the same program follow each other."""
        return [
            Training(loss, data, epsilon, seed)
            for loss in self.losses
            for data in DATA[loss]
            for epsilon in self.epsilons
            for seed in range(self.seeds)
        ]
