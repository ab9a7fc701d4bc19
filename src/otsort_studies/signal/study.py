"""Defines the study of the gradient of ranks."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.data import values
from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

SQUASHES = ("logistic", "min_max")
# In theory, the support of a rank is SUPPORT standard deviations of the kernel minus OWN: `otsort.suggest_epsilon`.
SUPPORT, OWN = 3.8093, 0.8503
DEFAULT_EPSILON = 1e-2  # default of the library
TIED = "rounded"  # the family with ties
_MEASURED = (
    *("density", "support_low", "support", "support_high", "whole_support", "support_of_values", "dense"),
    *("row", "frobenius", "spectral", "silent", "marginal_error"),
)


@dataclass(frozen=True)
class Sweep(AbstractCase):
    """A row: measures of the Jacobian J of n ranks with n uniform target points.

    Derivatives are with respect to the positions (the squashed values), unless stated otherwise.

    Attributes:
        data: name of the values, which have the first seed.
        n: number of values.
        squash: name of the squash.
        epsilon: epsilon of the solve.
        density: typical density of the positions, over a tenth of them. The mean density is at least 1.
        support_low, support, support_high: quartiles, over the rows of J, of the participation ratio
            (sum_j |J_ij|)^2 / sum_j J_ij^2 over j != i, which is a number of values.
        whole_support: median of the participation ratio including j = i.
        support_of_values: `support` for the derivative with respect to the values themselves, which includes the effect
            of their mean and standard deviation.
        dense: part of that derivative that comes from mean and standard deviation (or range), in the Frobenius norm.
        row: median norm of a row, divided by n.
        frobenius: Frobenius norm of J, divided by n sqrt(n).
        spectral: largest singular value of J, divided by n.
        silent: share of rows with a norm below n / 100. To first order, such a rank changes by less than a hundredth of
            the list if its value moves over the whole range of positions.
        marginal_error: marginal error of the plan.
    """

    part: ClassVar[str] = "sweep"
    measured: ClassVar[dict] = dict.fromkeys(_MEASURED, float)

    data: str
    n: int
    squash: str
    epsilon: float


@dataclass(frozen=True)
class Suggested(AbstractCase):
    """A row: the measures of `Sweep` at the epsilon that `otsort.suggest_epsilon` gives for a number of neighbours.

    Attributes:
        data: name of the values.
        n: number of values.
        m: number of uniform target points.
        squash: name of the squash.
        seed: seed of the values.
        neighbours: requested number of neighbours.
        epsilon: suggested epsilon.
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
    """Effect of epsilon, n, the squash and m on norm and support of d rank / d x.

    Attributes:
        families: names of random families of values, on which the theory is tested.
        real: names of real columns, on which the rule is tested.
        n: numbers of values. Numbers above the length of a column are left out.
        epsilon: epsilons of the part `Sweep`.
        neighbours: numbers of neighbours for `otsort.suggest_epsilon`.
        m: fixed numbers of target points, for the largest n; otherwise m = n.
        seeds: seeds of the values. The part `Sweep` uses the first one.
        tol: tolerance for the marginal error, raised to what rounding allows.
    """

    name: ClassVar[str] = "signal"
    title: ClassVar[str] = "How to choose epsilon: size and reach of the gradient of a soft rank"
    full_time: ClassVar[str] = "3 min"
    question: ClassVar[str] = (
        "How large is the gradient of a soft rank, and to how many other values does a rank respond? How do both "
        "depend on epsilon, on the number n of values and on the squash? And which epsilon should one choose?\n\n"
        f"{defined('epsilon', 'list', 'soft rank', 'target points', 'squash')}\n"
        "- *position*: a value after the squash, a number in [0, 1].\n"
        "- *J*: the n x n matrix of the derivatives of all ranks with respect to all positions.\n"
        "- *support*, or number of *neighbours*: the number of other values to which a rank responds. It is measured "
        "by the participation ratio (sum abs(J_ij))^2 / sum J_ij^2 over the other values j != i. If k of these "
        "derivatives are equal and all others are zero, it is k.\n"
        "- *density*: the share of the values per unit length at a typical position. It is 1 for evenly spaced "
        "positions.\n"
        "- *vanishing gradient*: a row of J with a norm below n/100. To first order, such a rank changes by less than "
        "1 % of the list if its value moves over the whole range of positions.\n\n"
        "Method: J is computed in closed form from converged plans in float64. The derivatives are taken with respect "
        "to the positions, because the mean and the standard deviation in the squash make each position depend on all "
        "values. Their effect is measured separately. The function `otsort.suggest_epsilon` returns the epsilon for a "
        "number of neighbours. Its rule is derived from theory (see *Choosing epsilon* in the documentation), and no "
        "constant was fitted to data. The theory is tested on random families of values, and the rule on real columns."
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
        """Returns the names of the data that have at least n values."""
        return [*self.families, *(name for name in self.real if n <= values(name, None, 0).size)]
