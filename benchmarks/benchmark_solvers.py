"""Every solver with every way to differentiate it, and the default in both precisions."""

from typing import Any, ClassVar

import otsort

from .base import AbstractAccuracy, AbstractTime, Case
from .programs import PROGRAMS

BENCHMARKED_SOLVERS = {
    f"{solver} {differentiation}".strip(): (solver, differentiation)
    for solver, differentiations in {
        "Sinkhorn": ("Unrolled", "Checkpointed"),
        "LogSinkhorn": ("Implicit", "Unrolled", "Checkpointed", "OneStep"),
        "AndersonSinkhorn": ("Implicit",),
        "Newton": ("Implicit",),
        "Quadrature": ("",),
    }.items()
    for differentiation in differentiations
}
EPSILONS = [1e-1, 1e-2, 1e-3]


class Solvers(AbstractTime, AbstractAccuracy):
    """Ranks of one list of 300 by each."""

    params: ClassVar[list] = [list(BENCHMARKED_SOLVERS), list(PROGRAMS), EPSILONS]
    param_names: ClassVar[list[str]] = ["method", "program", "epsilon"]

    def case(self, method: str, program: str, epsilon: float) -> Case:
        solver, differentiation = BENCHMARKED_SOLVERS[method]
        return Case("rank", program, 1, 300, epsilon, solver=solver, differentiation=differentiation)

    def track_steps(self, *_: Any) -> int:
        """Sweeps, or Newton's linearisations."""
        x = self.named.values()[0][0]
        solver = self.named.options()["solver"]
        solution = otsort.solve(x, otsort.TargetMeasure.uniform(x.size), solver=solver, throw=False)
        return int(solution.stats["num_steps"])

    track_steps.unit = "steps"  # pyright: ignore[reportFunctionMemberAccess]


class Precision(AbstractTime, AbstractAccuracy):
    """Gradients of the default's ranks."""

    params: ClassVar[list] = [["float32", "float64"], ["256 x 100", "1 x 1000"], [1e-1, 1e-2, 1e-3, 1e-4]]
    param_names: ClassVar[list[str]] = ["dtype", "shape", "epsilon"]

    def case(self, dtype: str, shape: str, epsilon: float) -> Case:
        lists, n = map(int, shape.split(" x "))
        return Case("rank", "gradient", lists, n, epsilon, dtype)
