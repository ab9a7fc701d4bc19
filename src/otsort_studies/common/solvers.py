"""The one list of named solvers and differentiations; it needs none of the extras."""

from collections.abc import Callable
from typing import Any

import otsort

#: Name -> callable that makes the solver from epsilon and further options of its own.
SOLVERS: dict[str, Callable[..., otsort.AbstractSolver]] = {
    "Sinkhorn": otsort.Sinkhorn,
    "LogSinkhorn": otsort.LogSinkhorn,
    "AndersonSinkhorn": otsort.AndersonSinkhorn,
    "Newton": otsort.Newton,
    "Quadrature": otsort.Quadrature,
    "NorthWestCorner": lambda epsilon: otsort.NorthWestCorner(),  # at epsilon = 0
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
