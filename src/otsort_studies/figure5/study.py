"""Figure 5 of Cuturi, Teboul and Vert (2019), sorting numbers made of digits: what is asked."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase

SORT, NEURAL_SORT, RANKS, STRAIGHT_THROUGH = "S-sort", "NeuralSort", "S-ranks", "straight-through"
PAPER_EPSILON = 0.05
#: Names of curves.
CURVES = ("loss", "test_loss", "test_all", "test_each")


@dataclass(frozen=True)
class Training(AbstractCase):
    """One training; see `of_training`.

    Attributes:
        method: its name.
        setting: epsilon, or the temperature of NeuralSort; 0 for the epsilon that `suggest_epsilon` gives.
        seed: of first weights and lists.
        epsilon: that was used, or the temperature.
        loss: mean since the last checkpoint.
        test_loss: the same on test lists.
        test_all: share of the test lists that are sorted.
        test_each: share of the places with the right number.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = {**of_training(CURVES), "epsilon": float}

    method: str
    setting: float
    seed: int


@dataclass(frozen=True)
class Figure5(AbstractPictures):
    """Accuracy curves of methods that learn to sort.

    Attributes:
        length: numbers in a list.
        digits: of a number.
        epsilons: of S-sort.
        neighbours: that `suggest_epsilon` gives another epsilon for.
        temperatures: of NeuralSort.
        kernel: height and width of a convolution.
        tests: test lists, always the same.
    """

    name: ClassVar[str] = "figure5"
    title: ClassVar[str] = "Figure 5: learning to sort numbers from pictures of their digits"
    question: ClassVar[str] = (
        "The task of Grover et al. (2019): a network sees the numbers of a list, each as four MNIST digits side by "
        "side, and gives each a score; only the order of the numbers is known. Cuturi, Teboul and Vert (2019) find "
        "S-sort (epsilon = 0.05) on par with NeuralSort, and that tuning epsilon matters. How much?\n\n"
        "| method | what is minimised, of the scores of a list |\n"
        "|---|---|\n"
        "| S-sort | cross-entropy of the rows of `otsort.permutation` with the true permutation |\n"
        "| NeuralSort | the same of softmax(((n + 1 - 2 i) s - A 1) / temperature), A the distances between scores |\n"
        "| S-ranks | squared distance of `otsort.rank` from the true ranks |\n"
        "| straight-through | the same with exact ranks, and the derivative of the S-ranks |\n\n"
        "Lists are drawn anew at each step. One network scores all numbers: two convolutions, a 2 x 2 max-pooling "
        "after each, and two dense layers. Scores: how many test lists are sorted, and how many places hold the "
        "right number."
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "mnist"
    length: int = 5
    digits: int = 4
    epsilons: tuple[float, ...] = (0.01, PAPER_EPSILON, 0.2, 1.0)
    neighbours: int = 2
    temperatures: tuple[float, ...] = (1.0, 5.0)
    widths: tuple[int, ...] = (16, 32)
    hidden: int = 64
    kernel: int = 3
    batch: int = 20
    checkpoints: int = 10
    stride: int = 300
    tests: int = 500

    def __post_init__(self):
        if PAPER_EPSILON not in self.epsilons:
            raise ValueError(f"epsilons must hold {PAPER_EPSILON:g}")

    @classmethod
    def quick(cls) -> "Figure5":
        return cls(
            data="mnist 5000",
            length=3,
            digits=1,
            epsilons=(0.01, PAPER_EPSILON),
            temperatures=(1.0,),
            widths=(8, 16),
            hidden=32,
            checkpoints=4,
            stride=40,
            tests=100,
            seeds=2,
        )

    @classmethod
    def paper(cls) -> "Figure5":
        return cls(widths=(32, 64), kernel=5, batch=100, rate=1e-4, checkpoints=100, stride=600, tests=2000, seeds=12)

    def methods(self) -> list[tuple[str, float]]:
        """Names with their setting."""
        return [
            *((SORT, epsilon) for epsilon in self.epsilons),
            (SORT, 0.0),
            *((NEURAL_SORT, temperature) for temperature in self.temperatures),
            (RANKS, PAPER_EPSILON),
            (STRAIGHT_THROUGH, PAPER_EPSILON),
        ]

    def cases(self) -> list[Training]:
        return [Training(*method, seed) for method in self.methods() for seed in range(self.seeds)]
