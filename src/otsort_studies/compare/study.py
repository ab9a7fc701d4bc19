"""The comparison of all solvers on one column of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..common.column import example
from ..common.data import REFERENCE_TOL
from ..common.errors import InputError
from ..common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS
from ..common.study import AbstractCase, AbstractStudy

EPSILONS = (1e-1, 1e-2, 1e-3)  # unless others are asked for
#: Differentiations of `LogSinkhorn` after a number of sweeps, and the fewest that each takes.
SWEPT = {"Unrolled": 1, "Implicit": 1, "OneStep(5)": 7}


@dataclass(frozen=True)
class Cost(AbstractCase):
    """One line of the comparison.

    Attributes:
        solver, differentiation: names; the latter is empty where there is no choice.
        epsilon: 0 for an exact solver.
        steps: number of them.
        marginal_error: of the plan, as the solver says.
        tol: the marginal error that it had to reach, raised to what float32 can; infinite for a fixed budget.
        rank_error: largest error of a rank over the number of values.
        sort_error: largest error of a sorted value over their range.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
        forward_seconds, gradient_seconds: of one call, without compilation.
        scratch_bytes: memory of the compiled gradient.
        reference: outcome of the float64 solve that errors are measured against.
        reference_marginal_error: of that.
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
    """The gradient after a fixed number of sweeps of `LogSinkhorn`, from its default start, in float32.

    Attributes:
        differentiation: name of the strategy.
        sweeps: number of them, with those that OneStep takes last.
        epsilon: of the solver.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
    """

    part: ClassVar[str] = "sweeps"
    measured: ClassVar[dict] = {"gradient_error": float}

    differentiation: str
    sweeps: int
    epsilon: float


@dataclass(frozen=True)
class Reading(AbstractCase):
    """Some soft ranks and soft sorted values in float64, for the picture.

    Attributes:
        epsilon: of the solver.
        ranks: of the values at these places in increasing order.
        sorted_values: at these places.
    """

    part: ClassVar[str] = "reading"
    measured: ClassVar[dict] = {"ranks": list[float], "sorted_values": list[float]}

    epsilon: float


@dataclass(frozen=True)
class Compare(AbstractStudy):
    """All solvers and differentiations, in accuracy, time and memory.

    Attributes:
        source: file name, or name of the data set.
        column: its name; empty for a list.
        values: numbers that float32 holds.
        solvers: names.
        epsilons: decreasing, all of them positive.
        sweeps: budgets of `LogSinkhorn`.
        pictured: number of epsilons in the picture of ranks.
        places: how many values it shows.
    """

    name: ClassVar[str] = "compare"
    title: ClassVar[str] = "Comparison of all solvers: accuracy, time and memory"
    question: ClassVar[str] = (
        "How accurate are soft ranks, soft sorted values and the gradient of a weighted sum of the ranks (seeded "
        "normal weights) with each solver and differentiation, and what do they cost? As many uniform targets as "
        "values, float32, against `Newton` in float64, converged to a marginal error of "
        f"{REFERENCE_TOL:g}; one call, without compilation; scratch memory is that of the compiled gradient."
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
        """Of the values that are shown, in increasing order."""
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
    """These solvers in the order of the list; all of them if none is named.

    Raises:
        InputError: no solver has such a name.
    """
    for name in solvers:
        if name not in SOLVER_DIFFERENTIATIONS:
            raise InputError(f"unknown solver {name!r}: known are {', '.join(SOLVER_DIFFERENTIATIONS)}")
    return tuple(name for name in SOLVER_DIFFERENTIATIONS if not solvers or name in solvers)
