"""Defines the study of the tutorial of ott.tools.soft_sort."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

SOFT, CROSS_ENTROPY = "soft 0/1", "cross-entropy"
NOISY, MEDIAN, SOFT_MEDIAN = "noisy", "median", "soft median"
SCORES = ("loss", "cross_entropy", "accuracy")
#: Names of curves.
CURVES = tuple(f"{use}_{score}" for use in ("train", "test") for score in SCORES)
#: Name -> numbers that the tutorial prints, in float32.
PRINTED: dict[str, tuple[float, ...]] = {
    "sort": (1.0504104, 4.1228743, 4.8620267, 8.006994, 11.957704),
    "sort, epsilon = 0.0001": (0.9983629, 3.994969, 5.006686, 8.010008, 11.989864),
    "sort, epsilon = 0.1": (2.5705485, 3.733634, 5.462019, 8.000692, 10.233107),
    "ranks from 0": (0.01550213, 1.8387042, 1.148726, 2.9977007, 3.9927652),
    "median": (4.995721,),
    "top 5 of 1000": (0.9506124, 0.97415835, 0.9832732, 0.98791456, 0.9905736),
}


@dataclass(frozen=True)
class Example(AbstractCase):
    """A row: numbers that the tutorial prints.

    Attributes:
        name: name in `PRINTED`.
        ours: results of otsort, in float32.
        exact: results of NumPy.
    """

    part: ClassVar[str] = "examples"
    measured: ClassVar[dict] = dict.fromkeys(("ours", "exact"), list[float])

    name: str


@dataclass(frozen=True)
class Denoising(AbstractCase):
    """A row: a noisy photo that was filtered.

    Attributes:
        filter: name of the filter.
        epsilon: epsilon of the soft median; 0 for the other filters.
        seed: seed of the noise.
        psnr: peak signal-to-noise ratio of the filtered photo, in dB.
        seconds: time of the filter, without compilation.
        picture: bytes of a part of the photo, row by row; only for the first seed.
        width: width of that part.
    """

    part: ClassVar[str] = "denoising"
    measured: ClassVar[dict] = {
        **dict.fromkeys(("psnr", "seconds"), float),
        "picture": list[int],
        "width": int,
    }

    filter: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training; see `of_training`.

    Attributes:
        loss: name of the loss.
        seed: seed of initial weights and batches.
        train_*: means of loss, cross-entropy and accuracy over a part of the training set.
        test_*: means of loss, cross-entropy and accuracy over the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    loss: str
    seed: int


@dataclass(frozen=True)
class Tutorial(AbstractPictures):
    """The printed numbers, the photo and the training of the tutorial.

    Attributes:
        noise: share of the pixels of the photo that become black or white.
        epsilons: epsilons of the soft medians.
        size: height and width of the filter in pixels.
        noises: number of noisy photos.
        decay: weight decay of AdamW.
        scored: number of training pictures over which scores are averaged.
    """

    name: ClassVar[str] = "tutorial"
    title: ClassVar[str] = "The tutorial of ott.tools.soft_sort: soft 0/1 loss, soft median filter, printed numbers"
    full_time: ClassVar[str] = "30 min"
    question: ClassVar[str] = (
        "The tutorial of `ott.tools.soft_sort` (package ott-jax) does three things. It trains a classifier with a soft "
        "0/1 loss and calls this loss a competitive alternative to cross-entropy on MNIST. It removes noise from a "
        "photo with a soft median filter. And it prints results of soft operators. Does all of this hold with otsort?"
        "\n\n"
        f"{defined('epsilon', 'soft rank', 'sweep')}\n\n"
        "Method:\n\n"
        "- *Training*: The network has two pairs of 3 x 3 convolutions, a 2 x 2 max-pooling after each pair, and two "
        "dense layers. It is trained for one epoch with AdamW. The soft 0/1 loss is "
        "`10 * otsort.losses.top_k_error(logits, labels)` with epsilon = 0.01. It is the number of places between the "
        "soft rank of the correct class's logit and the first place.\n"
        "- *Photo*: The photo is one channel of scikit-learn's `china.jpg` with salt-and-pepper noise. A median filter "
        "replaces each pixel by the median of the pixels around it. `otsort.images.median_filter` computes soft "
        "medians of the whole photo at once.\n"
        "- *Printed numbers*: The operators are applied to x = [1, 5, 4, 8, 12], and to 1000 uniform random numbers "
        "from the seed of the tutorial, in float32 and with epsilon = 0.01 unless stated otherwise."
    )
    parts: ClassVar[tuple] = (Example, Denoising, Training)

    noise: float = 0.1
    epsilons: tuple[float, ...] = (0.01, 1.0)
    size: int = 3
    noises: int = 3
    data: str = "mnist"
    widths: tuple[int, ...] = (32, 32, 64, 64)
    hidden: int = 512
    batch: int = 1000
    rate: float = 5e-4
    decay: float = 1e-4
    checkpoints: int = 6
    stride: int = 10
    scored: int = 5000

    @classmethod
    def quick(cls) -> "Tutorial":
        return cls(
            noises=1,
            data="mnist 5000",
            widths=(8, 8, 16, 16),
            hidden=64,
            batch=50,
            rate=2e-3,
            checkpoints=5,
            stride=16,
            scored=1000,
            seeds=2,
        )

    @classmethod
    def paper(cls) -> "Tutorial":
        return cls(checkpoints=60, stride=1, seeds=12)

    def cases(self) -> list[Example | Denoising | Training]:
        filters = [(NOISY, 0.0), (MEDIAN, 0.0), *((SOFT_MEDIAN, epsilon) for epsilon in self.epsilons)]
        return [
            *map(Example, PRINTED),
            *(Denoising(name, epsilon, seed) for seed in range(self.noises) for name, epsilon in filters),
            *(Training(loss, seed) for loss in (SOFT, CROSS_ENTROPY) for seed in range(self.seeds)),
        ]
