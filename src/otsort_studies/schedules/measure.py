"""Epsilon schedules: within a solve, and over the steps of a training."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats
from jaxtyping import Array, Float, Int
from matplotlib.figure import Figure

import otsort

from .._annealed import Annealed
from .._reading import compiled, lowered
from .._timing import seconds
from .._training import BASELINE, TASKS, Split, Task, train
from .._training_schedule import TrainingSchedule
from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """A solve, or a training up to one of its steps; a number that does not exist is NaN, and 0 if it is whole.

    Attributes:
        part: solve or training.
        data: name of the values, or of the task.
        schedule: its name.
        setting: epsilon of the answer of a solve, learning rate of a training.
        dtype: float32 or float64.
        seed: of the values, or of split, initial weights and batches.
        step: training steps done.
        outcome: reached, not reached or not finite; trained, not finite, or solve failed.
        seconds: of the solve, or of the whole training, without compilation.
        sweeps: taken by a solve.
        tol: the marginal error that it had to reach, raised to what the dtype can.
        marginal_error: that it reached.
        epsilon: of the last training step.
        gradient_norm: its mean over the training steps since the last row.
        validation, test: scores, larger is better.
    """

    part: str
    data: str
    schedule: str
    setting: float
    dtype: str
    seed: int
    step: int
    outcome: str
    seconds: float
    sweeps: int = 0
    tol: float = NAN
    marginal_error: float = NAN
    epsilon: float = NAN
    gradient_norm: float = NAN
    validation: float = NAN
    test: float = NAN


CONSTANT, EXACT, NEWTON = "constant from zero", "constant from exact", "Newton from exact"


@eqx.filter_jit
def _stats(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> dict[str, Array]:
    return otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver, throw=False).stats


class Chosen(NamedTuple):
    """The trainings with one schedule at its best learning rate.

    Attributes:
        seeds: of each training its checkpoints.
        stop: index of the best checkpoint.
    """

    seeds: list[list[Row]]
    stop: int

    def at_stop(self, field: str) -> Float[np.ndarray, " seeds"]:
        return np.asarray([getattr(seed[self.stop], field) for seed in self.seeds])


@dataclass(frozen=True)
class Schedules(AbstractStudy):
    """Epsilon within a solve, and over training steps.

    Attributes:
        data: names of values.
        n: how many of each, and targets.
        epsilons: of the answers.
        dtypes: of the solves.
        tol: marginal error to reach.
        max_steps: at most so many sweeps.
        decays: factors a sweep of geometric annealing from 1.
        thresholds: marginal errors at which adaptive annealing lowers epsilon.
        factor: by which it does.
        tasks: names.
        constants: constant epsilons of a training.
        highest, lowest: where the other schedules begin and end.
        share, window: of the adaptive one, see `TrainingSchedule`; it falls by the factor as well.
        rates: learning rates to choose from by the validation score.
        seeds: number of trainings of each kind.
        steps: of a training.
        checkpoints: rows of a training.
        batch: values or patients in a step.
    """

    title: ClassVar[str] = "Epsilon schedules: within a solve, and over training steps"
    question: ClassVar[str] = (
        "Cuturi, Teboul and Vert (2019) call varying epsilon an important direction. Does it pay?\n\n"
        "*Within a solve.* Sweeps of `LogSinkhorn` and time to a marginal error, n values on n uniform targets. "
        "Epsilon is constant from the zero potential; geometric, falling from 1 by a factor a sweep; adaptive, falling "
        "by a factor whenever the marginal error at the present epsilon is below a threshold; constant from the exact "
        "one-dimensional potentials, the library's default start; adaptive from these and ten times epsilon. Newton is "
        "beside them.\n\n"
        "*Over training steps.* Adam in float32. Digits: a network with 64 hidden units learns the soft 0/1 loss, "
        "number of classes minus the soft rank of the true logit; the score is the accuracy. Diabetes: a linear "
        "predictor learns 1 minus the correlation of its soft ranks with the ranks of the target; the score is "
        "Spearman's correlation. Half of the data train, a fifth validate, the rest test; the seed sets split, initial "
        "weights and batches. Learning rate and number of steps of each schedule, and the winner, have the best "
        "mean validation score; scores are those of the test data. The baseline has no ranks: cross-entropy, and "
        "squared error."
    )
    dtype: ClassVar[str] = "float64 and float32, see the rows"
    row: ClassVar[type] = Row

    data: tuple[str, ...] = ("diabetes s2", "digits ink", "normal", "two clusters")
    n: int = 200
    epsilons: tuple[float, ...] = (1e-1, 1e-2, 1e-3)
    dtypes: tuple[str, ...] = ("float64", "float32")
    tol: float = 1e-6
    max_steps: int = 10_000
    decays: tuple[float, ...] = (0.5, 0.9, 0.95, 0.99)
    thresholds: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    factor: float = 0.5
    tasks: tuple[str, ...] = ("digits", "diabetes")
    constants: tuple[float, ...] = (10.0, 1.0, 0.1, 0.01, 0.001)
    highest: float = 1.0
    lowest: float = 0.01
    share: float = 0.7
    window: int = 20
    rates: tuple[float, ...] = (3e-3, 1e-2, 3e-2)
    seeds: int = 10
    steps: int = 320
    checkpoints: int = 8
    batch: int = 64

    @classmethod
    def quick(cls) -> "Schedules":
        return cls(
            data=("diabetes s2", "normal"),
            n=100,
            epsilons=(1e-1, 1e-2),
            dtypes=("float64",),
            decays=(0.5, 0.95),
            thresholds=(1e-3,),
            constants=(1.0, 0.01),
            rates=(1e-2,),
            seeds=2,
            steps=120,
            checkpoints=3,
            batch=32,
        )

    def cases(self) -> list[Case]:
        solves = [
            ("solve", data, name, epsilon, dtype, 0, 0)
            for dtype in self.dtypes
            for data in self.data
            for epsilon in self.epsilons
            for name in self.solvers(epsilon, dtype)
        ]
        every = self.steps // self.checkpoints
        trainings = [
            ("training", task, name, rate, "float32", seed, every * (i + 1))
            for task in self.tasks
            for name in self.schedules()
            for rate in self.rates
            for seed in range(self.seeds)
            for i in range(self.checkpoints)
        ]
        return solves + trainings

    def measure(self, cases: Sequence[Case]) -> Iterator[Row]:
        yield from self._measure_solves([case for case in cases if case[0] == "solve"])
        yield from self._measure_trainings([case for case in cases if case[0] == "training"])

    def solvers(self, epsilon: float, dtype: str) -> dict[str, otsort.AbstractEntropicSolver]:
        """By name, what is compared within a solve."""
        last, factor = jnp.asarray(epsilon, dtype), jnp.asarray(self.factor, dtype)
        common: dict[str, Any] = {"tol": self.tol, "max_steps": self.max_steps}
        from_zero = {**common, "start": otsort.zero_start}
        from_exact = {**common, "start": otsort.exact_start}

        def adaptive(threshold: float, first: Array, how: dict[str, Any]) -> Annealed:
            return Annealed(epsilon=last, first=first, factor=factor, threshold=jnp.asarray(threshold, dtype), **how)

        one = jnp.ones_like(last)
        return {
            CONSTANT: otsort.LogSinkhorn(last, **from_zero),
            **{
                f"geometric {decay:g}": otsort.LogSinkhorn(otsort.EpsilonSchedule(epsilon, decay=decay), **from_zero)
                for decay in self.decays
            },
            **{f"adaptive {at:g}": adaptive(at, one, from_zero) for at in self.thresholds},
            EXACT: otsort.LogSinkhorn(last, **from_exact),
            **{f"adaptive {at:g} from exact": adaptive(at, 10 * last, from_exact) for at in self.thresholds},
            NEWTON: otsort.Newton(last, **from_exact),
        }

    def schedules(self) -> dict[str, TrainingSchedule]:
        """By name, what is compared over training steps."""
        step, end = jnp.arange(self.steps, dtype=float), self.lowest / self.highest
        plans = {
            BASELINE: jnp.full(self.steps, jnp.nan),
            **{f"constant {epsilon:g}": jnp.full(self.steps, epsilon) for epsilon in self.constants},
            "geometric": optax.exponential_decay(self.highest, self.steps, end)(step),
            "cosine": optax.cosine_decay_schedule(self.highest, self.steps, end)(step),
            "gradient norm": jnp.full(self.steps, self.highest),
        }

        def schedule(plan: Array, share: float, lowest: float) -> TrainingSchedule:
            plan, share_, factor, lowest_ = (jnp.asarray(v, jnp.float32) for v in (plan, share, self.factor, lowest))
            return TrainingSchedule(plan, share_, factor, jnp.asarray(self.window), lowest_)

        adaptive = {"gradient norm": (self.share, self.lowest)}
        return {name: schedule(plan, *adaptive.get(name, (0, 0))) for name, plan in plans.items()}

    def _measure_solves(self, cases: Sequence[Case]) -> Iterator[Row]:
        calls = {}
        for _, data, name, epsilon, dtype, seed, _ in cases:
            solver = self.solvers(epsilon, dtype)[name]
            x = jnp.asarray(values(data, self.n, seed), dtype)
            calls[data, name, epsilon, dtype, seed] = _kind(solver, dtype), (x, solver)
        programs = _programs(_stats, calls.values())
        for _, group in itertools.groupby(cases, key=lambda case: (case[1], *case[3:6])):
            group = list(group)
            runs = [(programs[kind], *arguments) for kind, arguments in (calls[case[1:6]] for case in group)]
            found = [program(x, solver) for program, x, solver in runs]
            bound = [lambda x, program=program, solver=solver: program(x, solver) for program, _, solver in runs]
            for case, stats, taken in zip(group, found, seconds(bound, runs[0][1]), strict=True):
                error, tol = float(stats["marginal_error"]), float(stats["tol"])
                outcome = "not finite" if np.isnan(error) else "reached" if error <= tol else "not reached"
                sweeps = int(stats["num_steps"])
                yield Row(*case, outcome=outcome, seconds=taken, sweeps=sweeps, tol=tol, marginal_error=error)

    def _measure_trainings(self, cases: Sequence[Case]) -> Iterator[Row]:
        schedules, calls = self.schedules(), {}
        for _, name, schedule, rate, _, seed, _ in cases:
            if (name, schedule, rate, seed) not in calls:
                task = TASKS[name]
                loss = task.baseline if schedule == BASELINE else task.loss
                start = self._begin(task, seed)
                arguments = (task, loss, schedules[schedule], *start, jnp.asarray(rate, jnp.float32))
                calls[name, schedule, rate, seed] = loss, arguments
        programs = _programs(train, calls.values())
        for (_, *training, _, seed), group in itertools.groupby(cases, key=lambda case: case[:-1]):
            kind, arguments = calls[*training, seed]
            start = time.perf_counter()
            try:
                seen, outcome = jax.device_get(programs[kind](*arguments)), "trained"
            except RuntimeError:  # a solve missed its tolerance
                seen, outcome = {}, "solve failed"
            taken = time.perf_counter() - start
            for case in group:
                index = case[-1] // (self.steps // self.checkpoints) - 1
                now = {key: float(value[index]) for key, value in seen.items()}
                finite = not now or np.isfinite(now["loss"] + now["gradient_norm"])
                now.pop("loss", None)
                yield Row(*case, outcome=outcome if finite else "not finite", seconds=taken, **now)

    def _begin(self, task: Task, seed: int) -> tuple[Any, Split, Int[Array, "checkpoints steps batch"]]:
        rng = np.random.default_rng(seed)
        features, target = task.load()
        order = rng.permutation(target.size)
        parts = np.split(order, [target.size // 2, 7 * target.size // 10])
        split = Split(*((jnp.asarray(features[part]), jnp.asarray(target[part])) for part in parts))
        sizes = features.shape[1], *task.widths
        weights = [
            (
                jnp.asarray(rng.normal(size=(inputs, outputs)) * np.sqrt(2 / inputs), jnp.float32),
                jnp.zeros(outputs, jnp.float32),
            )
            for inputs, outputs in itertools.pairwise(sizes)
        ]
        shape = (self.checkpoints, self.steps // self.checkpoints, self.batch)
        return weights, split, jnp.asarray(rng.integers(parts[0].size, size=shape))

    def report(self, rows: Sequence[Row]) -> Report:
        solves = [row for row in rows if row.part == "solve"]
        first = [row for row in solves if row.dtype == self.dtypes[0]]
        parts = ["**Within a solve.** " + self._solves_text(first), _solves_table(solves)]
        figures = {"schedules-solve": self._draw_solves(first)}
        parts.append(
            "**Over training steps.** Differences, with their standard deviations, are between trainings with the same "
            "seed. A difference is called beyond the spread over seeds where p < 0.05 over the number of comparisons, "
            f"by an exact sign-flip test, whose p is at least {2.0 ** (1 - self.seeds):.2g} with {self.seeds} seeds. "
            "Splits of different seeds overlap, so that p is on the optimistic side."
        )
        chosen = {task: _chosen([row for row in rows if row.data == task]) for task in self.tasks}
        parts.extend(self._training_text(task, schedules) for task, schedules in chosen.items())
        figures["schedules-training"] = self._draw_trainings(chosen)
        return Report("\n\n".join(parts), figures)

    def _solves_text(self, rows: Sequence[Row]) -> str:
        sweeps, times = _totals(rows)
        missed = {row.schedule for row in rows if row.outcome != "reached"}
        annealed = {kind: [name for name in sweeps if name.startswith(kind)] for kind in ("geometric", "adaptive")}
        zero = {
            kind: min(
                (name for name in names if not name.endswith("exact")), key=lambda name: (name in missed, sweeps[name])
            )
            for kind, names in annealed.items()
        }
        say = lambda name: f"{name} {sweeps[name] / sweeps[CONSTANT]:.2f}"
        best = min(itertools.chain(*annealed.values()), key=lambda name: (name in missed, sweeps[name]))
        of = {name: [row for row in rows if row.schedule == name] for name in (best, EXACT)}
        fewer = sum(a.outcome == "reached" and a.sweeps < b.sweeps for a, b in zip(*of.values(), strict=True))
        verdict = (
            f"The annealing with the fewest sweeps, {best}, takes {sweeps[best] / sweeps[EXACT]:.2f} times those of a "
            f"constant epsilon from the exact start, and fewer of them on {fewer} of {len(of[EXACT])} problems: "
            + ("annealing pays beside it." if sweeps[best] < sweeps[EXACT] else "in total it does not pay beside it.")
        )
        return (
            f"Sweeps to a marginal error of {self.tol:g} in {self.dtypes[0]}, over all values and epsilons, relative "
            f"to a constant epsilon from zero: {say(zero['geometric'])} and {say(zero['adaptive'])}, the best of their "
            f"kind; {say(EXACT)}. {verdict} {NEWTON} takes {sweeps[NEWTON]} steps in all and "
            f"{times[NEWTON] / times[CONSTANT]:.3f} of the time of the constant epsilon from zero, "
            f"{times[NEWTON] / times[EXACT]:.2f} of that from the exact start."
        )

    def _training_text(self, task: str, schedules: dict[str, Chosen]) -> str:
        test = {name: chosen.at_stop("test") for name, chosen in schedules.items()}
        validation = {name: float(np.mean(chosen.at_stop("validation"))) for name, chosen in schedules.items()}
        soft = [name for name in test if name != BASELINE and np.isfinite(validation[name])]
        constants = [name for name in soft if name.startswith("constant")]
        if not constants:
            return f"*{task}*: no constant epsilon trained with every seed."
        best, winner = (max(names, key=lambda name: validation[name]) for names in (constants, soft))
        comparisons = len(test) - 1
        say = lambda name, other: _against(test[name] - test[other], comparisons)
        differ = [name for name in soft if name != best and _beyond(test[name] - test[best], comparisons)]
        text = (
            f"*{task}* ({self.seeds} seeds, {TASKS[task].unit}): of the schedules of soft ranks {winner} wins on the "
            f"validation data. On the test data it is {say(winner, BASELINE)}, compared with the baseline. "
        )
        varying = [name for name in soft if name not in constants]
        if varying:
            first = max(varying, key=lambda name: validation[name])
            text += f"The best schedule that varies, {first}, is {say(first, best)}, compared with the best constant. "
        text += f"Beyond the spread of the best constant, {best}: {', '.join(differ) or 'none'}."
        table = []
        for name, chosen in schedules.items():
            row = chosen.seeds[0][chosen.stop]
            difference = test[name] - test[best]
            against = ["", ""] if name == best else [_spread(difference), f"{_p(difference):.3f}"]
            failures = sorted({seed[-1].outcome for seed in chosen.seeds} - {"trained"})
            scores = [f"{validation[name]:.4f}", _spread(test[name])]
            table.append([name, f"{row.setting:g}", row.step, *scores, *against, ", ".join(failures)])
        headers = ["schedule", "rate", "steps", "validation", "test", f"test minus {best}", "p", "failures"]
        return text + "\n\n" + markdown_table(table, headers)

    def _draw_solves(self, rows: Sequence[Row]) -> tuple[Figure, str]:
        figure = Figure(figsize=(4 * len(self.data) + 2.5, 4.5), layout="constrained")
        axes = figure.subplots(1, len(self.data), sharey=True, squeeze=False)[0]
        names = [name for name in dict.fromkeys(row.schedule for row in rows) if name != NEWTON]
        styles = {"constant": ("black", "s"), "geometric": ("C1", "o"), "adaptive": ("C0", "^")}
        strength = {name: 1.0 for name in names}  # lines of a kind, the last the darkest
        for kind in ("geometric", "adaptive"):
            family = [name for name in names if name.startswith(kind) and not name.endswith("exact")]
            strength |= {
                name + end: (i + 1) / len(family) for i, name in enumerate(family) for end in ("", " from exact")
            }
        for place, data in zip(axes, self.data, strict=True):
            by_case = {(row.schedule, row.setting): row for row in rows if row.data == data}
            for name in names:
                relative = [
                    by_case[name, epsilon].sweeps / by_case[CONSTANT, epsilon].sweeps
                    if by_case[name, epsilon].outcome == "reached"
                    else NAN
                    for epsilon in self.epsilons
                ]
                color, marker = styles[name.split()[0]]
                line = ("--" if name.endswith("exact") else "-") + marker
                place.loglog(self.epsilons, relative, line, color=color, alpha=strength[name], label=name)
            place.set(title=data, xlabel="epsilon (squared distance after the squash)")
        axes[0].set_ylabel("sweeps / sweeps of constant epsilon from zero")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
        return figure, (
            f"Sweeps to a marginal error of {self.tol:g} in {self.dtypes[0]}, {self.n} values, relative to a constant "
            "epsilon from the zero potential; dashed: from the exact potentials. Left out: solves that did not get "
            "there, and Newton, whose steps are no sweeps."
        )

    def _draw_trainings(self, chosen: dict[str, dict[str, Chosen]]) -> tuple[Figure, str]:
        figure = Figure(figsize=(6 * len(chosen) + 2, 9), layout="constrained")
        places = figure.subplots(3, len(chosen), sharex=True, squeeze=False)
        for column, (task, schedules) in zip(places.T, chosen.items(), strict=True):
            for i, (name, (seeds, stop)) in enumerate(schedules.items()):
                style: Any = {"color": "black" if name == BASELINE else f"C{i}", "label": name}
                style["linestyle"] = "-" if name == BASELINE or name.startswith("constant") else "--"
                steps = [row.step for row in seeds[0]]
                for place, field in zip(column, ("test", "epsilon", "gradient_norm"), strict=True):
                    seen = np.asarray([[getattr(row, field) for row in seed] for seed in seeds])
                    place.plot(steps, seen.mean(axis=0), marker="o", markevery=[stop], **style)
            for place in column[1:]:
                place.set_yscale("log")
            column[0].set(title=task, ylabel=f"test {TASKS[task].unit}")
            column[1].set_ylabel("epsilon of the step")
            column[2].set(ylabel="norm of the gradient", xlabel="training step")
        figure.legend(*places[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
        return figure, (
            "Test score, epsilon and norm of the gradient over training steps: means over seeds, each schedule at its "
            "own learning rate; dashed: epsilon varies; dots: where the validation score is best."
        )


def _kind(solver: otsort.AbstractEntropicSolver, dtype: str) -> tuple:
    """What solvers share that share a compiled program."""
    return type(solver), type(solver.epsilon), getattr(solver, "start", None), dtype


def _programs(function: Any, calls: Iterable[tuple[Any, tuple]]) -> dict[Any, Any]:
    """One program of each kind, from calls `(kind, arguments)`."""
    some = dict(calls)
    return dict(zip(some, compiled(lowered(function, *arguments) for arguments in some.values()), strict=True))


def _totals(rows: Sequence[Row]) -> tuple[dict[str, int], dict[str, float]]:
    """Sweeps and seconds of each schedule over all problems."""
    sweeps = dict.fromkeys((row.schedule for row in rows), 0)
    times = dict.fromkeys(sweeps, 0.0)
    for row in rows:
        sweeps[row.schedule] += row.sweeps
        times[row.schedule] += row.seconds
    return sweeps, times


def _solves_table(rows: Sequence[Row]) -> str:
    """Relative to the first schedule; the sweeps of a solve that did not get there count as far as they go."""
    columns: dict[str, Any] = {}
    for dtype in dict.fromkeys(row.dtype for row in rows):
        of = [row for row in rows if row.dtype == dtype]
        epsilons = dict.fromkeys(row.setting for row in of)
        for epsilon in epsilons:
            columns[f"{dtype}, {epsilon:g}"] = _totals([row for row in of if row.setting == epsilon])[0]
        columns[f"{dtype}, all"], columns[f"{dtype}, time"] = _totals(of)
    table = []
    for name in dict.fromkeys(row.schedule for row in rows):
        reached = [row.outcome == "reached" for row in rows if row.schedule == name]
        relative = [f"{column[name] / column[CONSTANT]:.2g}" for column in columns.values()]
        table.append([name, f"{sum(reached)} of {len(reached)}", *relative])
    text = "Sweeps (of Newton, steps) at each epsilon and over all, and time over all, relative to the first line"
    raised = [f"{row.tol:.1e} at {row.setting:g}" for row in rows if row.dtype == "float32"]
    text += f"; in float32 the tolerance is {', '.join(dict.fromkeys(raised))}" if raised else ""
    text += (
        "; a solve that did not reach it counts as far as it went" if any(r.outcome != "reached" for r in rows) else ""
    )
    headers = ["schedule", "reached", *columns]
    return f"{text}:\n\n" + markdown_table(table, headers)


def _chosen(rows: Sequence[Row]) -> dict[str, Chosen]:
    """By schedule."""
    runs: dict[str, dict[float, dict[int, list[Row]]]] = {}
    for row in rows:
        runs.setdefault(row.schedule, {}).setdefault(row.setting, {}).setdefault(row.seed, []).append(row)

    def validation(chosen: Chosen) -> float:
        mean = float(np.mean(chosen.at_stop("validation")))
        return mean if np.isfinite(mean) else -np.inf

    return {
        name: max(
            (Chosen(list(seeds.values()), stop) for seeds in rates.values() for stop in range(len(seeds[0]))),
            key=validation,
        )
        for name, rates in runs.items()
    }


def _spread(sample: Float[np.ndarray, " seeds"]) -> str:
    return f"{sample.mean():.4f} ± {sample.std(ddof=1):.4f}"


def _p(differences: Float[np.ndarray, " seeds"]) -> float:
    """That the mean is so far from 0 by chance: exact for up to 15 paired differences, by all flips of their signs."""
    pairs = (differences, np.zeros_like(differences))
    test: Any = scipy.stats.permutation_test(
        pairs, lambda u, v, axis: np.mean(u - v, axis=axis), permutation_type="samples", n_resamples=2**15
    )
    return float(test.pvalue)


def _beyond(differences: Float[np.ndarray, " seeds"], comparisons: int) -> bool:
    return _p(differences) < 0.05 / comparisons


def _against(differences: Float[np.ndarray, " seeds"], comparisons: int) -> str:
    beyond = "beyond" if _beyond(differences, comparisons) else "within"
    direction = "better" if differences.mean() > 0 else "worse"
    return f"{abs(differences.mean()):.4f} {direction} (p = {_p(differences):.3f}; {beyond} the spread over seeds)"
