"""What soft ranks cost against the number of values and targets, the batch and epsilon."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import otsort

from .._reading import compiled, lowered
from .._timing import seconds
from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table

SORT = "jnp.sort"  # the unit: it stands among the solvers, as None
SOLVERS: dict[str, Callable[[Array], otsort.AbstractSolver | None]] = {
    "Sinkhorn": lambda epsilon: otsort.Sinkhorn(epsilon),
    "LogSinkhorn": lambda epsilon: otsort.LogSinkhorn(epsilon),
    "AndersonSinkhorn": lambda epsilon: otsort.AndersonSinkhorn(epsilon),
    "Newton": lambda epsilon: otsort.Newton(epsilon),
    "Quadrature": lambda epsilon: otsort.Quadrature(epsilon),
    "NorthWestCorner": lambda _: otsort.NorthWestCorner(),
    SORT: lambda _: None,
}
MISSING = "\N{EN DASH}"
EXACT = ("NorthWestCorner", SORT)  # without epsilon
SOUND = ("converged", "fixed budget", "exact")
MEASURES = ("forward_seconds", "gradient_seconds", "gradient_bytes")


@dataclass(frozen=True)
class Cost:
    """What the soft ranks of a batch of lists cost; a number that was not measured is NaN.

    Attributes:
        n: values of each list.
        m: targets.
        batch: number of lists.
        epsilon: regularisation, 0 for an exact solver and for jnp.sort.
        solver: its name.
        entries: of the matrices that it works on, by its own count, times the batch.
        outcome: converged, fixed budget, exact, not converged, not finite, gradient not finite, too large (more entries
            than the study allows, not run) or failed (raised, as for lack of memory).
        forward_seconds, gradient_seconds: of one call on the batch, without compilation. The ranks of NorthWestCorner
            have gradient zero, which takes no time.
        gradient_bytes: scratch memory of the compiled gradient.
    """

    n: int
    m: int
    batch: int
    epsilon: float
    solver: str
    entries: int
    outcome: str
    forward_seconds: float
    gradient_seconds: float
    gradient_bytes: float


@dataclass(frozen=True)
class Sweep:
    """One factor, all others as they are at the centre.

    Attributes:
        factor: the field of a row that varies.
        title: of the pictures.
        settings: n, m, batch and epsilon.
    """

    factor: str
    title: str
    settings: list[tuple[int, int, int, float]]


@dataclass(frozen=True)
class Scaling(AbstractStudy):
    """Time and memory of every solver in one-factor sweeps.

    Attributes:
        solvers: names.
        n: values and targets of the centre, in one list.
        epsilon: of the centre.
        sizes: n = m.
        few: fixed number of targets.
        many: n with few targets.
        targets: m for n values.
        length: n = m of the lists of a batch.
        batches: numbers of lists.
        epsilons: at the centre.
        largest: a solver with more entries than this in its matrices is not run.
        seed: of the values and of the weights of the ranks whose sum is differentiated.
    """

    title: ClassVar[str] = "Scaling: time and memory of soft ranks"
    question: ClassVar[str] = (
        "What do soft ranks and their gradient cost with each solver, as the number n of values, the number m of "
        "targets, the number of lists and epsilon vary, one at a time? From which size on is Quadrature faster than "
        "Newton? Defaults of every solver, float32, normal values; the gradient is that of a weighted sum of the "
        "ranks. Times are medians of at most five calls, in turn with the other solvers on the same values, without "
        "compilation."
    )
    dtype: ClassVar[str] = "float32"
    row: ClassVar[type] = Cost

    solvers: tuple[str, ...] = tuple(SOLVERS)
    n: int = 300
    epsilon: float = 1e-2
    sizes: tuple[int, ...] = (100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)
    few: int = 16
    many: tuple[int, ...] = (300, 10_000, 300_000)
    targets: tuple[int, ...] = (16, 100, 300)
    length: int = 100
    batches: tuple[int, ...] = (1, 16, 256)
    epsilons: tuple[float, ...] = (1e-1, 1e-2, 1e-3, 1e-4)
    largest: int = 2**24
    seed: int = 1

    @classmethod
    def quick(cls) -> "Scaling":
        return cls(
            solvers=("Sinkhorn", "LogSinkhorn", "Newton", "Quadrature", SORT),  # compilation is what takes time
            n=100,
            sizes=(100, 1000),
            many=(),
            targets=(),
            batches=(1,),
            epsilons=(1e-2,),
        )

    def sweeps(self) -> list[Sweep]:
        return [
            Sweep("n", "n = m", [(n, n, 1, self.epsilon) for n in self.sizes]),
            Sweep("n", f"m = {self.few}", [(n, self.few, 1, self.epsilon) for n in self.many]),
            Sweep("m", f"n = {self.n}", [(self.n, m, 1, self.epsilon) for m in self.targets]),
            Sweep(
                "batch",
                f"lists of {self.length}",
                [(self.length, self.length, batch, self.epsilon) for batch in self.batches],
            ),
            Sweep("epsilon", f"n = m = {self.n}", [(self.n, self.n, 1, epsilon) for epsilon in self.epsilons]),
        ]

    def cases(self) -> list[Case]:
        settings = sorted({setting for sweep in self.sweeps() for setting in sweep.settings})
        cases = [
            (n, m, batch, 0.0 if solver in EXACT else epsilon, solver)
            for n, m, batch, epsilon in settings
            for solver in self.solvers
        ]
        return list(dict.fromkeys(cases))  # exact solvers once

    def measure(self, cases: Sequence[Case]) -> Iterator[Cost]:
        for (n, m, batch), group in itertools.groupby(cases, key=lambda case: case[:3]):
            x = values("normal", batch * n, self.seed).reshape((batch, n) if batch > 1 else n)
            yield from self._costs(jnp.asarray(x, jnp.float32), m, batch, list(group))

    def _costs(self, x: Float[Array, "*batch n"], m: int, batch: int, cases: Sequence[Case]) -> Iterator[Cost]:
        weights = jnp.asarray(np.random.default_rng(self.seed + 1).normal(size=x.shape), jnp.float32)
        solvers = {case: SOLVERS[case[-1]](jnp.asarray(case[-2], jnp.float32)) for case in cases}
        entries = {case: batch * _entries(x.shape[-1], m, solver) for case, solver in solvers.items()}
        run = {case: solver for case, solver in solvers.items() if entries[case] <= self.largest}
        # Solvers that differ in an array alone, their epsilon, share a program.
        kinds = {case: (case[-1], jax.tree.structure(solver)) for case, solver in run.items()}
        examples = {kind: run[case] for case, kind in kinds.items()}
        programs = list(
            compiled(
                program
                for solver in examples.values()
                for program in (lowered(_forward, x, solver, m), lowered(_gradient, x, solver, m, weights))
            )
        )
        pairs = dict(zip(examples, zip(programs[::2], programs[1::2], strict=True), strict=True))

        outcomes = {case: "too large" for case in cases}
        calls: dict[Case, tuple[Callable[[Array], Any], ...]] = {}
        for case, solver in run.items():
            forward, gradient = pairs[kinds[case]]
            both = (
                lambda x, forward=forward, solver=solver: forward(x, solver, m),
                lambda x, gradient=gradient, solver=solver: gradient(x, solver, m, weights),
            )
            outcomes[case] = _outcome(solver, *both, x)
            if outcomes[case] != "failed":
                calls[case] = both
        times = iter(seconds([call for both in calls.values() for call in both], x))
        for case in cases:
            forward_seconds, gradient_seconds = (next(times), next(times)) if case in calls else (math.nan, math.nan)
            memory = pairs[kinds[case]][1].compiled.memory_analysis() if case in run else None
            trivial = case[-1] == "NorthWestCorner"  # the gradient of its ranks is zero
            yield Cost(
                *case,
                entries=entries[case],
                outcome=outcomes[case],
                forward_seconds=forward_seconds,
                gradient_seconds=math.nan if trivial else gradient_seconds,
                gradient_bytes=math.nan if trivial or memory is None else float(memory.temp_size_in_bytes),
            )

    def report(self, rows: Sequence[Cost]) -> Report:
        answers = [
            *self._fastest(rows),
            *self._overtaking(rows),
            *self._batches(rows),
            *self._epsilons(rows),
            *self._outcomes(rows),
        ]
        parts = ["\n".join(f"- {answer}" for answer in answers), self._exponents(rows), self._sizes(rows)]
        return Report("\n\n".join(parts), {"scaling": self._draw(rows)})

    def _fastest(self, rows: Sequence[Cost]) -> Iterator[str]:
        sweep = self.sweeps()[0]
        lines = [row for solver in self.solvers if solver not in EXACT for row in _line(rows, sweep, solver)]
        if not lines:
            yield f"No soft solver gave sound ranks with {sweep.title}."
            return
        for field, what in (("forward_seconds", "soft ranks"), ("gradient_seconds", "gradients of soft ranks")):
            best = [
                min((row for row in lines if row.n == n), key=lambda row: getattr(row, field))
                for n in dict.fromkeys(row.n for row in sorted(lines, key=lambda row: row.n))
            ]
            runs = [list(group) for _, group in itertools.groupby(best, key=lambda row: row.solver)]
            yield (
                f"The fastest {what} with {sweep.title}: "
                + ", ".join(f"{run[0].solver} at {', '.join(f'{row.n:,}' for row in run)}" for run in runs)
                + (f"; {best[-1].n:,} values take {_number(1e3 * getattr(best[-1], field))} ms.")
            )

    def _overtaking(self, rows: Sequence[Cost]) -> Iterator[str]:
        """Where Quadrature becomes faster than Newton, and where the library changes from one to the other."""
        for sweep in self.sweeps():
            newton, quadrature = _line(rows, sweep, "Newton"), _line(rows, sweep, "Quadrature")
            if sweep.factor != "n" or not (newton and quadrature):
                continue
            found = " and ".join(
                f"{_from(_crossing(newton, quadrature, field), sweep)} for {what}"
                for field, what in (("forward_seconds", "ranks"), ("gradient_seconds", "their gradient"))
            )
            matched = sweep.title == "n = m"
            switch = _switch(self.epsilon, None if matched else self.few)
            yield f"With {sweep.title}, Quadrature is faster than Newton {found}; the library changes at n = {switch}."

    def _batches(self, rows: Sequence[Cost]) -> Iterator[str]:
        (sweep,) = (sweep for sweep in self.sweeps() if sweep.factor == "batch")
        sorts = {row.batch: row.forward_seconds for row in _line(rows, sweep, SORT)}
        parts = []
        for solver in self.solvers:
            line = _line(rows, sweep, solver)
            if solver != SORT and {1, max(self.batches)} <= {row.batch for row in line} and max(self.batches) > 1:
                share = line[-1].forward_seconds / line[-1].batch / line[0].forward_seconds
                beside = line[-1].forward_seconds / sorts.get(line[-1].batch, math.nan)
                parts.append(f"{solver} {share:.2g} ({_number(beside)} sorts)")
        if parts:
            yield (
                f"Ranks of a list of {self.length} take, among {max(self.batches)} lists, this share of the time of "
                f"one alone (and all together so many times jnp.sort of the same lists): {', '.join(parts)}."
            )

    def _epsilons(self, rows: Sequence[Cost]) -> Iterator[str]:
        (sweep,) = (sweep for sweep in self.sweeps() if sweep.factor == "epsilon")
        lines = {solver: _line(rows, sweep, solver) for solver in self.solvers if solver not in EXACT}
        ratios = [
            f"{solver} {line[0].gradient_seconds / line[-1].gradient_seconds:.1f} "
            f"({line[0].epsilon:g} over {line[-1].epsilon:g})"
            for solver, line in lines.items()
            if len(line) > 1
        ]
        if ratios:
            yield (
                f"At the least epsilon where it is sound, a gradient at {sweep.title} takes so many times as long as "
                f"at the largest: {', '.join(ratios)}. Tolerances are the same down to where "
                "float32 allows less (0.25 eps_machine / epsilon) and looser below."
            )

    def _outcomes(self, rows: Sequence[Cost]) -> Iterator[str]:
        """What is not sound, solvers of one fate together."""
        fates: dict[tuple[str, ...], list[str]] = {}
        for solver in self.solvers:
            unsound = [row for row in rows if row.solver == solver and row.outcome not in SOUND]
            for outcome in dict.fromkeys(row.outcome for row in unsound):
                where = [
                    f"(n {row.n}, m {row.m}, batch {row.batch}, epsilon {row.epsilon:g})"
                    for row in unsound
                    if row.outcome == outcome
                ]
                fates.setdefault((outcome, *where), []).append(solver)
        for (outcome, *where), solvers in fates.items():
            why = f": not run, more than {self.largest:.1e} matrix entries" if outcome == "too large" else ""
            yield f"Outcome {outcome} of {', '.join(solvers)} at {', '.join(where)}{why}."

    def _exponents(self, rows: Sequence[Cost]) -> str:
        sweeps = [sweep for sweep in self.sweeps() if len(sweep.settings) > 1]
        table = []
        for solver in self.solvers:
            lines = [_line(rows, sweep, solver) for sweep in sweeps]
            powers = [
                " / ".join(_power(line, sweep.factor, field) for field in MEASURES)
                for line, sweep in zip(lines, sweeps, strict=True)
            ]
            table.append([solver, *powers])
        headers = ["solver", *(f"{sweep.factor} ({sweep.title})" for sweep in sweeps)]
        return (
            "Exponents of ranks' time / gradient's time / gradient's scratch memory against one factor, fitted to the "
            "three largest sizes, or the three least epsilons, that are sound (below zero: dearer as it falls):\n\n"
            + markdown_table(table, headers)
        )

    def _sizes(self, rows: Sequence[Cost]) -> str:
        sweep = self.sweeps()[0]
        sort = {row.n: row.forward_seconds for row in _line(rows, sweep, SORT)}
        table = []
        for solver in self.solvers:
            line = _line(rows, sweep, solver)
            for row in [row for row in line if row.n == self.n] + [row for row in line[-1:] if row.n != self.n]:
                table.append(
                    [
                        solver,
                        f"{row.n}",
                        _number(1e3 * row.forward_seconds),
                        _number(1e3 * row.gradient_seconds),
                        _number(row.forward_seconds / sort.get(row.n, math.nan)),
                        _number(row.gradient_bytes / 2**20),
                        _number(row.gradient_bytes / row.n),
                    ]
                )
        headers = ["solver", "n = m", "ranks, ms", "gradient, ms", "ranks, sorts", "scratch, MiB", "bytes a value"]
        return (
            f"At n = {self.n} and at the largest size that was run (a sort is jnp.sort of as many values; scratch is "
            "that of the gradient):\n\n" + markdown_table(table, headers)
        )

    def _draw(self, rows: Sequence[Cost]) -> tuple[Figure, str]:
        first, *others = self.sweeps()
        shown = [(first, "forward_seconds"), (first, "gradient_seconds"), (first, "gradient_bytes")]
        shown += [(sweep, "gradient_seconds") for sweep in others if len(sweep.settings) > 1 and sweep.factor != "m"]
        lines = math.ceil(len(shown) / 3)
        figure = Figure(figsize=(13, 3.75 * lines), layout="constrained")
        places = figure.subplots(lines, 3).ravel()
        for axes in places[len(shown) :]:
            axes.remove()
        for axes, (sweep, field) in zip(places, shown, strict=False):
            self._panel(axes, rows, sweep, field)
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(self.solvers))
        return figure, (
            "Time of soft ranks and of their gradient, and the gradient's scratch memory, against one factor each "
            "(log axes); where the sweep of a solver ends early, the text says why."
        )

    def _panel(self, axes: Axes, rows: Sequence[Cost], sweep: Sweep, field: str) -> None:
        for solver in self.solvers:
            line = [row for row in _line(rows, sweep, solver) if not math.isnan(getattr(row, field))]
            across, up = ([getattr(row, name) for row in line] for name in (sweep.factor, field))
            color, style = ("0.4", "--") if solver == SORT else (f"C{list(SOLVERS).index(solver)}", "o-")
            if len(line) > 1:
                axes.plot(across, up, style, color=color, label=solver, markersize=4)
        what, unit = {
            "forward_seconds": ("ranks", "seconds"),
            "gradient_seconds": ("gradient", "seconds"),
            "gradient_bytes": ("scratch memory of the gradient", "bytes"),
        }[field]
        across = {"n": "number of values n", "batch": "number of lists", "epsilon": "epsilon"}[sweep.factor]
        axes.set(xscale="log", yscale="log", xlabel=across, ylabel=unit, title=f"{what}, {sweep.title}")
        axes.grid(alpha=0.3)


@eqx.filter_jit
def _forward(
    x: Float[Array, "*batch n"], solver: otsort.AbstractSolver | None, m: int
) -> tuple[Float[Array, "*batch n"], Bool[Array, "*batch"], Bool[Array, "*batch"]]:
    """Ranks, or sorted values without a solver; whether the solver found them, and finite numbers. It never raises."""
    if solver is None:
        yes = jnp.ones(x.shape[:-1], bool)
        return jnp.sort(x), yes, yes

    def one(x: Float[Array, " n"]) -> tuple[Array, Array, Array]:
        solution = otsort.solve(x, otsort.UniformTarget(m, x.dtype), solver=solver, throw=False)
        finite = solution.result != otsort.RESULTS.nonfinite
        return 0.5 + x.size * solution.plan.level(0.5), solution.result == otsort.RESULTS.successful, finite

    return one(x) if x.ndim == 1 else jax.vmap(one)(x)


@eqx.filter_jit
def _gradient(
    x: Float[Array, "*batch n"], solver: otsort.AbstractSolver | None, m: int, weights: Float[Array, "*batch n"]
) -> Float[Array, "*batch n"]:
    return jax.grad(lambda x: jnp.vdot(weights, _forward(x, solver, m)[0]))(x)


def _outcome(
    solver: otsort.AbstractSolver | None, forward: Callable[[Array], Any], gradient: Callable[[Array], Any], x: Array
) -> str:
    try:
        (ranks, successful, finite), slope = jax.block_until_ready((forward(x), gradient(x)))
    except RuntimeError:
        return "failed"
    if not np.all(finite) or not np.all(np.isfinite(ranks)):
        return "not finite"
    if not np.all(successful):
        return "not converged"
    if not np.all(np.isfinite(slope)):
        return "gradient not finite"
    if solver is None or isinstance(solver, otsort.NorthWestCorner):
        return "exact"
    return "fixed budget" if isinstance(solver, otsort.Sinkhorn) else "converged"


def _entries(n: int, m: int, solver: otsort.AbstractSolver | None) -> int:
    return n if solver is None else solver.entries(n, otsort.UniformTarget(m, jnp.float32))


def _switch(epsilon: float, m: int | None) -> int:
    """The least n, with m targets or n of them, where the default solver is Quadrature."""
    newton, quadrature = otsort.Newton(epsilon), otsort.Quadrature(epsilon)
    return next(n for n in itertools.count(1) if _entries(n, m or n, quadrature) < _entries(n, m or n, newton))


def _line(rows: Iterable[Cost], sweep: Sweep, solver: str) -> list[Cost]:
    """What is sound of one sweep of a solver, in the order of the factor; exact solvers have no epsilon."""
    settings = [(*setting[:3], 0.0) for setting in sweep.settings] if solver in EXACT else sweep.settings
    line = [
        row
        for row in rows
        if row.solver == solver and row.outcome in SOUND and (row.n, row.m, row.batch, row.epsilon) in settings
    ]
    return sorted(line, key=lambda row: getattr(row, sweep.factor))


def _power(line: Sequence[Cost], factor: str, field: str) -> str:
    """Least-squares slope of the logarithms."""
    points = [(getattr(row, factor), getattr(row, field)) for row in line if getattr(row, field) > 0]
    points = points[:3] if factor == "epsilon" else points[-3:]  # the dear end
    if len(points) < 2:
        return MISSING
    across, up = np.log(points).T
    return f"{round(np.polyfit(across, up, 1)[0], 1) + 0.0:.1f}"  # without -0.0


def _crossing(slower: Sequence[Cost], faster: Sequence[Cost], field: str) -> tuple[float, float, float]:
    """From which n on the second is faster, interpolated in logarithms; infinite for nowhere; and the n compared."""
    seconds = {row.n: getattr(row, field) for row in slower}
    sizes = [row.n for row in faster if row.n in seconds]
    gain = [math.log(seconds[row.n] / getattr(row, field)) for row in faster if row.n in seconds]
    behind = [i for i, value in enumerate(gain) if value <= 0]
    if not sizes or len(sizes) - 1 in behind:
        return math.inf, min(sizes, default=math.nan), max(sizes, default=math.nan)
    if not behind:
        return 0.0, min(sizes), max(sizes)
    i = behind[-1]
    place = np.interp(0, gain[i : i + 2], np.log(sizes[i : i + 2]))
    return float(np.exp(place)), min(sizes), max(sizes)


def _from(crossing: tuple[float, float, float], sweep: Sweep) -> str:
    place, least, most = crossing
    if math.isinf(place):
        return f"nowhere up to n = {most:g}"
    return f"at every n from {least:g} to {most:g}" if place == 0 else f"from about n = {float(f'{place:.2g}'):g} on"


def _number(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
