"""The study of what else sorts, ranks and selects, beside otsort."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from .methods import PEER_METHODS

OPERATORS = ("rank", "sort", "sort_by", "quantile", "top_k", "top_k_mask")
CHECKS = ("axis", "weights", "masks", "float64", "order", "monotone", "ties", "single", "all")
#: What is learnt -> the operators that it is learnt through.
OPERATORS_BY_TASK = {"spearman": ("rank",), "digits": ("rank", "top_k_mask"), "key": ("sort_by",)}
#: What is timed, the first that a package has.
RANKING = ("rank", "top_k_mask")


@dataclass(frozen=True)
class Installed(AbstractCase):
    """The versions and the machine of a measurement.

    Attributes:
        method: its name.
        version: of the package.
        environment: the rest, in words.
    """

    part: ClassVar[str] = "installed"
    measured: ClassVar[dict] = {"version": str, "environment": str}

    method: str


@dataclass(frozen=True)
class Ability(AbstractCase):
    """A row: abilities of an operator, found by calling it with 2 lists of 12 float32 values: yes, no, or the error.

    Attributes:
        method: its name.
        operator: its name in otsort.
        axis: the first axis, in place of the last.
        weights: lists may have weights.
        masks: padding may be masked, and changes nothing.
        float64: answers in float64 to it.
        order: answers are in the order of the values, or of the places; not asked of values that a key sorts.
        monotone: no derivative has the wrong sign: of an answer in its own value, or of sorted values in any; not asked
            of values that a key sorts.
        ties: the gradient is finite where values are equal.
        single: lists of one value.
        all: as many of the largest as there are values; none where nothing is counted.
        hard_error: at temperature 1e-4 the largest error against the hard operator, of ranks over their number.
        definition_error: the largest error of ranks against the definition, solved in float64, over their number.
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
    """A row: the cost of ranks, or of the mask of the largest where a package has no ranks.

    Attributes:
        method: its name.
        lists, n: shape of the values.
        operator: which it was.
        first_seconds: of the first call for a gradient, with compilation if there is one.
        forward_seconds, gradient_seconds: of one call, without compilation; the gradient is that of a weighted sum.
        scratch_bytes: memory of the compiled gradient; none if nothing is compiled.
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
    """A row: the accuracy of a linear model that was trained through an operator.

    Attributes:
        method: its name.
        task: what is learnt.
        operator: that it is learnt through.
        factor: of the temperature of the method.
        seed: of the split and of the batches.
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
    """Every package that is known to sort, rank or select smoothly.

    Attributes:
        methods: names.
        operators: names in otsort.
        shapes: lists and values of each.
        largest: a method with more entries than this is not run.
        factors: of the temperature.
        seeds: number of trainings at each temperature.
        steps: of Adam in a training.
    """

    name: ClassVar[str] = "peers"
    title: ClassVar[str] = "Peers: what else sorts, ranks and selects"
    question: ClassVar[str] = (
        "What do other packages offer, what does it cost, how right is it, and how well does it train? Everything is "
        "measured by calling. Times are medians of at most five calls on normal values in float32, on the CPU, JAX "
        "compiled and PyTorch as it is. A package that is not installed is a row that says so; one that wants another "
        "Python or another JAX is measured there and added to these rows by `python -m otsort_studies.peers FOLDER`. "
        "Trainings are of linear models by Adam, through the operator and at the temperature with the best validation: "
        "the rank correlation with the progress of diabetes (`spearman`), digits among the two likeliest (`digits`), "
        "and lists of 16 patients put in order by a learnt key (`key`, scored by rank correlation)."
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
        """Returns the cases, method by method, so that those of one program are neighbours."""
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
