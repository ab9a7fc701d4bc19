"""Defines the study that compares otsort with other packages."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined
from .methods import PEER_METHODS

OPERATORS = ("rank", "sort", "sort_by", "quantile", "top_k", "top_k_mask")
CHECKS = ("axis", "weights", "masks", "float64", "order", "monotone", "ties", "single", "all")
#: Name of a task -> operators through which it can be trained.
OPERATORS_BY_TASK = {"spearman": ("rank",), "digits": ("rank", "top_k_mask"), "key": ("sort_by",)}
#: Operators that are timed: the first one that a package has.
RANKING = ("rank", "top_k_mask")


@dataclass(frozen=True)
class Installed(AbstractCase):
    """A row: the versions with which a method was measured.

    Attributes:
        method: name of the method.
        version: version of the package.
        environment: versions of JAX, PyTorch and Python, in words.
    """

    part: ClassVar[str] = "installed"
    measured: ClassVar[dict] = {"version": str, "environment": str}

    method: str


@dataclass(frozen=True)
class Ability(AbstractCase):
    """A row: properties of an operator, found by calling it with 2 lists of 12 float32 values.

    A property is yes, no, or the error that was raised.

    Attributes:
        method: name of the method.
        operator: name of the operator in otsort.
        axis: whether the operator works along the first axis.
        weights: whether it accepts weights of the values.
        masks: whether it accepts a mask of padding that then changes nothing.
        float64: whether it returns finite float64 results for float64 values.
        order: whether results are in the order of the values, or of the positions; not for values that a key sorts.
        monotone: whether no derivative has the wrong sign (of a result with respect to its own value, or of sorted
            values with respect to any value); not for values that a key sorts.
        ties: whether the gradient is finite if values are equal.
        single: whether it works for lists of one value.
        all: whether k may be the number of values; only for operators with k.
        hard_error: largest error against the exact operator at temperature 1e-4, divided by the length of the result.
        definition_error: largest error of ranks against their definition, solved in float64, divided by their number.
    """

    part: ClassVar[str] = "ability"
    measured: ClassVar[dict] = {
        **dict.fromkeys(CHECKS, str),
        **dict.fromkeys(("hard_error", "definition_error"), float),
    }

    method: str
    operator: str


@dataclass(frozen=True)
class Cost(AbstractCase):
    """A row: the cost of ranks, or of the top-k mask if a package has no ranks.

    Attributes:
        method: name of the method.
        lists, n: number of lists and number of values of each list.
        operator: operator that was timed.
        first_seconds: time of the first call for a gradient, including compilation if there is one.
        forward_seconds, gradient_seconds: time of one call, without compilation; the gradient of a weighted sum.
        scratch_bytes: scratch memory of the compiled gradient; none if nothing is compiled.
    """

    part: ClassVar[str] = "cost"
    measured: ClassVar[dict] = {
        "operator": str,
        **dict.fromkeys(("first_seconds", "forward_seconds", "gradient_seconds", "scratch_bytes"), float),
    }

    method: str
    lists: int
    n: int


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: the scores of a linear model that was trained through an operator.

    Attributes:
        method: name of the method.
        task: name of the task.
        operator: operator in the loss.
        factor: factor of the temperature of the method.
        seed: seed of the split and of the batches.
        validation, test: scores; larger is better.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = {"validation": float, "test": float}

    method: str
    task: str
    operator: str
    factor: float
    seed: int


@dataclass(frozen=True)
class Peers(AbstractStudy):
    """All known packages that sort, rank or select smoothly.

    Attributes:
        methods: names of the methods.
        operators: names of the operators in otsort.
        shapes: number of lists and number of values of each list.
        largest: largest number of array entries with which a method is run.
        factors: factors of the temperature.
        seeds: number of trainings for each temperature.
        steps: number of steps of Adam in a training.
    """

    name: ClassVar[str] = "peers"
    title: ClassVar[str] = "Comparison with other packages for sorting, ranking and selection"
    question: ClassVar[str] = (
        "Which operators do other packages offer, how fast are they, how accurate are they, and how well do models "
        f"train with them?\n\n{defined('list', 'scratch memory')}\n- *method*: a package, or one of several algorithms "
        "of a package.\n- *temperature*: the number that controls the smoothing of a method, such as epsilon, "
        "softness, the strength of the regularisation, or one over the steepness.\n\nMethod: All results are found by "
        "calling the packages. Times are medians of at most five calls with normal random values in float32 on the "
        "CPU. JAX functions are compiled, and PyTorch functions run without compilation. A package that is not "
        "installed is marked as such. Packages that need another version of Python or JAX are measured in an "
        "environment of their own by `python -m otsort_studies.peers FOLDER`.\n\nIn the trainings, Adam trains linear "
        "models through an operator. For each method, the operator and the temperature with the best validation score "
        "are used. There are three tasks:\n\n- *spearman*: A model predicts the progress of diabetes. The score is the "
        "rank correlation.\n- *digits*: A model classifies digits. The score is the share of digits whose correct "
        "class has one of the two largest outputs.\n- *key*: A model learns a key that sorts lists of 16 patients. The "
        "score is the rank correlation."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Installed, Ability, Cost, Training)

    methods: tuple[str, ...] = tuple(PEER_METHODS)
    operators: tuple[str, ...] = OPERATORS
    shapes: tuple[tuple[int, int], ...] = (
        *((1000, 10), (256, 100), (128, 1000)),
        *((1, 1000), (1, 10_000), (1, 100_000), (1, 1_000_000)),
    )
    largest: int = 2**28
    factors: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0)
    seeds: int = 3
    steps: int = 100

    @classmethod
    def quick(cls) -> "Peers":
        return cls(operators=RANKING, shapes=((100, 10),), factors=(1.0,), seeds=1, steps=20)

    def cases(self) -> list[AbstractCase]:
        """Returns the cases method by method, so that cases with the same program follow each other."""
        return [case for method in self.methods for case in self._of(method)]

    def _of(self, method: str) -> list[AbstractCase]:
        factors = self.factors if PEER_METHODS[method].temperature else ()
        return [
            Installed(method),
            *(Ability(method, operator) for operator in self.operators),
            *(Cost(method, lists, n) for lists, n in self.shapes),
            *(
                Training(method, task, operator, factor, seed)
                for task, operators in OPERATORS_BY_TASK.items()
                for operator in operators
                for factor in factors
                for seed in range(self.seeds)
            ),
        ]
