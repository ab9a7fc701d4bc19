"""The study of unrolled and implicit derivatives."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.data import REFERENCE_TOL
from ..common.study import AbstractCase, AbstractStudy

MAIN = ("LogSinkhorn Unrolled", "LogSinkhorn Implicit")
STRATEGIES = (*MAIN, "LogSinkhorn OneStep(5)", "LogSinkhorn Checkpointed")
OWN_START = ("Sinkhorn Unrolled", "ott unrolled", "ott implicit")  # zero
GRADIENT_METHODS = (
    *STRATEGIES,
    *("Sinkhorn Unrolled", "AndersonSinkhorn Implicit", "Newton Implicit"),
    *("jaxopt implicit", "ott unrolled", "ott implicit"),
)
STARTS = ("zero", "exact", "solution")


@dataclass(frozen=True)
class Gradient(AbstractCase):
    """A row: the accuracy and the cost of one gradient.

    Attributes:
        n, m: number of values and of targets.
        dtype: of the computation.
        sweeps: number of them, with those that OneStep takes last; of Newton the number of steps.
        data: name of the values.
        epsilon: regularisation.
        start: zero, the paper's; exact, the potential at epsilon = 0, with its derivative; or solution, the converged
            potential as a constant: a perfect warm start.
        method: solver and differentiation.
        reference: outcome of the float64 solve that errors are measured against; there are none without it.
        rate: second largest eigenvalue of the derivative of a sweep at the solution: what an error is multiplied by.
        marginal_error: of the plan that was reached.
        gradient_error: relative l2 distance from the gradient at the solution.
        point_error: the same of the gradient at the potential that was reached, with the right derivative of it:
            what no differentiation can remove.
        derivative_error: distance between these two gradients, over the norm of that at the solution: the part of the
            differentiation; a linearisation error or a truncation error.
        forward_seconds, gradient_seconds: of the compiled programs, medians; the second with the forward pass.
        scratch_bytes: of the compiled gradient.
    """

    part: ClassVar[str] = "gradient"
    measured: ClassVar[dict] = {
        "reference": str,
        **dict.fromkeys(("rate", "marginal_error", "gradient_error", "point_error", "derivative_error"), float),
        **dict.fromkeys(("forward_seconds", "gradient_seconds", "scratch_bytes"), float),
    }

    n: int
    m: int
    dtype: str
    sweeps: int
    data: str
    epsilon: float
    start: str
    method: str

    @property
    def program(self) -> tuple[int, int, str, int]:
        """Returns the part of the case that compiled programs depend on, beside the method."""
        return self.n, self.m, self.dtype, self.sweeps


@dataclass(frozen=True)
class Gradients(AbstractStudy):
    """Errors and costs of gradients around one setting, n = m values in float64 at one epsilon.

    Attributes:
        data: names of values; those after the first two at the one epsilon only.
        n: how many of each, and of targets.
        epsilon: where nothing else is said.
        epsilons: the others.
        sweeps: budgets of `LogSinkhorn`, unrolled and implicit.
        few_sweeps: those of the other methods.
        budget: that of sizes and float32, one of the few.
        sizes: other (n, m).
        seed: of the values.
    """

    name: ClassVar[str] = "gradients"
    title: ClassVar[str] = "Unrolled or implicit: the gradient of soft ranks before and after convergence"
    question: ClassVar[str] = (
        "At which number of Sinkhorn sweeps does unrolling beat implicit differentiation at an unconverged point, and "
        "why? The gradient with respect to the values of a weighted sum of soft ranks (seeded normal weights, logistic "
        "squash, uniform targets) is compared with that of Newton's method in float64, converged to a marginal error "
        f"of {REFERENCE_TOL:g}. All errors are l2 distances over the norm of that gradient. Sweeps start from zero "
        "(the paper's start), from the exact potentials at epsilon = 0 (the default of otsort), or from the converged "
        "potential itself, a perfect warm start.\n\n"
        "Three gradients tell the errors apart. *Point error*: the plan is read at the unconverged potential, but "
        "with the derivative that the converged potential has; it is common to all differentiations. *Linearisation "
        "error*: what implicit differentiation adds, as it linearises at the wrong point. *Truncation error*: what "
        "unrolling adds, as its sweeps have forgotten too little of a start that had the wrong derivative; from the "
        "converged potential it is the only error."
    )
    dtype: ClassVar[str] = "float64 and float32, see the rows"
    parts: ClassVar[tuple] = (Gradient,)

    data: tuple[str, ...] = (
        *("normal", "digits ink", "uniform", "exponential", "cauchy", "two clusters", "rounded"),
        *("diabetes s2", "diabetes bmi", "cancer mean radius", "cancer area error", "wine proline"),
    )
    n: int = 100
    epsilon: float = 0.01
    epsilons: tuple[float, ...] = (0.1, 0.03, 0.003, 0.001)
    sweeps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    few_sweeps: tuple[int, ...] = (8, 64, 256)
    budget: int = 64
    sizes: tuple[tuple[int, int], ...] = ((30, 30), (300, 300), (500, 500), (500, 50), (50, 500))
    seed: int = 1

    @classmethod
    def quick(cls) -> "Gradients":
        return cls(
            data=("normal", "digits ink"),
            epsilons=(0.1,),
            sweeps=(1, 8, 32),
            few_sweeps=(8,),
            budget=8,
            sizes=(),
        )

    def cases(self) -> list[Gradient]:
        here = [(name, self.epsilon) for name in self.data[:2]]
        lists = [(name, self.epsilon) for name in self.data]
        lists += [(name, epsilon) for epsilon in self.epsilons for name in self.data[:2]]
        centre, *places = self.places()
        others = tuple(name for name in GRADIENT_METHODS if name not in MAIN)
        blocks: list[tuple[tuple[int, int, str], tuple[int, ...], list[tuple[str, float]], tuple[str, ...]]] = [
            (centre, self.sweeps, lists, MAIN),
            (centre, self.few_sweeps, here, others),
            *((place, (self.budget,), here, STRATEGIES) for place in places),
        ]
        cases = [
            Gradient(*place, sweeps, data, epsilon, start, method)
            for place, budgets, chosen, methods in blocks
            for sweeps, (data, epsilon), start, method in itertools.product(budgets, chosen, STARTS, methods)
            if start == "zero" or method not in OWN_START
        ]
        # Methods that are compared run in turn.
        order = lambda case: (case.program, lists.index((case.data, case.epsilon)), case.start)
        return sorted(dict.fromkeys(cases), key=order)

    def places(self) -> list[tuple[int, int, str]]:
        """n, m and dtype, first those of the centre."""
        return [(self.n, self.n, "float64"), (self.n, self.n, "float32"), *((*size, "float64") for size in self.sizes)]
