"""Defines the study of Figure 5 of Cuturi, Teboul and Vert (2019), sorting numbers from pictures of digits."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.learning.study import AbstractPictures, of_training
from ..common.study import AbstractCase
from ..common.terms import defined

SORT, SPARSE_SORT, NEURAL_SORT = "S-sort", "sparse sort", "NeuralSort"
RANKS, STRAIGHT_THROUGH = "S-ranks", "straight-through"
PAPER_EPSILON = 0.05
#: Names of curves.
CURVES = ("loss", "test_loss", "test_all", "test_each")


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training; see `of_training`.

    Attributes:
        method: name of the method.
        setting: epsilon, or the temperature of NeuralSort; 0 stands for the epsilon from `suggest_epsilon`.
        seed: seed of initial weights and lists.
        epsilon: epsilon or temperature that was used.
        loss: mean training loss since the last checkpoint.
        test_loss: loss on the test lists.
        test_all: share of the test lists that are completely sorted.
        test_each: share of the positions that hold the right number.
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
        size: height and width of a digit, to which blocks of pixels are averaged.
        length: number of numbers in a list.
        digits: number of digits of a number.
        epsilons: epsilons of S-sort.
        sparse_epsilons: epsilons of sparse sort.
        neighbours: number of neighbours for which `suggest_epsilon` gives one more epsilon.
        temperatures: temperatures of NeuralSort.
        kernel: height and width of a convolution.
        tests: number of test lists, which are always the same.
        rate: learning rate of Adam at the first step. It falls to 0 at the last step by a cosine.
    """

    name: ClassVar[str] = "figure5"
    title: ClassVar[str] = "Figure 5: learning to sort numbers from pictures of their digits"
    full_time: ClassVar[str] = "1 h"
    question: ClassVar[str] = (
        "Can a network learn to sort numbers that it only sees as pictures? In this task of Grover et al. (2019), a "
        "number is a picture of four MNIST digits side by side. The network gives a score to each number of a list. "
        "During training, only the order of the numbers is known. Cuturi, Teboul and Vert (2019) find that their "
        "method S-sort with epsilon = 0.05 is on par with NeuralSort, and that tuning epsilon matters. Does that hold "
        "here, and how much does epsilon matter?\n\n"
        f"{defined('epsilon', 'list', 'soft rank', 'S- and K-')}\n\n"
        "Method: New lists are drawn at each step. One network scores all numbers. It has two convolutions, a 2 x 2 "
        "max-pooling after each, and two dense layers. Two results are measured on test lists: the share of lists that "
        "are completely sorted, and the share of positions that hold the right number. The methods minimise these "
        "losses. In the formula of NeuralSort, s_j are the n scores of a list, and d_j is the sum of the distances of "
        "score j from all scores. The learning rate of Adam falls to 0 by a cosine. Its first value is the better one "
        "of two in a training with NeuralSort, which may favour this method.\n\n"
        "| method | loss |\n"
        "|---|---|\n"
        "| S-sort | cross-entropy between the rows of `otsort.permutation` and the true permutation |\n"
        "| sparse sort | the same with quadratic regularisation (`SparseNewton`), whose permutations have exact zeros; "
        "1e-20 is added before the logarithm, as in NeuralSort |\n"
        "| NeuralSort | cross-entropy between the matrix with the rows softmax_j(((2 i - n - 1) s_j - d_j) / "
        "temperature), the smallest score first, and the true permutation |\n"
        "| S-ranks | squared distance between `otsort.rank` and the true ranks |\n"
        "| straight-through | squared distance between exact ranks and the true ranks, with the derivative of "
        "S-ranks |"
    )
    parts: ClassVar[tuple] = (Training,)

    data: str = "mnist"
    size: int = 14
    length: int = 5
    digits: int = 4
    epsilons: tuple[float, ...] = (0.01, PAPER_EPSILON, 0.2, 1.0)
    sparse_epsilons: tuple[float, ...] = (PAPER_EPSILON, 1.0)
    neighbours: int = 2
    temperatures: tuple[float, ...] = (1.0, 5.0)
    widths: tuple[int, ...] = (16, 32)
    hidden: int = 64
    kernel: int = 3
    batch: int = 20
    checkpoints: int = 10
    stride: int = 600
    rate: float = 3e-3
    seeds: int = 5
    tests: int = 2000

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
            sparse_epsilons=(PAPER_EPSILON,),
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
        return cls(
            size=28,
            widths=(32, 64),
            kernel=5,
            batch=100,
            rate=1e-4,
            checkpoints=100,
            stride=600,
            tests=2000,
            seeds=12,
        )

    def methods(self) -> list[tuple[str, float]]:
        """Returns the names of the methods with their settings."""
        return [
            *((SORT, epsilon) for epsilon in self.epsilons),
            (SORT, 0.0),
            *((SPARSE_SORT, epsilon) for epsilon in self.sparse_epsilons),
            *((NEURAL_SORT, temperature) for temperature in self.temperatures),
            (RANKS, PAPER_EPSILON),
            (STRAIGHT_THROUGH, PAPER_EPSILON),
        ]

    def cases(self) -> list[Training]:
        return [Training(*method, seed) for method in self.methods() for seed in range(self.seeds)]
