"""Unrolled against implicit derivatives of soft ranks, before and after convergence."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float
from matplotlib.figure import Figure

import otsort

from ..._differentiation import solution_of
from .._outside import jaxopt_potential, ott_ranks
from .._reading import compiled, lowered
from .._sweeps import DIFFERENTIATIONS
from .._timing import seconds
from .._trial import REFERENCE_TOL, SEED
from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table

FLOOR = 10 * REFERENCE_TOL  # errors below it may be those of the reference
ENOUGH = 1e-3  # the gradient error that methods are asked for
CLEARLY = 0.9  # a ratio of errors that is no tie
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
        forward_seconds, gradient_seconds: of the compiled programs, medians; the second with the forward pass.
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

    def __call__(self, problem: otsort.Problem) -> Float[Array, " m"]:
        return jnp.where(self.exact, otsort.exact_start(problem), self.given)


#: `(x, epsilon, start, m, sweeps) -> ranks up to a constant, potential`.
Ranks = Callable[[Array, Array, Start, int, int], tuple[Float[Array, " n"], Float[Array, " m"]]]


def _ours(kind: Callable[..., otsort.AbstractSolver], differentiation: otsort.AbstractDifferentiation, extra: int):
    def ranks(x, epsilon, start, m, sweeps):
        solver = kind(epsilon=epsilon, tol=None, max_steps=sweeps - extra, differentiation=differentiation, start=start)
        plan: Any = otsort.solve(x, otsort.UniformTarget(m), solver=solver, throw=False).plan
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
STRATEGIES = [name for name in METHODS if name.startswith("LogSinkhorn")]
OWN_START = ("Sinkhorn Unrolled", "ott unrolled", "ott implicit")  # zero


def _dual(x: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> otsort.SemiDual:
    a = jnp.full_like(x, 1 / x.size)
    problem = otsort.Problem(otsort.squash.logistic(x, a), a, otsort.UniformTarget(m, x.dtype), otsort.SquaredCost())
    return otsort.SemiDual(problem, epsilon)


class _Truth(eqx.Module):
    gradient: Float[Array, " n"]
    potential: Float[Array, " m"]
    rate: Float[Array, ""]


@eqx.filter_jit
def _solve(x: Float[Array, " n"], weights: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> _Truth:
    solver = otsort.Newton(epsilon, tol=REFERENCE_TOL, differentiation=otsort.Implicit())

    def total(x):
        solution = otsort.solve(x, otsort.UniformTarget(m), solver=solver, throw=False)
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
        few_sweeps: those of the other methods.
        budget: that of sizes and float32, one of the few.
        sizes: other (n, m).
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
    dtype: ClassVar[str] = "float64 and float32, see the rows"
    row: ClassVar[type] = Gradient

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

    def cases(self) -> list[Case]:
        here = [(name, self.epsilon) for name in self.data[:2]]
        lists = [(name, self.epsilon) for name in self.data]
        lists += [(name, epsilon) for epsilon in self.epsilons for name in self.data[:2]]
        centre = (self.n, self.n, "float64")
        others = [name for name in METHODS if name not in MAIN]
        blocks: list[tuple[Any, ...]] = [
            (centre, self.sweeps, lists, MAIN),
            (centre, self.few_sweeps, here, others),
            *((place, (self.budget,), here, STRATEGIES) for place in self._places()[1:]),
        ]
        settings = [
            Setting._make((*place, sweeps, data, epsilon, start, method))
            for place, budgets, chosen, methods in blocks
            for sweeps, (data, epsilon), start, method in itertools.product(budgets, chosen, STARTS, methods)
            if start == "zero" or method not in OWN_START
        ]
        # Methods that are compared run in turn.
        order = lambda setting: (setting[:4], lists.index((setting.data, setting.epsilon)), setting.start)
        return [tuple(setting) for setting in sorted(dict.fromkeys(settings), key=order)]

    def _places(self) -> list[tuple[int, int, str]]:
        """n, m and dtype, first those of the centre."""
        return [(self.n, self.n, "float64"), (self.n, self.n, "float32"), *((*size, "float64") for size in self.sizes)]

    def measure(self, cases: Sequence[Case]) -> Iterator[Gradient]:
        for _, group in itertools.groupby((Setting(*case) for case in cases), key=lambda setting: setting[:4]):
            group = list(group)
            programs = self._programs(group)
            times = self._times(group, programs)
            for setting in group:
                program = programs[setting.method]
                taken = times.get(setting.method, (np.nan, np.nan))
                yield Gradient(*setting, program) if isinstance(program, str) else self._run(setting, program, *taken)

    def _programs(self, settings: Sequence[Setting]) -> dict[str, _Programs | str]:
        """Of each method, or why there are none."""
        programs: dict[str, _Programs | str] = {}
        for method, setting in {setting.method: setting for setting in settings}.items():
            try:
                programs[method] = _lowered(setting, self._arguments(setting))
            except ModuleNotFoundError:
                programs[method] = "not installed"
            except Exception as error:  # whatever it is, it is the outcome
                programs[method] = f"raised {type(error).__name__}"
        done = compiled(itertools.chain(*(pair for pair in programs.values() if not isinstance(pair, str))))
        return {
            method: pair if isinstance(pair, str) else _Programs(next(done), next(done))
            for method, pair in programs.items()
        }

    def _times(self, settings: Sequence[Setting], programs: dict[str, _Programs | str]) -> dict[str, tuple[float, ...]]:
        """Seconds of the programs of each method, in turn; they do not depend on the values."""
        calls = {}
        for method, setting in {setting.method: setting for setting in settings}.items():
            x, *rest = self._arguments(setting)
            both = [lambda x, run=run, rest=rest: run(x, *rest) for run in programs[method] if callable(run)]
            try:
                jax.block_until_ready([call(x) for call in both])
            except Exception:  # its row will say so
                continue
            calls[method] = both
        times = iter(seconds([call for both in calls.values() for call in both], self._arguments(settings[0])[0]))
        return {method: tuple(next(times) for _ in both) for method, both in calls.items() if both}

    def _arguments(self, setting: Setting) -> tuple[Array, Array, Array, Start]:
        x, weights, epsilon, truth = self._truth(setting.data, setting.n, setting.m, setting.epsilon)
        given = truth.potential if setting.start == "solution" else jnp.zeros(setting.m)
        cast = lambda array: array.astype(setting.dtype)
        return cast(x), cast(weights), cast(epsilon), Start(jnp.asarray(setting.start == "exact"), cast(given))

    def _truth(self, data: str, n: int, m: int, epsilon: float) -> tuple[Array, Array, Array, _Truth]:
        """Numbers that float32 holds, so that both precisions see the same problem."""
        return _reference(data, n, m, epsilon, self.seed)

    def _run(self, setting: Setting, program: _Programs, forward_seconds: float, gradient_seconds: float) -> Gradient:
        x, weights, epsilon, truth = self._truth(setting.data, setting.n, setting.m, setting.epsilon)
        arguments = self._arguments(setting)
        try:
            gradient, potential = program.gradient(*arguments)
        except Exception as error:  # whatever it is, it is the outcome
            return Gradient(*setting, f"raised {type(error).__name__}")
        point, marginal_error = _at(potential.astype(float), truth, x, weights, epsilon)
        norm = jnp.linalg.norm(truth.gradient)
        distance = lambda one, other: float(jnp.linalg.norm(one - other) / norm)
        finite = bool(jnp.all(jnp.isfinite(gradient)))
        return Gradient(
            *setting,
            outcome="no reference" if bool(jnp.isnan(norm)) else "finite" if finite else "not finite",
            rate=float(truth.rate),
            marginal_error=float(marginal_error),
            gradient_error=distance(gradient, truth.gradient),
            point_error=distance(point, truth.gradient),
            derivative_error=distance(gradient, point),
            forward_seconds=forward_seconds,
            gradient_seconds=gradient_seconds,
            scratch_bytes=float(program.gradient.memory_analysis().temp_size_in_bytes),
        )

    def report(self, rows: Sequence[Gradient]) -> Report:
        finite = _where(rows, outcome="finite")
        centre = _where(finite, n=self.n, m=self.n, dtype="float64")
        parts = [_winner(centre), self._budgets(centre), _reason(centre), _laws(centre)]
        parts += [self._cost(centre), self._methods(rows), self._elsewhere(finite)]
        figures = {"gradients-errors": self._draw_errors(centre), "gradients-cost": self._draw_cost(centre)}
        return Report("\n\n".join(parts), figures)

    def _budgets(self, rows: Sequence[Gradient]) -> str:
        rows, table = _where(rows, epsilon=self.epsilon), []
        for sweeps in self.sweeps:
            line = [str(sweeps)]
            if not any(_pairs(_where(rows, sweeps=sweeps), start) for start in ("zero", "exact")):
                continue
            for start in ("zero", "exact"):
                unrolled, implicit = (_where(rows, sweeps=sweeps, start=start, method=method) for method in MAIN)
                line += [_median(implicit, "marginal_error"), _median(implicit, "gradient_error")]
                line += [_median(unrolled, "gradient_error"), _spread(_ratios([*unrolled, *implicit], start))]
            truncated = _where(rows, sweeps=sweeps, start="solution", method=MAIN[0])
            table.append([*line, _median(truncated, "gradient_error")])
        names = ("marginal error", "implicit", "unrolled", "unrolled / implicit")
        headers = ["sweeps", *(f"{start}: {name}" for start in ("zero", "exact") for name in names)]
        warm = _grouped(_where(rows, start="solution", method=MAIN[0]), "sweeps")
        reached = [sweeps for (sweeps,), group in warm.items() if _error(group) <= ENOUGH]
        return (
            "From the converged potential itself, a perfect warm start, the implicit gradient is exact; the unrolled "
            f"one has an error of at most {ENOUGH:g} in the median list "
            + (f"from {reached[0]} sweeps on" if reached else "at no budget")
            + f", at epsilon = {self.epsilon:g}.\n\n"
            f"Gradient errors at epsilon = {self.epsilon:g}, medians over {len(self.data)} lists, and ratios with "
            f"their range, where an error is above {FLOOR:g}:\n\n"
            + markdown_table(table, [*headers, "solution: unrolled"])
        )

    def _cost(self, rows: Sequence[Gradient]) -> str:
        seconds, memory = (
            {
                (method, sweeps): np.median(_all(_where(rows, method=method, sweeps=sweeps), name))
                for method in MAIN
                for sweeps in self.sweeps
            }
            for name in ("gradient_seconds", "scratch_bytes")
        )
        unrolled, implicit = ((method, self.sweeps[-1]) for method in MAIN)
        faster = [str(sweeps) for sweeps in self.sweeps if seconds[MAIN[0], sweeps] < seconds[MAIN[1], sweeps]]
        return (
            f"**What it costs.** At n = m = {self.n} and {self.sweeps[-1]} sweeps the forward and backward pass by "
            f"unrolling takes {seconds[unrolled] / seconds[implicit]:.1f} times as long as by implicit "
            f"differentiation, and {memory[unrolled] / memory[implicit]:.0f} times the scratch memory. "
            + (f"Unrolling is faster at these budgets: {', '.join(faster)}." if faster else "It is faster at none.")
        )

    def _methods(self, rows: Sequence[Gradient]) -> str:
        rows, table = _where(rows, n=self.n, m=self.n, dtype="float64"), []
        for method in METHODS:
            mine = _where(rows, method=method)
            here = [row for row in mine if row.data in self.data[:2] and row.epsilon == self.epsilon]
            line = [method, ", ".join(dict.fromkeys(_all(_where(here, sweeps=self.budget), "outcome")))]
            line += [
                _median(_where(here, sweeps=self.budget, start=start), "gradient_error") for start in ("zero", "exact")
            ]
            # A program's time does not depend on what it is given.
            at = _where(mine, sweeps=self.budget)
            line += [_median(at, name, 1e3) for name in ("forward_seconds", "gradient_seconds")]
            line += [_median(at, "scratch_bytes", 2**-20)]
            for start in ("zero", "exact"):
                good = [
                    sweeps
                    for (sweeps,), group in _grouped(_where(here, start=start), "sweeps").items()
                    if sweeps in self.few_sweeps and _error(group) <= ENOUGH
                ]
                seconds = [
                    (np.median(_all(_where(mine, sweeps=sweeps), "gradient_seconds")), sweeps) for sweeps in good
                ]
                line.append(f"{1e3 * min(seconds)[0]:.3g} ({min(seconds)[1]})" if seconds else "")
            table.append(line)
        headers = ["method", "outcome", "error from zero", "from exact", "forward ms", "gradient ms", "scratch MiB"]
        headers += [f"ms to {ENOUGH:g} from zero", "from exact"]
        return (
            f"All methods at {self.budget} sweeps (of Newton, steps) and epsilon = {self.epsilon:g}, errors medians "
            f"over {' and '.join(self.data[:2])}; gradient times include the forward pass. The last columns are the "
            f"least time at which one of {', '.join(map(str, self.few_sweeps))} sweeps, in brackets, brings the error "
            f"to {ENOUGH:g}, empty where none does.\n\n" + markdown_table(table, headers)
        )

    def _elsewhere(self, rows: Sequence[Gradient]) -> str:
        table = []
        for n, m, dtype in self._places():
            here = _where(rows, n=n, m=m, dtype=dtype, sweeps=self.budget, epsilon=self.epsilon)
            here = [row for row in here if row.data in self.data[:2]]
            line = [str(n), str(m), dtype]
            for method in MAIN:
                line.append(_median(_where(here, method=method, start="exact"), "gradient_error"))
            for method in STRATEGIES:
                mine = _where(here, method=method)
                line.append(f"{_median(mine, 'gradient_seconds', 1e3)} / {_median(mine, 'scratch_bytes', 2**-20)}")
            table.append(line)
        names = [name.removeprefix("LogSinkhorn ") for name in STRATEGIES]
        headers = ["n", "m", "dtype", "error, unrolled", "error, implicit", *(f"{name}: ms / MiB" for name in names)]
        return (
            f"Sizes and dtypes at {self.budget} sweeps from exact: errors, and time and scratch memory of the gradient."
            f"\n\n{markdown_table(table, headers)}"
        )

    def _draw_errors(self, rows: Sequence[Gradient]) -> tuple[Figure, str]:
        figure = Figure(figsize=(13, 4.6), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        here = [row for row in rows if row.epsilon == self.epsilon and row.data == self.data[0]]
        for start, axes in zip(STARTS, panels, strict=True):
            unrolled, implicit = (_where(here, start=start, method=method) for method in MAIN)
            for some, name, style, label in (
                (implicit, "marginal_error", "k:", "marginal error"),
                (implicit, "point_error", "C7-", "point error, common"),
                (implicit, "gradient_error", "C0o-", "implicit"),
                (implicit, "derivative_error", "C0--", "linearisation part"),
                (unrolled, "gradient_error", "C1s-", "unrolled"),
                (unrolled, "derivative_error", "C1--", "truncation part"),
            ):
                points = [(row.sweeps, getattr(row, name)) for row in some if getattr(row, name) > FLOOR]
                if points:
                    axes.plot(*zip(*points, strict=True), style, label=label, markersize=4)
            axes.set(xscale="log", yscale="log", xlabel="sweeps", title=f"start: {start}", ylim=(FLOOR, 2))
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small")
        panels[0].set_ylabel("relative l2 error of the gradient; L1 marginal error")
        where = f"{self.data[0]}, n = m = {self.n}, epsilon = {self.epsilon:g}, float64"
        figure.suptitle(f"The gradient after a fixed number of LogSinkhorn sweeps: {where}")
        return figure, f"Errors against the number of sweeps, from three starts ({where}); none below {FLOOR:g}."

    def _draw_cost(self, rows: Sequence[Gradient]) -> tuple[Figure, str]:
        figure = Figure(figsize=(13, 4.6), layout="constrained")
        ratio, seconds, memory = figure.subplots(1, 3)
        for start, style in (("zero", "C0o"), ("exact", "C1^")):
            pairs = _pairs(rows, start)
            across = [row.sweeps * (1 - row.rate) for row, _ in pairs]
            ratio.plot(across, _ratios(rows, start), style, label=f"start: {start}", markersize=3, alpha=0.6)
        ratio.axhline(1, color="0.5")
        ratio.set(xscale="log", yscale="log", xlabel="sweeps x (1 - rho)", ylabel="error, unrolled / implicit")
        for color, method in enumerate(dict.fromkeys(_all(rows, "method"))):
            groups = _grouped(_where(rows, method=method), "sweeps")
            sweeps = [sweeps for (sweeps,) in groups]
            for axes, name, scale in ((seconds, "gradient_seconds", 1e3), (memory, "scratch_bytes", 2**-20)):
                medians = [scale * np.median(_all(group, name)) for group in groups.values()]
                axes.plot(sweeps, medians, "o-", color=f"C{color}", label=method, markersize=3)
            if method in MAIN:
                medians = [1e3 * np.median(_all(group, "forward_seconds")) for group in groups.values()]
                seconds.plot(sweeps, medians, ":", color=f"C{color}")
        seconds.set(
            xscale="log", yscale="log", xlabel="sweeps", ylabel="forward and backward pass, ms (dotted: forward alone)"
        )
        memory.set(xscale="log", yscale="log", xlabel="sweeps", ylabel="scratch memory of the gradient, MiB")
        for axes in (ratio, seconds, memory):
            axes.grid(alpha=0.3)
        ratio.legend(fontsize="small")
        memory.legend(fontsize="x-small")
        return figure, (
            "Left: error of the unrolled over that of the implicit gradient, all lists and epsilon, against the number "
            "of sweeps in units of 1 / (1 - rho), above 1 where implicit differentiation is better. Middle and right: "
            f"medians of time and scratch memory at n = m = {self.n}, float64."
        )


def _winner(rows: Sequence[Gradient]) -> str:
    lines, clear, total = [], 0, 0
    for start in ("zero", "exact"):
        ratios = np.asarray(_ratios(rows, start))
        if not ratios.size:
            continue
        budgets = [unrolled.sweeps for unrolled, implicit in _pairs(rows, start) if _ratio(unrolled, implicit) < 1]
        where = f", at {min(budgets)} to {max(budgets)} sweeps, by {1 - ratios.min():.1%} at most" if budgets else ""
        lines.append(
            f"- From {start} it is the more accurate one at {len(budgets)} of {ratios.size} points{where}. Its error "
            f"is {np.median(ratios):.2g} times that of the implicit gradient in the median, {ratios.max():.2g} at most."
        )
        clear, total = clear + int((ratios < CLEARLY).sum()), total + ratios.size
    answer = f"at {clear} of {total} points" if clear or not total else "at no budget measured: there is no crossover"
    return (
        f"**The unrolled gradient is more accurate than the implicit one by more than {1 - CLEARLY:.0%} {answer}.** "
        f"Points are lists, epsilons and budgets at which one of the errors is above {FLOOR:g}.\n\n" + "\n".join(lines)
    )


def _reason(rows: Sequence[Gradient]) -> str:
    lines = []
    for start in ("zero", "exact"):
        unrolled, implicit = ([pair[side] for pair in _pairs(rows, start)] for side in (0, 1))
        smaller = np.less(_all(unrolled, "derivative_error"), _all(implicit, "derivative_error")).sum()
        lines.append(
            f"- From {start} the point error is {_share(implicit, 'point_error', 'gradient_error')} of the error of "
            f"the implicit gradient and {_share(unrolled, 'point_error', 'gradient_error')} of that of the unrolled "
            f"one. The linearisation error is {_share(implicit, 'derivative_error', 'point_error')} of the point error "
            f"(and {_share(implicit, 'derivative_error', 'marginal_error')} of the marginal error), the truncation "
            f"error {_share(unrolled, 'derivative_error', 'point_error')}: it is the smaller one at {smaller} of "
            f"{len(unrolled)} points."
        )
    return (
        "**Why.** A potential that has not converged spoils the gradient before it is differentiated, and both ways "
        "share that. What implicit differentiation adds shrinks with the marginal error, so that a good start makes it "
        "small at once; what unrolling adds depends on the derivative of the start, and shrinks with the number of "
        "sweeps. Medians over the points:\n\n" + "\n".join(lines)
    )


def _share(rows: Sequence[Gradient], part: str, whole: str) -> str:
    return f"{np.median([getattr(row, part) / getattr(row, whole) for row in rows]):.2f}" if rows else "unknown"


def _laws(rows: Sequence[Gradient]) -> str:
    table, powers = [], {}
    for label, name, method, start in (
        *(("marginal", "marginal_error", MAIN[1], start) for start in ("zero", "exact")),
        *(("point", "point_error", MAIN[1], start) for start in ("zero", "exact")),
        *(("linearisation", "derivative_error", MAIN[1], start) for start in ("zero", "exact")),
        *(("truncation", "derivative_error", MAIN[0], start) for start in STARTS),
    ):
        curves = _grouped(_where(rows, start=start, method=method), "data", "epsilon").values()
        fits = [fit for curve in curves if (fit := _law(curve, name))]
        columns = [[fit[i] for fit in fits] for i in range(3)]
        powers[label, start] = float(np.median(columns[1])) if fits else np.nan
        table.append([label, start, str(len(fits)), *map(_spread, columns)])
    found = {start: powers["truncation", start] for start in ("zero", "exact")}
    if np.isnan([*found.values()]).any():
        verdict = "There are too few budgets for that."
    else:
        said = ", ".join(f"{power:.2f} from {start}" for start, power in found.items())
        if max(found.values()) > 0.5:
            seen = "the factor l shows, and more sweeps part the two ways further"
        else:
            seen = "the factor l does not show, and both ways converge at one rate, with a constant between them"
        times = " and ".join(f"{_late_ratio(rows, start)} times (from {start})" for start in found)
        verdict = (
            f"Of truncation p is {said} in the median: {seen}. At such budgets the truncation error is, in the median, "
            f"{times} the linearisation error."
        )
    return (
        "**How fast.** A sweep multiplies a small error of the potential by rho, the second largest eigenvalue of its "
        "derivative. After l sweeps theory lets every error fall as rho^l, and what unrolling adds as l rho^l unless "
        "it starts from the solution, as the sweeps on the way have derivatives that are off by rho, rho^2, ... too. "
        "Fitted is C l^p rho^l to budgets l >= 1 / (1 - rho), with that eigenvalue, where at least three of them are "
        f"above {FLOOR:g}. {verdict} The slope is that of the logarithm of the error, over log rho: 1 where the "
        "eigenvalue explains it.\n\n" + markdown_table(table, ["error", "start", "curves", "slope", "p", "C"])
    )


def _late_ratio(rows: Sequence[Gradient], start: str) -> str:
    """Truncation over linearisation error, past the first 1 / (1 - rho) sweeps."""
    ratios = [
        unrolled.derivative_error / implicit.derivative_error
        for unrolled, implicit in _pairs(rows, start)
        if unrolled.sweeps * (1 - unrolled.rate) >= 1
    ]
    return f"{np.median(ratios):.2g}"


def _law(rows: Sequence[Gradient], name: str) -> tuple[float, float, float] | None:
    """Slope of the logarithm over log rho, and p and C of C l^p rho^l; None for fewer than three points."""
    points = [row for row in rows if row.sweeps * (1 - row.rate) >= 1 and getattr(row, name) > FLOOR]
    if len(points) < 3:
        return None
    sweeps, logs, rate = np.asarray(_all(points, "sweeps")), np.log(_all(points, name)), np.log(points[0].rate)
    slope, _ = np.polyfit(sweeps, logs, 1)
    exponent, constant = np.polyfit(np.log(sweeps), logs - sweeps * rate, 1)
    return float(slope / rate), float(exponent), float(np.exp(constant))


def _pairs(rows: Sequence[Gradient], start: str) -> list[tuple[Gradient, Gradient]]:
    """The unrolled and the implicit gradient of a point, where one of them can be told from the reference."""
    unrolled, implicit = (
        {(row.sweeps, row.data, row.epsilon): row for row in _where(rows, start=start, method=method)}
        for method in MAIN
    )
    pairs = [(row, implicit[point]) for point, row in unrolled.items() if point in implicit]
    return [pair for pair in pairs if max(row.gradient_error for row in pair) > FLOOR]


def _ratio(unrolled: Gradient, implicit: Gradient) -> float:
    return unrolled.gradient_error / implicit.gradient_error


def _ratios(rows: Sequence[Gradient], start: str) -> list[float]:
    return [_ratio(*pair) for pair in _pairs(rows, start)]


def _error(rows: Sequence[Gradient]) -> float:
    return float(np.median(_all(rows, "gradient_error"))) if rows else np.nan


def _where(rows: Sequence[Gradient], **fixed: Any) -> list[Gradient]:
    return [row for row in rows if all(getattr(row, name) == value for name, value in fixed.items())]


def _grouped(rows: Sequence[Gradient], *names: str) -> dict[tuple[Any, ...], list[Gradient]]:
    groups: dict[tuple[Any, ...], list[Gradient]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
    return groups


def _all(rows: Sequence[Gradient], name: str) -> list[Any]:
    return [getattr(row, name) for row in rows]


def _median(rows: Sequence[Gradient], name: str, scale: float = 1) -> str:
    """Empty where there is none; errors below the floor say no more than that."""
    number = scale * np.median(_all(rows, name)) if rows else np.nan
    if np.isnan(number):
        return ""
    if not name.endswith("error"):
        return f"{number:.3g}" if number < 1000 else f"{number:.0f}"
    return f"{number:.1e}" if number > FLOOR else f"< {FLOOR:.0e}"


def _spread(numbers: Sequence[float]) -> str:
    return f"{np.median(numbers):.2g} [{min(numbers):.2g}, {max(numbers):.2g}]" if len(numbers) else ""


def _lowered(setting: Setting, arguments: tuple[Any, ...]) -> _Programs:
    def total(x, weights, epsilon, start):
        ranks, potential = METHODS[setting.method](x, epsilon, start, setting.m, setting.sweeps)
        return jnp.vdot(weights, ranks), potential

    forward, gradient = jax.jit(lambda *arguments: total(*arguments)[0]), jax.jit(jax.grad(total, has_aux=True))
    return _Programs(lowered(forward, *arguments), lowered(gradient, *arguments))


@functools.lru_cache(maxsize=64)
def _reference(data: str, n: int, m: int, epsilon: float, seed: int) -> tuple[Array, Array, Array, _Truth]:
    single = lambda array: jnp.asarray(array, jnp.float32).astype(float)
    x = jnp.asarray(values(data, n, seed))
    weights, epsilon64 = single(np.random.default_rng(SEED).normal(size=n)), single(epsilon)
    return x, weights, epsilon64, _solve(x, weights, epsilon64, m)
