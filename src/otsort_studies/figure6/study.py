"""Defines the study of Figure 6 of Cuturi, Teboul and Vert (2019), layers that normalise quantiles."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

NONE, BATCH, LAYER, QUANTILE = "no norm", "batch norm", "layer norm", "quantile normalisation"
NORMS = (NONE, BATCH, LAYER, QUANTILE)
EPSILON = 0.01
#: Names of curves.
CURVES = ("train_cross_entropy", "test_cross_entropy", "train_accuracy", "test_accuracy")


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training; see `of_training`.

    Attributes:
        norm: name of the norm.
        seed: seed of initial weights and batches.
        train_*: cross-entropy and accuracy on a part of the training pictures.
        test_*: cross-entropy and accuracy on the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    norm: str
    seed: int


@dataclass(frozen=True)
class Figure6(AbstractPictures):
    """Cross-entropy curves of one network with several norms.

    Attributes:
        pictures: number of pictures of the training set that are used, always the same.
        size: height and width of the pictures, to which blocks of pixels are averaged.
        targets: number m of target points of quantile normalisation.
        scored: number of training pictures over which scores are averaged.
    """

    name: ClassVar[str] = "figure6"
    title: ClassVar[str] = "Figure 6: quantile normalisation and overfitting"
    full_time: ClassVar[str] = "30 min"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) add layers to a classifier that give the values of an example the quantiles f "
        "of a learnt distribution (T_f with m = 16 target points). They train it with cross-entropy and find that it "
        "overfits less: the cross-entropy on the test set is lower. Does that hold here, and how do other "
        "normalisations compare?\n\n"
        f"{defined('epsilon', 'target points')}\n\n"
        "Method: The network has two pairs of 3 x 3 convolutions, a 2 x 2 max-pooling after each pair, and two dense "
        "layers. A norm and ReLU follow each layer except the last. All networks use Adam with the same learning rate "
        "and no data augmentation. The training set is small and is used many times, so that networks overfit. These "
        "norms are compared:\n\n"
        "- *no norm*;\n"
        "- *batch norm*;\n"
        "- *layer norm* over all values of an example, with a scale and an offset for each channel;\n"
        "- *quantile normalisation*: `otsort.nn.QuantileNormalization` with epsilon = 0.01, over each channel of an "
        "example, or over all values of a dense layer. Its results are positive, so the ReLU after it changes nothing."
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "cifar10"
    pictures: int = 5_000
    size: int = 16
    targets: int = 16
    widths: tuple[int, ...] = (8, 8, 16, 16)
    hidden: int = 64
    batch: int = 100
    checkpoints: int = 15
    stride: int = 150
    scored: int = 2000

    @classmethod
    def quick(cls) -> "Figure6":
        return cls(
            data="digits",
            pictures=300,
            size=8,
            widths=(4, 4, 8, 8),
            hidden=16,
            batch=50,
            rate=3e-3,
            checkpoints=5,
            stride=24,
            scored=300,
            seeds=2,
        )

    @classmethod
    def paper(cls) -> "Figure6":
        return cls(pictures=50_000, size=32, widths=(32, 32, 64, 64), hidden=512, checkpoints=100, stride=500, seeds=12)

    def cases(self) -> list[Training]:
        return [Training(norm, seed) for norm in NORMS for seed in range(self.seeds)]
