"""The study of quadratic beside entropic regularisation."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy

ENTROPIC, QUADRATIC = "entropic", "quadratic"
REGULARISATIONS = (ENTROPIC, QUADRATIC)
# Of a gate, beside the two: an exact mask, one with the derivative of a soft mask, and a router that stays as it began.
EXACT, ENTROPIC_THROUGH, QUADRATIC_THROUGH = "exact", "entropic, straight-through", "quadratic, straight-through"
FROZEN = "frozen"
SOFT_GATES = (*REGULARISATIONS, ENTROPIC_THROUGH, QUADRATIC_THROUGH)
#: Of what is learnt, the score on the test data.
SCORES = {
    "digits": "accuracy",
    "spearman": "Spearman correlation",
    "top 2": "share of digits among the two likeliest",
    "key": "Spearman correlation",
}
MIXTURES = {"curve": "R²", "digits": "accuracy"}


@dataclass(frozen=True)
class Plan(AbstractCase):
    """A row: one plan of n values and n uniform targets in float64, and the ranks that are read from it.

    Attributes:
        data: name of the values.
        n: how many.
        regularisation: its name.
        epsilon: of it.
        steps: of Newton's method.
        marginal_error: of the plan.
        tol: the marginal error that it had to reach.
        support: share of the entries of the plan that are above zero.
        places: number of places over which the mass of a value is spread: 1 / sum_j q_j^2 of its shares q, the mean
            over values.
        gradient_support: share of the derivatives of ranks, of each in each value, that are not zero.
        rank_error: largest difference from the exact ranks, over n.
        seconds: of the solve, without compilation.
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
        task: its name.
        regularisation: of the operator.
        epsilon: of it.
        seed: of split, first weights and batches.
        validation, test: scores; larger is better.
        seconds: of the training, compilation included.
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
        task: its name.
        gate: its name.
        epsilon: of the gate; 0 where it has none.
        seed: of split, first weights and batches.
        validation, test: scores; larger is better.
        zero_weights: share of the weights of the gate that are exactly zero, on the test data.
        used: number of experts that have more than half of the weight of some test example.
        seconds: of the training, compilation included.
    """

    part: ClassVar[str] = "gate"
    measured: ClassVar[dict] = dict.fromkeys(("validation", "test", "zero_weights", "used", "seconds"), float)

    task: str
    gate: str
    epsilon: float
    seed: int


@dataclass(frozen=True)
class Regularisations(AbstractStudy):
    """Exact zeros against dense plans.

    Attributes:
        data: names of values.
        sizes: numbers of values.
        epsilons: of the plans.
        tasks: what is learnt through an operator.
        learning_epsilons: of trainings and gates.
        mixtures: what a mixture of experts learns.
        experts: of a mixture.
        seeds: number of trainings of each kind.
        steps: of Adam.
        rate: of Adam.
        batch: rows of the data in a step.
        length: values of a list that a key puts in order.
    """

    name: ClassVar[str] = "regularisations"
    title: ClassVar[str] = "Regularisations: entropy or exact zeros"
    question: ClassVar[str] = (
        "`SparseNewton` has plans with exact zeros. How many are they, what do they cost, and does anything learn "
        "better or worse with them?\n\n"
        "*Plans.* Ranks of n values in float64, by `Newton` and `SparseNewton`. The number of places of a value is "
        "1 / sum q² of its shares q, which can be compared between the two.\n\n"
        "*Trainings.* Adam in float32. `digits`: a network with 64 hidden units learns the soft 0/1 loss. `spearman`: "
        "a linear predictor of the progress of diabetes learns the distance of its soft ranks. `top 2`: linear scores "
        "learn the logarithm of the mask of the two largest at the true digit, cut off at 1e-6. `key`: lists of "
        "patients are put in order by a learnt key. Half of the data train, a fifth validate, the rest test.\n\n"
        "*Gates.* A mixture of linear experts, of which `nn.TopKGate` chooses one for a point of a curve, or two for a "
        "digit. A router has learnt if its mixture is better on the test data than the same one with the router as it "
        "began, whose mask is exact.\n\n"
        "Epsilon has the best mean validation score over the seeds; scores are those of the test data."
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
            epsilons=(1e-3, 1e-1),
            tasks=("spearman", "top 2"),
            learning_epsilons=(1e-1, 1.0),
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
