"""Defines the study that compares all solvers on one column of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..common.column import example
from ..common.data import REFERENCE_TOL
from ..common.errors import InputError
from ..common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS
from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

EPSILONS = (1e-1, 1e-2, 1e-3)  # the default
#: Differentiation of `LogSinkhorn` -> the smallest number of sweeps that it can take.
SWEPT = {"Unrolled": 1, "Implicit": 1, "OneStep(5)": 7}


_TERMS = (
    *("epsilon", "soft rank", "target points", "transport plan", "marginal error", "sweep"),
    *("unrolled", "checkpointed", "one-step", "implicit", "scratch memory"),
)


@dataclass(frozen=True)
class Cost(AbstractCase):
    """A row: accuracy and cost of one solver with one differentiation.

    Attributes:
        solver, differentiation: names; the differentiation is empty if the solver offers no choice.
        epsilon: epsilon of the solver; 0 for an exact solver.
        steps: number of steps.
        marginal_error: marginal error of the plan, as the solver reports it.
        tol: tolerance for the marginal error, raised to what float32 can reach; infinite for a fixed number of steps.
        rank_error: largest error of a rank, divided by the number of values.
        sort_error: largest error of a sorted value, divided by the range of the values.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
        forward_seconds, gradient_seconds: time of one call, without compilation.
        scratch_bytes: scratch memory of the compiled gradient.
        reference: outcome of the float64 solve against which errors are measured.
        reference_marginal_error: marginal error of that solve.
    """

    part: ClassVar[str] = "cost"
    measured: ClassVar[dict] = {
        "steps": int,
        **dict.fromkeys(("marginal_error", "tol", "rank_error", "sort_error", "gradient_error"), float),
        **dict.fromkeys(("forward_seconds", "gradient_seconds", "scratch_bytes"), float),
        **{"reference": str, "reference_marginal_error": float},
    }

    solver: str
    differentiation: str
    epsilon: float


@dataclass(frozen=True)
class Swept(AbstractCase):
    """A row: the gradient after a fixed number of sweeps of `LogSinkhorn`, from its default start, in float32.

    Attributes:
        differentiation: name of the differentiation.
        sweeps: number of sweeps, including the last ones of OneStep.
        epsilon: epsilon of the solver.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
    """

    part: ClassVar[str] = "sweeps"
    measured: ClassVar[dict] = {"gradient_error": float}

    differentiation: str
    sweeps: int
    epsilon: float


@dataclass(frozen=True)
class Reading(AbstractCase):
    """A row: some soft ranks and soft sorted values in float64, for a picture.

    Attributes:
        epsilon: epsilon of the solver.
        ranks: soft ranks of the values at some positions of the increasing order.
        sorted_values: soft sorted values at these positions.
    """

    part: ClassVar[str] = "reading"
    measured: ClassVar[dict] = {"ranks": list[float], "sorted_values": list[float]}

    epsilon: float


@dataclass(frozen=True)
class Compare(AbstractStudy):
    """Accuracy, time and memory of all solvers and differentiations.

    Attributes:
        source: file name, or name of the data set.
        column: name of the column; empty for an array without columns.
        values: values, rounded to float32 numbers.
        solvers: names of the solvers.
        epsilons: positive epsilons in decreasing order.
        sweeps: fixed numbers of sweeps of `LogSinkhorn`.
        pictured: number of epsilons in the picture of ranks.
        places: number of values in that picture.
    """

    name: ClassVar[str] = "compare"
    title: ClassVar[str] = "Comparison of all solvers: accuracy, time and memory"
    full_time: ClassVar[str] = "1 min"
    question: ClassVar[str] = (
        "How accurate are soft ranks, soft sorted values and their gradient with each solver of otsort, and how much "
        "time and memory do they need? All solvers run on the same column of numbers, with each way of differentiating "
        "them.\n\n"
        f"{defined(*_TERMS)}\n\n"
        "Method: The solvers run in float32, with as many target points as values. The gradient is that of a "
        "weighted sum of the ranks, with random normal weights. The reference is `Newton` in float64, converged to a "
        f"marginal error of {REFERENCE_TOL:g}. Times are medians of at most five calls, without "
        "compilation."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Cost, Swept, Reading)

    source: str = "scikit-learn diabetes"
    column: str = "s2"
    values: tuple[float, ...] = field(default_factory=lambda: tuple(example().values.tolist()))
    solvers: tuple[str, ...] = tuple(SOLVER_DIFFERENTIATIONS)
    epsilons: tuple[float, ...] = (*EPSILONS, 1e-4)
    sweeps: tuple[int, ...] = (1, 3, 10, 30, 100)
    pictured: int = 31
    places: int = 20

    @classmethod
    def quick(cls) -> "Compare":
        return cls(epsilons=EPSILONS)

    def picture_epsilons(self) -> list[float]:
        return np.geomspace(1e-5, 10, self.pictured).tolist()

    def pictured_places(self) -> np.ndarray:
        """Returns the positions, in increasing order, of the values in the picture."""
        n = len(self.values)
        return np.unique(np.linspace(0, n - 1, min(n, self.places)).round().astype(int))

    def cases(self) -> list[AbstractCase]:
        costs = [
            Cost(solver, differentiation, epsilon)
            for solver, differentiations in SOLVER_DIFFERENTIATIONS.items()
            if solver in self.solvers
            for differentiation in differentiations
            for epsilon in ((0.0,) if solver == EXACT_SOLVER else self.epsilons)
        ]
        swept = [
            Swept(differentiation, sweeps, epsilon)
            for differentiation, fewest in SWEPT.items()
            for sweeps in self.sweeps
            for epsilon in self.epsilons
            if sweeps >= fewest and "LogSinkhorn" in self.solvers
        ]
        return [*costs, *swept, *map(Reading, self.picture_epsilons())]


def chosen(solvers: Sequence[str]) -> tuple[str, ...]:
    """Returns the named solvers in the order of the list of solvers; all solvers if none is named.

    Raises:
        InputError: no solver has such a name.
    """
    for name in solvers:
        if name not in SOLVER_DIFFERENTIATIONS:
            raise InputError(f"unknown solver {name!r}: known are {', '.join(SOLVER_DIFFERENTIATIONS)}")
    return tuple(name for name in SOLVER_DIFFERENTIATIONS if not solvers or name in solvers)
