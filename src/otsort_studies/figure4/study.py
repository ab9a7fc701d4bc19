"""Defines the study of Figure 4 of Cuturi, Teboul and Vert (2019), the S-top-k loss."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

CROSS_ENTROPY, TOP_5_CROSS_ENTROPY = "cross-entropy", "top-5 cross-entropy"
#: Name of an S-top-k loss -> its k in J_k(u) = max(u - k/L, 0).
TOP_K = {"S-top-k, k = 0": 0, "S-top-k, k = 1": 1, "S-top-k, k = 5": 5}
PAPER = "S-top-k, k = 1"
EPSILON = 0.01
#: Names of curves.
CURVES = ("train_loss", "train_accuracy", "test_accuracy", "test_top_5", "test_cross_entropy")


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training; see `of_training`.

    Attributes:
        loss: name of the loss.
        seed: seed of initial weights and batches.
        train_loss: the loss on a part of the training set.
        train_accuracy, test_accuracy: share of pictures whose label has the largest logit.
        test_top_5: share of test pictures whose label has one of the five largest logits.
        test_cross_entropy: cross-entropy of the softmax on the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    loss: str
    seed: int


@dataclass(frozen=True)
class Figure4(AbstractPictures):
    """Accuracy curves of the S-top-k loss and of cross-entropies.

    Attributes:
        losses: names of the losses.
        scored: number of pictures of the training set over which scores are averaged.
    """

    name: ClassVar[str] = "figure4"
    title: ClassVar[str] = "Figure 4: the S-top-k loss compared with cross-entropy"
    full_time: ClassVar[str] = "1 h"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) train a classifier with the S-top-k loss, which is made of soft ranks. They "
        "find accuracies that are comparable to those of training with cross-entropy. Does that hold here?\n\n"
        f"{defined('epsilon', 'soft rank', 'S- and K-')}\n\n"
        "The loss: A network gives L logits, one for each class. Let F be the S-CDF of the logits at the logit of the "
        "correct class. The S-top-k loss is J_k(1 - F) with J_k(u) = max(u - k/L, 0). In otsort it is "
        "`otsort.losses.top_k_error(logits, labels, k + 1)`. With exact ranks, the loss for k = 0 is zero only if the "
        "logit of the correct class is the largest. For k = 1, which the paper mostly uses, it is also zero if that "
        "logit is the second largest.\n\n"
        "Method: S-top-k losses with several k and epsilon = 0.01 are compared with cross-entropy and with "
        "`otsort.losses.top_k_cross_entropy` for k = 5. The network has two pairs of 3 x 3 convolutions, a 2 x 2 "
        "max-pooling after each pair, and two dense layers. Batch norm and ReLU follow each layer except the last. "
        "All losses use Adam with the same learning rate and no data augmentation."
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "cifar10"
    losses: tuple[str, ...] = (CROSS_ENTROPY, TOP_5_CROSS_ENTROPY, *TOP_K)
    widths: tuple[int, ...] = (16, 16, 32, 32)
    hidden: int = 128
    batch: int = 100
    checkpoints: int = 6
    stride: int = 500
    scored: int = 2000

    @classmethod
    def quick(cls) -> "Figure4":
        return cls(
            data="digits",
            losses=(CROSS_ENTROPY, TOP_5_CROSS_ENTROPY, "S-top-k, k = 0", PAPER),
            widths=(8, 8, 16, 16),
            hidden=32,
            batch=32,
            checkpoints=5,
            stride=20,
            scored=500,
            seeds=2,
        )

    @classmethod
    def paper(cls) -> "Figure4":
        return cls(widths=(32, 32, 64, 64), hidden=512, checkpoints=100, seeds=12)

    def cases(self) -> list[Training]:
        return [Training(loss, seed) for loss in self.losses for seed in range(self.seeds)]
