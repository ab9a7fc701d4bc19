"""Figure 4 of Cuturi, Teboul and Vert (2019), the S-top-k loss: what is asked."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase

CROSS_ENTROPY, TOP_5_CROSS_ENTROPY = "cross-entropy", "top-5 cross-entropy"
#: Name of an S-top-k loss -> k of its J_k(u) = max(u - k/L, 0).
TOP_K = {"S-top-k, k = 0": 0, "S-top-k, k = 1": 1, "S-top-k, k = 5": 5}
PAPER = "S-top-k, k = 1"
EPSILON = 0.01
#: Names of curves.
CURVES = ("train_loss", "train_accuracy", "test_accuracy", "test_top_5", "test_cross_entropy")


@dataclass(frozen=True)
class Training(AbstractCase):
    """One training; see `of_training`.

    Attributes:
        loss: its name.
        seed: of first weights and batches.
        train_loss: its own loss, of a part of the training set.
        train_accuracy, test_accuracy: how often the label is the first.
        test_top_5: how often it is among the first five.
        test_cross_entropy: of the softmax, on the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    loss: str
    seed: int


@dataclass(frozen=True)
class Figure4(AbstractPictures):
    """Accuracy curves of the S-top-k loss and of cross-entropies.

    Attributes:
        losses: their names.
        scored: pictures of the training set that scores are means over.
    """

    name: ClassVar[str] = "figure4"
    title: ClassVar[str] = "Figure 4: the S-top-k loss beside cross-entropy"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) train a classifier with J_k(1 - F), where F is the S-CDF of the label's "
        "logit among all L and J_k(u) = max(u - k/L, 0), mostly k = 1, and find accuracies comparable to those of "
        "cross-entropy. Is that so? Beside J_k, `otsort.losses.top_k_error(logits, labels, k + 1)`, at several k, "
        "epsilon = 0.01, stand cross-entropy and `otsort.losses.top_k_cross_entropy` with k = 5. With exact ranks J_1 "
        "is zero for the second place as well, and J_0 for the first alone.\n\n"
        "Two pairs of 3 x 3 convolutions, each with a 2 x 2 max-pooling, and two dense layers; batch norm and ReLU "
        "after each layer but the last; Adam, one learning rate for all losses, and no augmentation."
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
