"""What is compared: the one list of solvers and differentiations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Array

import otsort

from ._errors import InputError

SWEEPS = 100  # the fixed budget of unrolled log-domain sweeps, that of Sinkhorn
LAST_STEPS = 5  # the steps that OneStep differentiates


@dataclass(frozen=True)
class Method:
    """A solver with a differentiation.

    Attributes:
        solver: name of its class.
        differentiation: name of its strategy; empty if there is no choice.
        build: the solver at an epsilon, which it leaves out if it is exact.
        exact: whether it solves the unregularised problem, epsilon = 0.
    """

    solver: str
    differentiation: str
    build: Callable[[Array], otsort.AbstractSolver]
    exact: bool = False


METHODS = (
    Method("Sinkhorn", "Unrolled", lambda epsilon: otsort.Sinkhorn(epsilon, differentiation=otsort.Unrolled())),
    Method("Sinkhorn", "Checkpointed", lambda epsilon: otsort.Sinkhorn(epsilon, differentiation=otsort.Checkpointed())),
    Method("LogSinkhorn", "Implicit", lambda epsilon: otsort.LogSinkhorn(epsilon, differentiation=otsort.Implicit())),
    Method(
        "LogSinkhorn",
        "Unrolled",
        lambda epsilon: otsort.LogSinkhorn(epsilon, tol=None, max_steps=SWEEPS, differentiation=otsort.Unrolled()),
    ),
    Method(
        "LogSinkhorn",
        f"OneStep({LAST_STEPS})",
        lambda epsilon: otsort.LogSinkhorn(epsilon, differentiation=otsort.OneStep(LAST_STEPS)),
    ),
    Method(
        "AndersonSinkhorn",
        "Implicit",
        lambda epsilon: otsort.AndersonSinkhorn(epsilon, differentiation=otsort.Implicit()),
    ),
    Method("Newton", "Implicit", lambda epsilon: otsort.Newton(epsilon, differentiation=otsort.Implicit())),
    Method("NorthWestCorner", "", lambda epsilon: otsort.NorthWestCorner(), exact=True),
)


def select(solvers: Sequence[str]) -> list[Method]:
    """The methods of these solvers, in the order of the list; all of them if none is named.

    Raises:
        InputError: no solver has such a name.
    """
    known = list(dict.fromkeys(method.solver for method in METHODS))
    for name in solvers:
        if name not in known:
            raise InputError(f"unknown solver {name!r}: known are {', '.join(known)}")
    return [method for method in METHODS if not solvers or method.solver in solvers]
