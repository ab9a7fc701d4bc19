"""Maps names to solvers and differentiations. This module needs none of the extra packages."""

from collections.abc import Callable
from typing import Any

import otsort

from .methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS

#: Name -> function that creates the solver from epsilon and the options of that solver.
SOLVERS: dict[str, Callable[..., otsort.AbstractSolver]] = {
    **{name: getattr(otsort, name) for name in SOLVER_DIFFERENTIATIONS if name != EXACT_SOLVER},
    EXACT_SOLVER: lambda epsilon: getattr(otsort, EXACT_SOLVER)(),
}

#: Name -> strategy, for the solvers that offer a choice. `Quadrature` and `NorthWestCorner` do not.
DIFFERENTIATIONS: dict[str, otsort.AbstractDifferentiation] = {
    "Unrolled": otsort.Unrolled(),
    "Checkpointed": otsort.Checkpointed(),
    "Implicit": otsort.Implicit(),
    "OneStep(5)": otsort.OneStep(5),
}


def with_budget(solver: str, differentiation: str, epsilon: Any, sweeps: int, **options: Any) -> otsort.AbstractSolver:
    """Creates a solver that takes exactly the given number of sweeps, including those that `OneStep` differentiates."""
    strategy = DIFFERENTIATIONS[differentiation]
    last = strategy.k + 1 if isinstance(strategy, otsort.OneStep) else 0
    return SOLVERS[solver](epsilon, tol=None, max_steps=sweeps - last, differentiation=strategy, **options)
