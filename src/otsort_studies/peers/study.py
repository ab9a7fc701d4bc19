"""Defines the study that compares otsort with other packages."""

from dataclasses import dataclass
from typing import ClassVar

from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined
from .methods import PEER_METHODS

OPERATORS = ("rank", "sort", "sort_by", "quantile", "top_k", "top_k_mask")
CHECKS = ("axis", "weights", "masks", "float64", "order", "monotone", "ties", "single", "all")
#: Operators that are timed: the first one that a package has.
RANKING = ("rank", "top_k_mask")
#: Seconds after which the measurements of a method with one shape are ended.
LIMIT = 300.0


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
class Peers(AbstractStudy):
    """All known packages that sort, rank or select smoothly.

    Attributes:
        methods: names of the methods.
        operators: names of the operators in otsort.
        shapes: number of lists and number of values of each list.
        largest: largest number of array entries with which a method is run.
    """

    name: ClassVar[str] = "peers"
    title: ClassVar[str] = "Comparison with other packages for sorting, ranking and selection"
    full_time: ClassVar[str] = "30 min"
    question: ClassVar[str] = (
        "Which operators do other packages offer, how fast are they, and how accurate are they?\n\n"
        f"{defined('list', 'scratch memory')}\n"
        "- *method*: a package, or one of several algorithms of a package.\n"
        "- *temperature*: the number that controls the smoothing of a method, such as epsilon, softness, the "
        "strength of the regularisation, or one over the steepness. Unless stated otherwise, it is 0.01 for otsort and "
        "ott, 1 for torchsort, torchpsort and fast-soft-sort, and 0.1 for the others.\n"
        "- *otsort sparse*: otsort with quadratic regularisation (`SparseNewton`).\n\n"
        "Method: All results are found by calling the packages. Times are medians of at most five calls with normal "
        "random values in float32 on the CPU. JAX functions are compiled, and PyTorch functions run without "
        f"compilation. A method that needs more than {LIMIT:g} s for a shape is ended. A package that is not "
        "installed is marked as such. Packages that need another version of Python or JAX are measured in an "
        "environment of their own by `python -m otsort_studies.peers FOLDER`. The study `relaxations` compares how "
        "well models train through them."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Installed, Ability, Cost)

    methods: tuple[str, ...] = tuple(PEER_METHODS)
    operators: tuple[str, ...] = OPERATORS
    shapes: tuple[tuple[int, int], ...] = (
        *((1000, 10), (256, 100), (128, 1000)),
        *((1, 1000), (1, 10_000), (1, 100_000), (1, 1_000_000)),
    )
    largest: int = 2**28

    @classmethod
    def quick(cls) -> "Peers":
        return cls(operators=RANKING[:1], shapes=((100, 10),))

    def cases(self) -> list[AbstractCase]:
        """Returns the cases method by method, so that cases with the same program follow each other."""
        return [case for method in self.methods for case in self._of(method)]

    def _of(self, method: str) -> list[AbstractCase]:
        return [
            Installed(method),
            *(Ability(method, operator) for operator in self.operators),
            *(Cost(method, lists, n) for lists, n in self.shapes),
        ]
