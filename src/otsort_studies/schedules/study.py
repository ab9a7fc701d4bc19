"""Defines the study of epsilon schedules."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

# Within a solve: names of the schedules without a number.
CONSTANT, EXACT, NEWTON = "constant from zero", "constant from exact", "Newton from exact"
# Over training steps: names of the schedules without a number.
BASELINE, GEOMETRIC, COSINE, GRADIENT_NORM = "no ranks", "geometric", "cosine", "gradient norm"
#: Name of a task -> name of its score.
UNITS = {"digits": "accuracy", "diabetes": "Spearman correlation"}


@dataclass(frozen=True)
class Solve(AbstractCase):
    """A row: one solve.

    Attributes:
        data: name of the values.
        schedule: name of the schedule.
        epsilon: final epsilon.
        dtype: float32 or float64.
        steps: number of sweeps; for Newton, number of steps.
        marginal_error: marginal error that was reached.
        tol: tolerance for the marginal error, raised to what the dtype can reach.
        seconds: time of the solve, without compilation.
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
    """A row: one training in float32. Measurements that change with the steps have an entry for each checkpoint.

    Attributes:
        task: name of the task.
        schedule: name of the schedule.
        rate: learning rate.
        seed: seed of split, initial weights and batches.
        epsilon: epsilon of the last training step.
        gradient_norm: mean norm of the gradient over the training steps since the last checkpoint.
        validation, test: scores; larger is better.
        seconds: time of the whole training.
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
    """Schedules of epsilon within a solve and over training steps.

    Attributes:
        data: names of the lists of values.
        n: number of values of each list, and of target points.
        epsilons: final epsilons.
        dtypes: dtypes of the solves.
        tol: tolerance for the marginal error.
        max_steps: largest number of sweeps.
        decays: factors by which epsilon falls in each sweep, from 1 on (geometric schedules).
        thresholds: marginal errors below which epsilon is lowered (adaptive schedules).
        factor: factor by which adaptive schedules lower epsilon.
        tasks: names of the tasks.
        constants: constant epsilons of a training.
        highest, lowest: first and last epsilon of the other schedules of a training.
        share, window: options of the schedule *gradient norm*, see `TrainingSchedule`; it also uses `factor`.
        rates: learning rates, of which the validation score chooses one.
        seeds: number of trainings of each kind.
        steps: number of steps of a training.
        checkpoints: number of equally spaced checkpoints of a training.
        batch: number of digits or patients in a step.
    """

    name: ClassVar[str] = "schedules"
    title: ClassVar[str] = "Epsilon schedules within a solve and during training"
    full_time: ClassVar[str] = "2 min"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) call varying epsilon an important direction. Does it help to vary epsilon "
        "within one solve, or over the steps of a training?\n\n"
        f"{defined('epsilon', 'soft rank', 'target points', 'squash', 'potential', 'marginal error', 'sweep')}\n\n"
        "Method within a solve: `LogSinkhorn` runs until it reaches a marginal error, for n values and n uniform "
        "target points. The study counts the sweeps and measures the time. The number in the name of a schedule is its "
        "factor or threshold:\n\n"
        "| schedule | epsilon | start |\n"
        "|---|---|---|\n"
        "| constant from zero | constant | zero potential |\n"
        "| geometric | falls from 1 by the same factor in each sweep | zero potential |\n"
        "| adaptive | falls from 1 by a factor whenever the marginal error is below a threshold | zero potential |\n"
        "| constant from exact | constant | exact potential at epsilon = 0, the default of otsort |\n"
        "| adaptive from exact | as adaptive, from ten times the final epsilon | exact potential |\n"
        "| Newton from exact | constant; Newton's method, for comparison | exact potential |\n\n"
        "Method during training: Two models are trained by Adam in float32.\n\n"
        "- *digits*: A network with 64 hidden units minimises the soft 0/1 loss, which is the number of classes minus "
        "the soft rank of the correct class's logit. The score is the accuracy.\n"
        "- *diabetes*: A linear model minimises 1 minus the correlation of its soft ranks with the ranks of the target "
        "variable. The score is Spearman's correlation.\n\n"
        "Epsilon is constant, or falls from its highest to its lowest value along a geometric or a cosine curve, or "
        "falls by the factor whenever the running mean of the norm of the gradient is below a share of its largest "
        "value since the last change (*gradient norm*). The configuration at the end gives these numbers. The baseline "
        "*no ranks* uses cross-entropy for digits and squared error for diabetes. Half of the data is used for "
        "training, a fifth for validation, and the rest for testing. The seed determines the split, the initial "
        "weights and the batches. For each schedule, the learning rate and the number of steps with the best mean "
        "validation score are chosen. Scores are those of the test data."
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
        """Returns the number of training steps between two checkpoints."""
        return self.steps // self.checkpoints

    @property
    def geometric(self) -> list[str]:
        """Returns the names of the geometric schedules."""
        return [f"geometric {decay:g}" for decay in self.decays]

    @property
    def adaptive(self) -> list[str]:
        """Returns the names of the adaptive schedules from the zero potential."""
        return [f"adaptive {threshold:g}" for threshold in self.thresholds]

    @property
    def adaptive_from_exact(self) -> list[str]:
        """Returns the names of the adaptive schedules from the exact potential."""
        return [f"{name} from exact" for name in self.adaptive]

    @property
    def constant(self) -> list[str]:
        """Returns the names of the schedules with a constant epsilon in a training."""
        return [f"constant {epsilon:g}" for epsilon in self.constants]

    def solve_schedules(self) -> list[str]:
        """Returns the names of all schedules within a solve."""
        return [CONSTANT, *self.geometric, *self.adaptive, EXACT, *self.adaptive_from_exact, NEWTON]

    def training_schedules(self) -> list[str]:
        """Returns the names of all schedules over training steps."""
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
