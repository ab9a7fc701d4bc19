"""Defines the study that compares quadratic with entropic regularisation."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

ENTROPIC, QUADRATIC = "entropic", "quadratic"
REGULARISATIONS = (ENTROPIC, QUADRATIC)
# Further gates: an exact mask, exact masks with the derivative of a soft mask, and a router with its initial weights.
EXACT, ENTROPIC_THROUGH, QUADRATIC_THROUGH = "exact", "entropic, straight-through", "quadratic, straight-through"
FROZEN = "frozen"
SOFT_GATES = (*REGULARISATIONS, ENTROPIC_THROUGH, QUADRATIC_THROUGH)
#: Name of a task -> name of its score.
SCORES = {
    "digits": "accuracy",
    "spearman": "Spearman correlation",
    "top 2": "share of digits among the two likeliest",
    "key": "Spearman correlation",
}
MIXTURES = {"curve": "R²", "digits": "accuracy"}


@dataclass(frozen=True)
class Plan(AbstractCase):
    """A row: one plan of n values and n uniform target points in float64, and its ranks.

    Attributes:
        data: name of the values.
        n: number of values.
        regularisation: name of the regularisation.
        epsilon: strength of the regularisation.
        steps: number of steps of Newton's method.
        marginal_error: marginal error of the plan.
        tol: tolerance for the marginal error.
        support: share of the entries of the plan that are above zero.
        places: effective number of target points over which the mass of a value is spread. It is 1 / sum_j q_j^2 for
            the shares q_j of the value at the target points; mean over the values.
        gradient_support: share of the derivatives of all ranks with respect to all squashed values that are above
            rounding, 1e-9 of the largest.
        rank_error: largest difference from the exact ranks, divided by n.
        seconds: time of the solve, without compilation.
    """

    part: ClassVar[str] = "plan"
    measured: ClassVar[dict] = {
        "steps": int,
        **dict.fromkeys(("marginal_error", "tol", "support", "places"), float),
        **dict.fromkeys(("gradient_support", "rank_error", "seconds"), float),
    }

    data: str
    n: int
    regularisation: str
    epsilon: float


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: one training in float32 through an operator.

    Attributes:
        task: name of the task.
        regularisation: name of the regularisation of the operator.
        epsilon: strength of the regularisation.
        seed: seed of split, initial weights and batches.
        validation, test: scores; larger is better.
        seconds: time of the training, including compilation.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = dict.fromkeys(("validation", "test", "seconds"), float)

    task: str
    regularisation: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Gate(AbstractCase):
    """A row: one mixture of linear experts, trained in float32.

    Attributes:
        task: name of the task.
        gate: name of the gate.
        epsilon: epsilon of the gate; 0 if it has none.
        seed: seed of split, initial weights and batches.
        validation, test: scores; larger is better.
        zero_weights: share of the weights of the gate that are exactly zero, on the test data.
        used: number of experts that get more than half of the weight of some test example.
        seconds: time of the training, including compilation.
    """

    part: ClassVar[str] = "gate"
    measured: ClassVar[dict] = dict.fromkeys(("validation", "test", "zero_weights", "used", "seconds"), float)

    task: str
    gate: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Regularisations(AbstractStudy):
    """Plans with exact zeros compared with dense plans.

    Attributes:
        data: names of the lists of values.
        sizes: numbers of values.
        epsilons: epsilons of the plans.
        tasks: names of the tasks that are trained through an operator.
        learning_epsilons: epsilons of trainings and gates.
        mixtures: names of the tasks of mixtures of experts.
        experts: number of experts of a mixture.
        seeds: number of trainings of each kind.
        steps: number of steps of Adam.
        rate: learning rate of Adam.
        batch: number of rows of the data in a step.
        length: number of values of a list that a key sorts.
    """

    name: ClassVar[str] = "regularisations"
    title: ClassVar[str] = "Entropic and quadratic regularisation: dense plans or exact zeros"
    full_time: ClassVar[str] = "12 min"
    question: ClassVar[str] = (
        "The solver `Newton` uses entropic regularisation. Without rounding, all entries of its transport plans are "
        "positive. `SparseNewton` uses quadratic regularisation, and its plans have exact zeros. How many zeros are "
        "there, how much time do they cost, and do models learn better or worse with them?\n\n"
        f"{defined('epsilon', 'list', 'soft rank', 'squash', 'target points', 'transport plan')}\n"
        "- *spread* of a value: the effective number of target points that it is moved to. It is 1 / sum q² for the "
        "shares q of the value at the target points. At the same epsilon, the two regularisations give different "
        "spreads.\n\n"
        "Method for plans: Ranks of n values are computed in float64 by `Newton` (entropic) and `SparseNewton` "
        "(quadratic). The *rank error* is the largest difference from the exact ranks. The *steps* are those of the "
        "solver, which takes none if its start is good enough.\n\n"
        "Method for trainings: Four tasks are trained by Adam in float32. Half of the data is used for training, a "
        "fifth for validation, and the rest for testing.\n\n"
        "- *digits*: A network with 64 hidden units minimises `otsort.losses.top_k_error`.\n"
        "- *spearman*: A linear model of the progress of diabetes minimises 1 minus the correlation of its soft ranks "
        "with the ranks of the target variable.\n"
        "- *top 2*: Linear scores of the ten digits maximise the logarithm of the soft mask of the two largest scores "
        "at the correct digit, cut off at 1e-6.\n"
        "- *key*: A linear model learns a number for each patient, the key. The progress of diabetes, softly sorted by "
        "the key in lists of patients, should be near the exactly sorted progress.\n\n"
        "Method for gates: A mixture of linear experts has a gate `otsort.nn.TopKGate`, which chooses one expert for a "
        "point of a curve (*curve*), or two experts for a digit (*digits*). The weights of the gate come from its "
        "router. *Straight-through* gates have an exact mask with the derivative of a soft mask. The gate *frozen* has "
        "an exact mask and keeps the initial weights of its router. A mixture is *better than frozen* if its test "
        "score is larger than that of the same mixture with the frozen gate. By chance, this would be so for half of "
        "them. An exact gate with one expert gives it the weight 1, so its router has no gradient.\n\n"
        "For each regularisation and gate, the epsilon with the best mean validation score over the seeds is chosen. "
        "Scores are those of the test data."
    )
    dtype: ClassVar[str] = "plans in float64, trainings in float32"
    parts: ClassVar[tuple] = (Plan, Training, Gate)

    data: tuple[str, ...] = ("normal", "two clusters", "diabetes s2")
    sizes: tuple[int, ...] = (20, 100, 400)
    epsilons: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    tasks: tuple[str, ...] = tuple(SCORES)
    learning_epsilons: tuple[float, ...] = (1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 10.0)
    mixtures: tuple[str, ...] = tuple(MIXTURES)
    experts: int = 6
    seeds: int = 12
    steps: int = 500
    rate: float = 0.03
    batch: int = 64
    length: int = 16

    @classmethod
    def quick(cls) -> "Regularisations":
        return cls(
            data=("normal",),
            sizes=(20,),
            epsilons=(1e-1,),
            tasks=("top 2",),
            learning_epsilons=(1e-1,),
            mixtures=("curve",),
            seeds=2,
            steps=60,
        )

    def cases(self) -> list[AbstractCase]:
        plans = [
            Plan(data, n, regularisation, epsilon)
            for n in self.sizes
            for data in self.data
            for epsilon in self.epsilons
            for regularisation in REGULARISATIONS
        ]
        trainings = [
            Training(task, regularisation, epsilon, seed)
            for task in self.tasks
            for regularisation in REGULARISATIONS
            for epsilon in self.learning_epsilons
            for seed in range(self.seeds)
        ]
        gates = [
            Gate(task, gate, epsilon, seed)
            for task in self.mixtures
            for gate in (FROZEN, EXACT, *SOFT_GATES)
            for epsilon in (self.learning_epsilons if gate in SOFT_GATES else (0.0,))
            for seed in range(self.seeds)
        ]
        return [*plans, *trainings, *gates]
