"""Defines the study of Figure 4 of Cuturi, Teboul and Vert (2019), the S-top-k loss."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

CROSS_ENTROPY = "cross-entropy"
#: Name of an S-top-k loss -> its k in J_k(u) = max(u - k/L, 0).
TOP_K = {"S-top-k, k = 0": 0, "S-top-k, k = 1": 1}
PAPER = "S-top-k, k = 1"
PAPER_EPSILON = 0.01
#: Names of curves.
CURVES = ("train_loss", "train_accuracy", "held_out_accuracy", "test_accuracy", "test_top_5", "test_cross_entropy")

#: Name of a loss and its epsilon, which is 0 for cross-entropy.
Method: TypeAlias = tuple[str, float]


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training; see `of_training`.

    Attributes:
        loss: name of the loss.
        epsilon: epsilon of its ranks; 0 for cross-entropy.
        seed: seed of initial weights and batches.
        train_loss: the loss on a part of the training set.
        *_accuracy: share of pictures whose label has the largest logit, in a part of the training set, in the pictures
            that are held out, and in the test set.
        test_top_5: share of test pictures whose label has one of the five largest logits.
        test_cross_entropy: cross-entropy of the softmax on the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    loss: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Figure4(AbstractPictures):
    """Accuracy curves of S-top-k losses and of cross-entropy.

    Attributes:
        pictures: number of pictures of the training set that are used for training.
        held_out: number of its other pictures, with which epsilon and the length of a training are chosen.
        size: height and width of the pictures, to which blocks of pixels are averaged.
        losses: names of the S-top-k losses.
        epsilons: epsilons of the S-top-k losses.
        scored: number of training pictures over which scores are averaged.
    """

    name: ClassVar[str] = "figure4"
    title: ClassVar[str] = "Figure 4: the S-top-k loss compared with cross-entropy"
    full_time: ClassVar[str] = "80 min"
    question: ClassVar[str] = (
        "A classifier is usually trained with cross-entropy, although it is judged by its accuracy. Cuturi, Teboul and "
        "Vert (2019) train one with the S-top-k loss, a soft version of the error that the accuracy counts. It is made "
        "of soft ranks. They find accuracies that are comparable to those of training with cross-entropy. Does that "
        "hold here, and how does it depend on epsilon and on the length of the training?\n\n"
        f"{defined('epsilon', 'soft rank', 'S- and K-')}\n\n"
        "The loss: A network gives L logits, one for each class. Let F be the S-CDF of the logits at the logit of the "
        "correct class, which is about its rank divided by L. The S-top-k loss is J_k(1 - F) with J_k(u) = "
        "max(u - k/L, 0). In otsort it is `otsort.losses.top_k_error(logits, labels, k + 1)`. With exact ranks, the "
        "loss for k = 0 is zero only if the logit of the correct class is the largest. For k = 1, which the paper "
        "mostly uses, it is also zero if that logit is the second largest.\n\n"
        "Method: S-top-k losses with k = 0 and k = 1 and several epsilons are compared with cross-entropy. The network "
        "has two pairs of 3 x 3 convolutions, a 2 x 2 max-pooling after each pair, and two dense layers. Batch norm "
        "and ReLU follow each layer except the last. All losses use Adam with the same learning rate and no data "
        "augmentation. Some pictures of the training set are held out. The accuracy on them chooses the checkpoint at "
        "which each training would be stopped, and the best epsilon of each loss."
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "cifar10"
    pictures: int = 25_000
    held_out: int = 5_000
    size: int = 16
    losses: tuple[str, ...] = tuple(TOP_K)
    epsilons: tuple[float, ...] = (1e-3, PAPER_EPSILON, 0.1)
    widths: tuple[int, ...] = (16, 16, 32, 32)
    hidden: int = 128
    batch: int = 100
    checkpoints: int = 15
    stride: int = 500
    seeds: int = 6
    scored: int = 2000

    def __post_init__(self):
        if PAPER_EPSILON not in self.epsilons:
            raise ValueError(f"epsilons must hold {PAPER_EPSILON:g}")

    @classmethod
    def quick(cls) -> "Figure4":
        return cls(
            data="digits",
            pictures=1000,
            held_out=200,
            size=8,
            epsilons=(PAPER_EPSILON,),
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
        return cls(pictures=45_000, size=32, widths=(32, 32, 64, 64), hidden=512, checkpoints=30, stride=900, seeds=12)

    def methods(self) -> list[Method]:
        """Returns the names of the losses with their epsilons."""
        return [(CROSS_ENTROPY, 0.0), *((loss, epsilon) for loss in self.losses for epsilon in self.epsilons)]

    def cases(self) -> list[Training]:
        return [Training(*method, seed) for method in self.methods() for seed in range(self.seeds)]
