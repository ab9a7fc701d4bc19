"""Epsilon schedules: what is compared."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy

# Within a solve: names of the schedules, beside those by a number.
CONSTANT, EXACT, NEWTON = "constant from zero", "constant from exact", "Newton from exact"
# Over training steps, beside the constants.
BASELINE, GEOMETRIC, COSINE, GRADIENT_NORM = "no ranks", "geometric", "cosine", "gradient norm"
#: Of the score of each task.
UNITS = {"digits": "accuracy", "diabetes": "Spearman correlation"}


@dataclass(frozen=True)
class Solve(AbstractCase):
    """One solve.

    Attributes:
        data: name of the values.
        schedule: its name.
        epsilon: of the answer.
        dtype: float32 or float64.
        steps: sweeps taken; of Newton, its steps.
        marginal_error: that it reached.
        tol: the marginal error that it had to reach, raised to what the dtype can.
        seconds: of the solve, without compilation.
    """

    part: ClassVar[str] = "solve"
    measured: ClassVar[dict] = {
        "steps": int,
        **dict.fromkeys(("marginal_error", "tol", "seconds"), float),
    }

    data: str
    schedule: str
    epsilon: float
    dtype: str


@dataclass(frozen=True)
class Training(AbstractCase):
    """One training in float32; what changes with its steps is a list, an entry for each checkpoint.

    Attributes:
        task: its name.
        schedule: its name.
        rate: learning rate.
        seed: of split, initial weights and batches.
        epsilon: of the last training step.
        gradient_norm: its mean over the training steps since the last checkpoint.
        validation, test: scores, larger is better.
        seconds: of the whole training.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = {
        **dict.fromkeys(("epsilon", "gradient_norm", "validation", "test"), list[float]),
        "seconds": float,
    }

    task: str
    schedule: str
    rate: float
    seed: int


@dataclass(frozen=True)
class Schedules(AbstractStudy):
    """Epsilon within a solve, and over training steps.

    Attributes:
        data: names of values.
        n: how many of each, and targets.
        epsilons: of the answers.
        dtypes: of the solves.
        tol: marginal error to reach.
        max_steps: at most so many sweeps.
        decays: factors a sweep of geometric annealing from 1.
        thresholds: marginal errors at which adaptive annealing lowers epsilon.
        factor: by which it does.
        tasks: names.
        constants: constant epsilons of a training.
        highest, lowest: where the other schedules begin and end.
        share, window: of the adaptive one, see `TrainingSchedule`; it falls by the factor as well.
        rates: learning rates to choose from by the validation score.
        seeds: number of trainings of each kind.
        steps: of a training.
        checkpoints: of a training, after equally many steps each.
        batch: digits or patients in a step.
    """

    name: ClassVar[str] = "schedules"
    title: ClassVar[str] = "Epsilon schedules: within a solve, and over training steps"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) call varying epsilon an important direction. Does it pay?\n\n"
        "*Within a solve.* Sweeps of `LogSinkhorn` and time to a marginal error, n values on n uniform targets. "
        "Epsilon is constant from the zero potential; geometric, falling from 1 by a factor a sweep; adaptive, falling "
        "by a factor whenever the marginal error at the present epsilon is below a threshold; constant from the exact "
        "one-dimensional potentials, the library's default start; adaptive from these and ten times epsilon. Newton is "
        "beside them.\n\n"
        "*Over training steps.* Adam in float32. Digits: a network with 64 hidden units learns the soft 0/1 loss, "
        "number of classes minus the soft rank of the true logit; the score is the accuracy. Diabetes: a linear "
        "predictor learns 1 minus the correlation of its soft ranks with the ranks of the target; the score is "
        "Spearman's correlation. Half of the data train, a fifth validate, the rest test; the seed sets split, initial "
        "weights and batches. Learning rate and number of steps of each schedule, and the winner, have the best "
        "mean validation score; scores are those of the test data. The baseline has no ranks: cross-entropy, and "
        "squared error."
    )
    dtype: ClassVar[str] = "float64 and float32, see the rows"
    parts: ClassVar[tuple] = (Solve, Training)

    data: tuple[str, ...] = ("diabetes s2", "digits ink", "normal", "two clusters")
    n: int = 200
    epsilons: tuple[float, ...] = (1e-1, 1e-2, 1e-3)
    dtypes: tuple[str, ...] = ("float64", "float32")
    tol: float = 1e-6
    max_steps: int = 10_000
    decays: tuple[float, ...] = (0.5, 0.9, 0.95, 0.99)
    thresholds: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    factor: float = 0.5
    tasks: tuple[str, ...] = ("digits", "diabetes")
    constants: tuple[float, ...] = (10.0, 1.0, 0.1, 0.01, 0.001)
    highest: float = 1.0
    lowest: float = 0.01
    share: float = 0.7
    window: int = 20
    rates: tuple[float, ...] = (3e-3, 1e-2, 3e-2)
    seeds: int = 10
    steps: int = 320
    checkpoints: int = 8
    batch: int = 64

    @classmethod
    def quick(cls) -> "Schedules":
        return cls(
            data=("diabetes s2", "normal"),
            n=100,
            epsilons=(1e-1, 1e-2),
            dtypes=("float64",),
            decays=(0.5, 0.95),
            thresholds=(1e-3,),
            constants=(1.0, 0.01),
            rates=(1e-2,),
            seeds=2,
            steps=120,
            checkpoints=3,
            batch=32,
        )

    @property
    def stride(self) -> int:
        """Training steps between two checkpoints."""
        return self.steps // self.checkpoints

    @property
    def geometric(self) -> list[str]:
        """Names of the annealings by a factor a sweep."""
        return [f"geometric {decay:g}" for decay in self.decays]

    @property
    def adaptive(self) -> list[str]:
        """Names of the annealings by the marginal error, from the zero potential."""
        return [f"adaptive {threshold:g}" for threshold in self.thresholds]

    @property
    def adaptive_from_exact(self) -> list[str]:
        """Names of the same from the exact potentials."""
        return [f"{name} from exact" for name in self.adaptive]

    @property
    def constant(self) -> list[str]:
        """Names of the trainings at one epsilon."""
        return [f"constant {epsilon:g}" for epsilon in self.constants]

    def solve_schedules(self) -> list[str]:
        """Names of what is compared within a solve."""
        return [CONSTANT, *self.geometric, *self.adaptive, EXACT, *self.adaptive_from_exact, NEWTON]

    def training_schedules(self) -> list[str]:
        """Names of what is compared over training steps."""
        return [BASELINE, *self.constant, GEOMETRIC, COSINE, GRADIENT_NORM]

    def cases(self) -> list[Solve | Training]:
        solves = [
            Solve(data, schedule, epsilon, dtype)
            for dtype in self.dtypes
            for data in self.data
            for epsilon in self.epsilons
            for schedule in self.solve_schedules()
        ]
        trainings = [
            Training(task, schedule, rate, seed)
            for task in self.tasks
            for schedule in self.training_schedules()
            for rate in self.rates
            for seed in range(self.seeds)
        ]
        return [*solves, *trainings]
