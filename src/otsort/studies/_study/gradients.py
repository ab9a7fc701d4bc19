"""Unrolled against implicit derivatives of soft ranks, before and after convergence."""

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float
from matplotlib.figure import Figure
from tabulate import tabulate

import otsort

from ..._differentiation import solution_of
from ..._problem import Problem
from ..._target import UniformTarget
from .._outside import jaxopt_potential, ott_ranks
from .._reading import compiled
from .._sweeps import DIFFERENTIATIONS
from .._trial import REFERENCE_TOL, SEED
from .._values import values
from .base import AbstractStudy, Case, Report

FLOOR = 10 * REFERENCE_TOL  # errors below it may be those of the reference
MAIN = ("LogSinkhorn Unrolled", "LogSinkhorn Implicit")
STARTS = ("zero", "exact", "solution")


class Setting(NamedTuple):
    """One gradient.

    Attributes:
        n, m: number of values and of targets.
        dtype: of the computation.
        sweeps: number of them, with those that OneStep takes last; of Newton the number of steps.
        data: name of the values.
        epsilon: regularisation.
        start: zero, the paper's; exact, the potential at epsilon = 0, with its derivative; or solution, the converged
            potential as a constant: a perfect warm start.
        method: solver and differentiation.
    """

    n: int
    m: int
    dtype: str
    sweeps: int
    data: str
    epsilon: float
    start: str
    method: str


@dataclass(frozen=True)
class Gradient:
    """What one gradient is worth and costs; a number that does not exist is NaN.

    Attributes:
        n, m, dtype, sweeps, data, epsilon, start, method: the setting.
        outcome: finite, not finite, no reference, not installed, or the exception that was raised.
        rate: second largest eigenvalue of the derivative of a sweep at the solution: what an error is multiplied by.
        marginal_error: of the plan that was reached.
        gradient_error: relative l2 distance from the gradient at the solution.
        point_error: the same of the gradient at the potential that was reached, with the right derivative of it:
            what no differentiation can remove.
        derivative_error: distance between these two gradients, over the norm of that at the solution: the part of the
            differentiation; a linearisation error or a truncation error.
        forward_seconds, gradient_seconds: of one call, compiled before; the second with the forward pass.
        scratch_bytes: of the compiled gradient.
    """

    n: int
    m: int
    dtype: str
    sweeps: int
    data: str
    epsilon: float
    start: str
    method: str
    outcome: str
    rate: float = np.nan
    marginal_error: float = np.nan
    gradient_error: float = np.nan
    point_error: float = np.nan
    derivative_error: float = np.nan
    forward_seconds: float = np.nan
    gradient_seconds: float = np.nan
    scratch_bytes: float = np.nan


class Start(eqx.Module):
    """All starts in one program: the exact potential, differentiable, or a given constant."""

    exact: Bool[Array, ""]
    given: Float[Array, " m"]

    def __call__(self, problem: Problem) -> Float[Array, " m"]:
        return jnp.where(self.exact, otsort.exact_start(problem), self.given)


#: `(x, epsilon, start, m, sweeps) -> ranks up to a constant, potential`.
Ranks = Callable[[Array, Array, Start, int, int], tuple[Float[Array, " n"], Float[Array, " m"]]]


def _ours(kind: Callable[..., otsort.AbstractSolver], differentiation: otsort.AbstractDifferentiation, extra: int):
    def ranks(x, epsilon, start, m, sweeps):
        solver = kind(
            epsilon=epsilon, tol=None, max_steps=sweeps - extra, differentiation=differentiation, start=start
        )
        plan: Any = otsort.solve(x, UniformTarget(m), solver=solver, throw=False).plan
        return x.size * plan.level(0.5), plan.potential

    return ranks


def _jaxopt(x, epsilon, start, m, sweeps):
    dual = _dual(x, epsilon, m)
    potential = jaxopt_potential(dual, start(dual.problem), sweeps)
    return x.size * otsort.EntropicPlan(dual, potential).level(0.5), potential


def _ott(implicit: bool, x, epsilon, start, m, sweeps):
    return ott_ranks(x, epsilon, m, sweeps, implicit), jnp.full(m, jnp.nan)


METHODS: dict[str, Ranks] = {
    **{f"LogSinkhorn {name}": _ours(otsort.LogSinkhorn, *strategy) for name, strategy in DIFFERENTIATIONS.items()},
    "LogSinkhorn Checkpointed": _ours(otsort.LogSinkhorn, otsort.Checkpointed(), 0),
    "Sinkhorn Unrolled": _ours(lambda start, **rest: otsort.Sinkhorn(**rest), otsort.Unrolled(), 0),
    "AndersonSinkhorn Implicit": _ours(otsort.AndersonSinkhorn, otsort.Implicit(), 0),
    "Newton Implicit": _ours(otsort.Newton, otsort.Implicit(), 0),
    "jaxopt implicit": _jaxopt,
    "ott unrolled": functools.partial(_ott, False),
    "ott implicit": functools.partial(_ott, True),
}
OWN_START = ("Sinkhorn Unrolled", "ott unrolled", "ott implicit")  # zero


def _dual(x: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> otsort.SemiDual:
    a = jnp.full_like(x, 1 / x.size)
    problem = Problem(otsort.squash.logistic(x, a), a, UniformTarget(m, x.dtype), otsort.SquaredCost())
    return otsort.SemiDual(problem, epsilon)


class _Truth(eqx.Module):
    gradient: Float[Array, " n"]
    potential: Float[Array, " m"]
    rate: Float[Array, ""]


@eqx.filter_jit
def _solve(x: Float[Array, " n"], weights: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> _Truth:
    solver = otsort.Newton(epsilon, tol=REFERENCE_TOL, differentiation=otsort.Implicit())

    def total(x):
        solution = otsort.solve(x, UniformTarget(m), solver=solver, throw=False)
        return x.size * jnp.vdot(weights, solution.plan.level(0.5)), solution

    gradient, solution = jax.grad(total, has_aux=True)(x)
    coupling, _ = solution.plan.dual.coupling(solution.plan.potential)
    good = solution.stats["marginal_error"] <= REFERENCE_TOL  # a solver may raise its tolerance
    # A sweep is f - epsilon log s, its derivative at the solution W diag(b), with b = 1 / m.
    rate = jnp.linalg.eigvalsh(coupling / m)[-2]
    return _Truth(jnp.where(good, gradient, jnp.nan), solution.plan.potential, rate)


@eqx.filter_jit
def _at(
    potential: Float[Array, " m"],
    truth: _Truth,
    x: Float[Array, " n"],
    weights: Float[Array, " n"],
    epsilon: Float[Array, ""],
) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """The gradient read at a potential whose derivative is that of the solution, and its marginal error."""

    def total(x):
        dual = _dual(x, epsilon, potential.size)
        right = solution_of(truth.potential, dual)
        plan = otsort.EntropicPlan(dual, potential + right - stop_gradient(right))
        return x.size * jnp.vdot(weights, plan.level(0.5)), plan.marginal_error()

    return jax.grad(total, has_aux=True)(x)


class _Programs(NamedTuple):
    forward: Any
    gradient: Any


@dataclass(frozen=True)
class Gradients(AbstractStudy):
    """Errors and costs of gradients around one setting, n = m values in float64 at one epsilon.

    Attributes:
        data: names of values; those after the first two at the one epsilon only.
        n: how many of each, and of targets.
        epsilon: where nothing else is said.
        epsilons: the others.
        sweeps: budgets of `LogSinkhorn`, unrolled and implicit.
        few_sweeps: those of the other methods, and of float32.
        sizes: other (n, m).
        size_sweeps: the budget there.
        seed: of the values.
    """

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
    row: ClassVar[type] = Gradient

    data: tuple[str, ...] = (
        *("normal", "digits ink", "uniform", "exponential", "cauchy", "two clusters", "rounded"),
        *("diabetes s2", "diabetes bmi", "cancer mean radius", "cancer area error", "wine proline"),
    )
    n: int = 100
    epsilon: float = 0.01
    epsilons: tuple[float, ...] = (0.1, 0.03, 0.003, 0.001)
    sweeps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    few_sweeps: tuple[int, ...] = (8, 32, 128)
    sizes: tuple[tuple[int, int], ...] = ((30, 30), (300, 300), (500, 500), (500, 50), (50, 500))
    size_sweeps: int = 64
    seed: int = 1

    @classmethod
    def quick(cls) -> "Gradients":
        return cls(
            data=("normal", "digits ink"),
            epsilons=(0.1,),
            sweeps=(1, 8, 64),
            few_sweeps=(8,),
            sizes=(),
        )

    def cases(self) -> list[Case]:
        core = self.data[:2]
        centre = (self.n, self.n, "float64")
        lists = [(name, self.epsilon) for name in self.data]
        lists += [(name, epsilon) for epsilon in self.epsilons for name in core]
        here = [(name, self.epsilon) for name in core]
        others = [name for name in METHODS if name not in MAIN]
        by_size = [name for name in METHODS if name.startswith("LogSinkhorn")]
        blocks: list[tuple[Any, ...]] = [
            (centre, self.sweeps, lists, MAIN),
            (centre, self.few_sweeps, here, others),
            ((self.n, self.n, "float32"), self.few_sweeps, here, MAIN),
            *(((*size, "float64"), (self.size_sweeps,), here, by_size) for size in self.sizes),
        ]
        settings = [
            Setting(*place, sweeps, data, epsilon, start, method)
            for place, budgets, lists, methods in blocks
            for sweeps, (data, epsilon), start, method in itertools.product(budgets, lists, STARTS, methods)
            if start == "zero" or method not in OWN_START
        ]
        # Methods that are compared run in turn.
        order = lambda setting: (setting[:4], (*lists,).index((setting.data, setting.epsilon)), setting.start)
        return [tuple(setting) for setting in sorted(dict.fromkeys(settings), key=order)]

    def measure(self, cases: Sequence[Case]) -> Iterator[Gradient]:
        for _, group in itertools.groupby([Setting(*case) for case in cases], key=lambda setting: setting[:4]):
            group = list(group)
            programs = self._programs(group)
            for setting in group:
                program = programs[setting.method]
                yield Gradient(*setting, **(
                    {"outcome": program} if isinstance(program, str) else self._measured(setting, program)
                ))

    def _programs(self, settings: Sequence[Setting]) -> dict[str, _Programs | str]:
        """Of each method, or why there is none."""
        programs: dict[str, _Programs | str] = {}
        for setting in settings:
            if setting.method not in programs:
                try:
                    programs[setting.method] = self._lowered(setting)
                except ModuleNotFoundError:
                    programs[setting.method] = "not installed"
                except Exception as error:  # whatever it is, it is the outcome
                    programs[setting.method] = f"raised {type(error).__name__}"
        lowered = {method: pair for method, pair in programs.items() if not isinstance(pair, str)}
        done = compiled(itertools.chain(*lowered.values()))
        return programs | {method: _Programs(next(done), next(done)) for method in lowered}

    def _lowered(self, setting: Setting) -> _Programs:
        def total(x, weights, epsilon, start):
            ranks, potential = METHODS[setting.method](x, epsilon, start, setting.m, setting.sweeps)
            return jnp.vdot(weights, ranks), potential

        arguments = self._arguments(setting)
        forward = jax.jit(lambda *arguments: total(*arguments)[0])
        return _Programs(
            forward.lower(*arguments), jax.jit(jax.grad(total, has_aux=True)).lower(*arguments)
        )

    def _arguments(self, setting: Setting) -> tuple[Array, Array, Array, Start]:
        x, weights, epsilon, truth = self._truth(setting.data, setting.n, setting.m, setting.epsilon)
        given = truth.potential if setting.start == "solution" else jnp.zeros(setting.m)
        cast = lambda array: array.astype(setting.dtype)
        return cast(x), cast(weights), cast(epsilon), Start(jnp.asarray(setting.start == "exact"), cast(given))

    def _truth(self, data: str, n: int, m: int, epsilon: float) -> tuple[Array, Array, Array, _Truth]:
        """Numbers that float32 holds, so that both precisions see the same problem."""
        return _reference(data, n, m, epsilon, self.seed)

    def _measured(self, setting: Setting, program: _Programs) -> dict[str, Any]:
        x, weights, epsilon, truth = self._truth(setting.data, setting.n, setting.m, setting.epsilon)
        arguments = self._arguments(setting)
        try:
            _, forward_seconds = _timed(program.forward, arguments)
            (gradient, potential), gradient_seconds = _timed(program.gradient, arguments)
        except Exception as error:  # whatever it is, it is the outcome
            return {"outcome": f"raised {type(error).__name__}"}
        point, marginal_error = _at(potential.astype(float), truth, x, weights, epsilon)
        norm = jnp.linalg.norm(truth.gradient)
        distance = lambda one, other: float(jnp.linalg.norm(one - other) / norm)
        finite = bool(jnp.all(jnp.isfinite(gradient)))
        return {
            "outcome": "no reference" if bool(jnp.isnan(norm)) else "finite" if finite else "not finite",
            "rate": float(truth.rate),
            "marginal_error": float(marginal_error),
            "gradient_error": distance(gradient, truth.gradient),
            "point_error": distance(point, truth.gradient),
            "derivative_error": distance(gradient, point),
            "forward_seconds": forward_seconds,
            "gradient_seconds": gradient_seconds,
            "scratch_bytes": float(program.gradient.memory_analysis().temp_size_in_bytes),
        }

    def report(self, rows: Sequence[Gradient]) -> Report:
        return Report("", {})


def _timed(program: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = jax.block_until_ready(program(*arguments))
    return result, time.perf_counter() - start


@functools.lru_cache(maxsize=64)
def _reference(data: str, n: int, m: int, epsilon: float, seed: int) -> tuple[Array, Array, Array, _Truth]:
    single = lambda array: jnp.asarray(array, jnp.float32).astype(float)
    x = jnp.asarray(values(data, n, seed))
    weights, epsilon64 = single(np.random.default_rng(SEED).normal(size=n)), single(epsilon)
    return x, weights, epsilon64, _solve(x, weights, epsilon64, m)
