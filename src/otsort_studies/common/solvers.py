"""Solvers and differentiations by name; this module needs none of the extras."""

from collections.abc import Callable
from typing import Any

import otsort

from .methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS

#: Name -> callable that makes the solver from epsilon and further options of its own.
SOLVERS: dict[str, Callable[..., otsort.AbstractSolver]] = {
    **{name: getattr(otsort, name) for name in SOLVER_DIFFERENTIATIONS if name != EXACT_SOLVER},
    EXACT_SOLVER: lambda epsilon: getattr(otsort, EXACT_SOLVER)(),
}

#: Name -> strategy, for the solvers that have the choice: not `Quadrature` and `NorthWestCorner`.
DIFFERENTIATIONS: dict[str, otsort.AbstractDifferentiation] = {
    "Unrolled": otsort.Unrolled(),
    "Checkpointed": otsort.Checkpointed(),
    "Implicit": otsort.Implicit(),
    "OneStep(5)": otsort.OneStep(5),
}


def with_budget(solver: str, differentiation: str, epsilon: Any, sweeps: int, **options: Any) -> otsort.AbstractSolver:
    """A solver that takes exactly so many sweeps, those that `OneStep` differentiates included."""
    strategy = DIFFERENTIATIONS[differentiation]
    last = strategy.k + 1 if isinstance(strategy, otsort.OneStep) else 0
    return SOLVERS[solver](epsilon, tol=None, max_steps=sweeps - last, differentiation=strategy, **options)
