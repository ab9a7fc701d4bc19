"""Defines the study of unrolled and implicit differentiation."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ..common.data import REFERENCE_TOL
from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

MAIN = ("LogSinkhorn Unrolled", "LogSinkhorn Implicit")
STRATEGIES = (*MAIN, "LogSinkhorn OneStep(5)", "LogSinkhorn Checkpointed")
OWN_START = ("Sinkhorn Unrolled", "ott unrolled", "ott implicit")  # these always start from zero
GRADIENT_METHODS = (
    *STRATEGIES,
    *("Sinkhorn Unrolled", "AndersonSinkhorn Implicit", "Newton Implicit"),
    *("jaxopt implicit", "ott unrolled", "ott implicit"),
)
STARTS = ("zero", "exact", "solution")


_TERMS = (
    *("epsilon", "list", "soft rank", "target points", "squash", "transport plan", "potential", "marginal error"),
    *("sweep", "unrolled", "checkpointed", "one-step", "implicit", "scratch memory"),
)


@dataclass(frozen=True)
class Gradient(AbstractCase):
    """A row: accuracy and cost of one gradient.

    Attributes:
        n, m: numbers of values and of target points.
        dtype: dtype of the computation.
        sweeps: number of sweeps, including the last ones of OneStep; for Newton, number of steps.
        data: name of the values.
        epsilon: strength of the regularisation.
        start: zero potential, as in the paper; exact potential at epsilon = 0, with its derivative; or solution, which
            is the converged potential as a constant (a perfect warm start).
        method: names of solver and differentiation.
        reference: outcome of the float64 solve against which errors are measured; without it there are no errors.
        rate: second largest eigenvalue of the derivative of a sweep at the solution, which is the factor by which a
            sweep reduces an error.
        marginal_error: marginal error of the plan that was reached.
        gradient_error: relative l2 distance from the gradient at the solution.
        point_error: relative l2 distance from the gradient at the solution of the gradient that is computed at the
            potential that was reached, with the correct derivative of the potential. No differentiation removes it.
        derivative_error: distance between the measured gradient and that gradient, relative to the gradient at the
            solution. It is the linearisation error or the truncation error.
        forward_seconds, gradient_seconds: median times of the compiled programs; the second includes the forward pass.
        scratch_bytes: scratch memory of the compiled gradient.
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
        """Returns the fields that determine the compiled program of a method."""
        return self.n, self.m, self.dtype, self.sweeps


@dataclass(frozen=True)
class Gradients(AbstractStudy):
    """Errors and costs of gradients at a central setting (n = m values in float64, one epsilon) and around it.

    Attributes:
        data: names of the lists of values. Only the first two lists are used with other epsilons.
        n: number of values of each list, and of target points.
        epsilon: epsilon of the central setting.
        epsilons: other epsilons.
        sweeps: numbers of sweeps of `LogSinkhorn`, unrolled and implicit.
        few_sweeps: numbers of sweeps of the other methods.
        budget: number of sweeps for other sizes and for float32; one of `few_sweeps`.
        sizes: other pairs of n and m.
        seed: seed of the values.
    """

    name: ClassVar[str] = "gradients"
    title: ClassVar[str] = "Unrolled or implicit differentiation: the gradient of soft ranks before convergence"
    full_time: ClassVar[str] = "3 min"
    question: ClassVar[str] = (
        "A solver may stop before it has converged. Is the gradient of soft ranks then more accurate with unrolled or "
        "with implicit differentiation? How does the answer depend on the number of Sinkhorn sweeps, and why?\n\n"
        f"{defined(*_TERMS)}\n\n"
        "Method: The gradient of a weighted sum of soft ranks with respect to the values is computed, with random "
        "normal weights, the logistic squash and uniform target points. It is compared with the gradient of Newton's "
        f"method in float64, converged to a marginal error of {REFERENCE_TOL:g}. All errors are l2 distances, divided "
        "by the norm of this reference. The sweeps begin at one of three starts:\n\n"
        "- *zero*: the zero potential, as in the paper (Cuturi, Teboul and Vert, 2019);\n"
        "- *exact*: the exact potential at epsilon = 0, which is the default of otsort;\n"
        "- *solution*: the converged potential, which is a perfect warm start.\n\n"
        "The error of a gradient has two parts. The first part is the same for all differentiations, and the second "
        "part has a different cause for each:\n\n"
        "- *Point error*: the plan is computed from a potential that has not converged. This error remains even if the "
        "derivative of the potential is that of the converged potential.\n"
        "- *Linearisation error* of implicit differentiation: the equations are linearised at a potential that has "
        "not converged.\n"
        "- *Truncation error* of unrolling: the start has a wrong derivative, and the sweeps have not yet removed its "
        "influence. With the start *solution*, this is the only error."
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
        # Methods that are compared with each other run in turn.
        order = lambda case: (case.program, lists.index((case.data, case.epsilon)), case.start)
        return sorted(dict.fromkeys(cases), key=order)

    def places(self) -> list[tuple[int, int, str]]:
        """Returns all combinations of n, m and dtype, first the central one."""
        return [(self.n, self.n, "float64"), (self.n, self.n, "float32"), *((*size, "float64") for size in self.sizes)]
