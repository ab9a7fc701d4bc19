"""The tutorial of ott.tools.soft_sort: what is asked."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase

SOFT, CROSS_ENTROPY = "soft 0/1", "cross-entropy"
NOISY, MEDIAN, SOFT_MEDIAN = "noisy", "median", "soft median"
SCORES = ("loss", "cross_entropy", "accuracy")
#: Names of curves.
CURVES = tuple(f"{use}_{score}" for use in ("train", "test") for score in SCORES)
#: What the tutorial prints, in float32: name -> numbers.
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
    """Printed numbers.

    Attributes:
        name: in `PRINTED`.
        ours: the same by otsort, in float32.
        exact: by NumPy.
    """

    part: ClassVar[str] = "examples"
    measured: ClassVar[dict] = dict.fromkeys(("ours", "exact"), list[float])

    name: str


@dataclass(frozen=True)
class Denoising(AbstractCase):
    """A photo with noise, filtered.

    Attributes:
        filter: its name.
        epsilon: of the soft median; 0 for the others.
        seed: of the noise.
        psnr: ratio of the largest signal to the noise that is left, in dB.
        seconds: of the filter, without compilation.
        picture: bytes of a part of the photo, row by row, of the first seed.
        width: of that part.
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
    """One training; see `of_training`.

    Attributes:
        loss: its name.
        seed: of first weights and batches.
        train_*: means over a part of the training set: its own loss, cross-entropy and accuracy.
        test_*: means over the test set.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = of_training(CURVES)

    loss: str
    seed: int


@dataclass(frozen=True)
class Tutorial(AbstractPictures):
    """The tutorial's numbers, its photo and its training.

    Attributes:
        noise: share of the photo's points that become black or white.
        epsilons: of the soft medians.
        size: of the filter, in points.
        noises: number of noisy photos.
        decay: of the weights, by AdamW.
        scored: pictures of the training set that scores are means over.
    """

    name: ClassVar[str] = "tutorial"
    title: ClassVar[str] = "The tutorial: soft 0/1 loss, soft median filter and printed numbers"
    question: ClassVar[str] = (
        "The tutorial of `ott.tools.soft_sort` prints numbers of soft operators, removes salt and pepper from a "
        "photo by a soft median, and says that a soft 0/1 loss is a competitive alternative to cross-entropy on "
        "MNIST. Does that hold here?\n\n"
        "*Numbers*: of x = [1, 5, 4, 8, 12] and of 1000 uniform numbers from the same seed, in float32, epsilon = "
        "0.01 unless said. *Photo*: one channel of scikit-learn's `china.jpg`; a filter takes the median of the "
        "points around each point, soft ones by `otsort.images.median_filter` on the whole photo at once. "
        "*Training*: a network of two pairs of 3 x 3 convolutions, each with a 2 x 2 max-pooling, and two dense "
        "layers, in one epoch of AdamW. The soft 0/1 loss is `10 * otsort.losses.top_k_error(logits, labels)`: "
        "how many places the soft rank of the label's logit is below the first, epsilon = 0.01."
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
    checkpoints: int = 20
    stride: int = 3
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
