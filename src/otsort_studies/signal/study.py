"""The gradient of ranks: which of them are measured, and what theory says."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.data import values
from ..common.study import AbstractCase, AbstractStudy

SQUASHES = ("logistic", "min_max")
# In theory a rank sees SUPPORT deviations of the kernel, less OWN for the value itself: `otsort.suggest_epsilon`.
SUPPORT, OWN = 3.8093, 0.8503
DEFAULT_EPSILON = 1e-2  # of the library
TIED = "rounded"  # the family with ties
_MEASURED = (
    *("density", "support_low", "support", "support_high", "whole_support", "support_of_values", "dense"),
    *("row", "frobenius", "spectral", "silent", "marginal_error"),
)


@dataclass(frozen=True)
class Sweep(AbstractCase):
    """A row: measures of the Jacobian J of n ranks on n uniform targets, in squashed positions unless said otherwise.

    Attributes:
        data: name of the values, which have the first seed.
        n: how many.
        squash: its name.
        epsilon: of the solve.
        density: typical one of the positions, over a tenth of them; their mean density is 1 or more.
        support_low, support, support_high: quartiles over the rows of the participation ratio
            (sum_j |J_ij|)^2 / sum_j J_ij^2 over j != i, a number of values.
        whole_support: the same median with j = i.
        support_of_values: `support` for the derivative in the values themselves, through mean and deviation.
        dense: share of that derivative which goes through mean and deviation (or range), in the Frobenius norm.
        row: median norm of a row over n, ranks per range of positions over n.
        frobenius: norm of J over n sqrt(n).
        spectral: largest singular value over n.
        silent: share of rows with a norm below n / 100: by a move over the whole range of positions the rank changes,
            to first order, by less than a hundredth of the list.
        marginal_error: of the plan.
    """

    part: ClassVar[str] = "sweep"
    measured: ClassVar[dict] = dict.fromkeys(_MEASURED, float)

    data: str
    n: int
    squash: str
    epsilon: float


@dataclass(frozen=True)
class Suggested(AbstractCase):
    """A row: these measures at the epsilon that `otsort.suggest_epsilon` gives for a number of neighbours.

    Attributes:
        data: name of the values.
        n: how many.
        m: uniform targets.
        squash: its name.
        seed: of the values.
        neighbours: asked for.
        epsilon: that was suggested.
    """

    part: ClassVar[str] = "suggested"
    measured: ClassVar[dict] = dict.fromkeys(("epsilon", *_MEASURED), float)

    data: str
    n: int
    m: int
    squash: str
    seed: int
    neighbours: int


@dataclass(frozen=True)
class Signal(AbstractStudy):
    """Norm and support of d rank / d x under epsilon, n, the squash and m.

    Attributes:
        families: random values, on which the theory is checked.
        real: columns, on which the rule is.
        n: how many values; more than a column has are left out.
        epsilon: of the sweeps.
        neighbours: asked of `otsort.suggest_epsilon`.
        m: fixed numbers of targets, at the largest n; elsewhere m = n.
        seeds: of the values; the first for the sweeps.
        tol: marginal error of the solves, raised to what rounding allows.
    """

    name: ClassVar[str] = "signal"
    title: ClassVar[str] = "Gradient signal: how long the gradient of a rank is, and how many values it knows of"
    question: ClassVar[str] = (
        "How do the norm and the effective support of J = d rank / d x depend on epsilon, on the number n of values "
        "and on the squash, and which epsilon should one take? J is taken in closed form at converged plans in "
        "float64, in *squashed positions*, so that the mean and the deviation in the squash, which couple everything "
        "with everything, stay out; what they add is measured apart. The *support* of a row is the participation "
        "ratio (sum abs(J_ij))^2 / sum J_ij^2 over the *other* values j != i: the number of neighbours that a rank "
        "sees. The rule, `otsort.suggest_epsilon`, is derived (see Choosing epsilon in the documentation), with no "
        "constant fitted to data; the theory is checked on random families, the rule on real columns."
    )
    dtype: ClassVar[str] = "float64"
    parts: ClassVar[tuple] = (Sweep, Suggested)

    families: tuple[str, ...] = ("normal", "uniform", "exponential", "cauchy", "two clusters", "rounded")
    real: tuple[str, ...] = (
        "diabetes s2",
        "diabetes bmi",
        "cancer mean radius",
        "cancer area error",
        "wine proline",
        "digits ink",
    )
    n: tuple[int, ...] = (50, 100, 200, 400)
    epsilon: tuple[float, ...] = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
    neighbours: tuple[int, ...] = (3, 5, 10, 30, 100)
    m: tuple[int, ...] = (10, 30, 100)
    seeds: tuple[int, ...] = (0, 1, 2)
    tol: float = 1e-9

    @classmethod
    def quick(cls) -> "Signal":
        return cls(
            families=("normal", "exponential", "rounded"),
            real=("diabetes bmi", "cancer area error"),
            n=(50, 200),
            epsilon=(1e-5, 1e-4, 1e-3, 1e-2, 1.0, 10.0),
            neighbours=(3, 10, 30),
            m=(20,),
            seeds=(0, 1),
        )

    def cases(self) -> list[Sweep | Suggested]:
        most = max(self.n)
        sweeps = [
            Sweep(data, n, squash, epsilon)
            for n in self.n
            for data in self._data(n)
            for squash, epsilon in itertools.product(SQUASHES, self.epsilon)
        ]
        suggested = [
            Suggested(data, n, m, squash, seed, count)
            for n, m in [*((n, n) for n in self.n), *((most, m) for m in self.m)]
            for data in self._data(n)
            for squash, seed, count in itertools.product(SQUASHES, self.seeds, self.neighbours)
            if count < n
        ]
        return [*sweeps, *suggested]

    def _data(self, n: int) -> list[str]:
        """Names of data that have so many values."""
        return [*self.families, *(name for name in self.real if n <= values(name, None, 0).size)]
