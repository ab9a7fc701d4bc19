"""Figure 6 of Cuturi, Teboul and Vert (2019), layers that normalise quantiles: what is asked."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase

NONE, BATCH, LAYER, QUANTILE = "no norm", "batch norm", "layer norm", "quantile normalisation"
NORMS = (NONE, BATCH, LAYER, QUANTILE)
EPSILON = 0.01
#: Names of curves.
CURVES = ("train_cross_entropy", "test_cross_entropy", "train_accuracy", "test_accuracy")


@dataclass(frozen=True)
class Training(AbstractCase):
    """One training; see `of_training`.

    Attributes:
        norm: its name.
        seed: of first weights and batches.
        train_*: cross-entropy and accuracy on a part of the pictures that are learnt.
        test_*: the same on the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    norm: str
    seed: int


@dataclass(frozen=True)
class Figure6(AbstractPictures):
    """Cross-entropy curves of one network with several norms.

    Attributes:
        pictures: of the training set, always the same, that are learnt.
        targets: m of quantile normalisation.
        scored: pictures of those learnt that scores are means over.
    """

    name: ClassVar[str] = "figure6"
    title: ClassVar[str] = "Figure 6: layers that normalise quantiles"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) put layers into a classifier that give the values of an instance the "
        "quantiles f of a learnt distribution, T_f with m = 16 targets, train it by cross-entropy, and find that it "
        "overfits less: the cross-entropy of the test set is lower. Is that so, and is it so beside other norms?\n\n"
        "Two pairs of 3 x 3 convolutions, each with a 2 x 2 max-pooling, and two dense layers; a norm and ReLU after "
        "each layer but the last; Adam, one learning rate for all, no augmentation. The norms: none; batch norm; "
        "layer norm of all values of an instance, with a scale and an offset for each channel; "
        "`otsort.nn.QuantileNormalization` of each channel of an instance, of all values of a dense layer, epsilon = "
        "0.01, after which ReLU changes nothing, as its values are positive. Few pictures are learnt, many times, so "
        "that there is something to overfit."
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "cifar10"
    pictures: int = 5_000
    targets: int = 16
    widths: tuple[int, ...] = (8, 8, 16, 16)
    hidden: int = 64
    batch: int = 100
    checkpoints: int = 10
    stride: int = 150
    scored: int = 2000

    @classmethod
    def quick(cls) -> "Figure6":
        return cls(
            data="digits",
            pictures=300,
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
        return cls(pictures=50_000, widths=(32, 32, 64, 64), hidden=512, checkpoints=100, stride=500, seeds=12)

    def cases(self) -> list[Training]:
        return [Training(norm, seed) for norm in NORMS for seed in range(self.seeds)]
