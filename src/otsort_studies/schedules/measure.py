"""Measures solves and trainings with every schedule."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

import otsort

from ..common import outcome
from ..common.data import values
from ..common.execution import Call, execute, in_turn
from ..common.learning.bench import Workbench
from ..common.learning.training import Plan, train
from ..common.study import Row
from ..common.verdict import Verdict
from .learning import Scheduled, TrainingSchedule
from .study import BASELINE, CONSTANT, COSINE, EXACT, GEOMETRIC, GRADIENT_NORM, NEWTON, Schedules, Solve, Training


class _State(otsort.AbstractState):
    potential: Float[Array, " m"]
    log_ratio: Float[Array, " m"]  # for the epsilon of the next sweep
    epsilon: Float[Array, ""]
    error: Float[Array, ""]  # for that epsilon
    marginal_error: Float[Array, ""]  # infinite until the last epsilon is reached


class Annealed(otsort.AbstractEntropicSolver):
    """Log-domain sweeps in which epsilon falls by a factor once the marginal error at the current epsilon is small.

    Attributes:
        epsilon: last epsilon.
        first: first epsilon.
        factor: factor by which epsilon is lowered, in (0, 1).
        threshold: marginal error below which epsilon is lowered.
        start: first potential, `otsort.exact_start` or `otsort.zero_start`.
        tol, max_steps, differentiation: as in `otsort.LogSinkhorn`.
    """

    epsilon: Float[Array, ""]
    first: Float[Array, ""]
    factor: Float[Array, ""]
    threshold: Float[Array, ""]
    start: otsort.ExactStart | otsort.ZeroStart
    tol: float
    max_steps: int = eqx.field(static=True)
    differentiation: otsort.AbstractDifferentiation = otsort.Implicit()

    def init(self, dual: otsort.SemiDual) -> tuple[otsort.SemiDual, _State]:
        return dual, self._evaluate(dual, self.start(dual.problem), jnp.maximum(self.first, dual.epsilon))

    def step(self, constants: otsort.SemiDual, state: _State) -> _State:
        lower = jnp.maximum(self.factor * state.epsilon, constants.epsilon)
        epsilon = jnp.where(state.error < self.threshold, lower, state.epsilon)
        return self._evaluate(constants, state.potential - state.epsilon * state.log_ratio, epsilon)

    def potential(self, constants: otsort.SemiDual, state: _State) -> Float[Array, " m"]:
        return constants.extend_to_weightless(state.potential, state.log_ratio)

    def _evaluate(self, dual: otsort.SemiDual, potential: Float[Array, " m"], epsilon: Float[Array, ""]) -> _State:
        log_ratio = otsort.SemiDual(dual.problem, epsilon).log_marginal_ratio(potential)
        error = dual.marginal_error(jnp.exp(log_ratio))
        return _State(potential, log_ratio, epsilon, error, jnp.where(epsilon > dual.epsilon, jnp.inf, error))


def measure(study: Schedules, cases: Sequence[Solve | Training]) -> Iterator[Row]:
    """Yields the rows of some of the cases. Solves of the same problem are timed in turn."""
    kinds = {Solve: _solves, Training: _trainings}
    for kind, group in itertools.groupby(cases, key=type):
        yield from kinds[kind](study, list(group))


def solvers(study: Schedules, epsilon: float, dtype: str) -> dict[str, otsort.AbstractEntropicSolver]:
    """Maps names to solvers. Their numbers are arrays, so that few programs are compiled."""
    last, factor = jnp.asarray(epsilon, dtype), jnp.asarray(study.factor, dtype)
    one = jnp.ones_like(last)
    common: dict[str, Any] = {"tol": study.tol, "max_steps": study.max_steps}
    from_zero = {**common, "start": otsort.zero_start}
    from_exact = {**common, "start": otsort.exact_start}

    def geometric(decay: float) -> otsort.LogSinkhorn:
        return otsort.LogSinkhorn(otsort.EpsilonSchedule(last, decay=decay), **from_zero)

    def adaptive(first: Array, how: dict[str, Any]) -> list[Annealed]:
        thresholds = [jnp.asarray(threshold, dtype) for threshold in study.thresholds]
        return [Annealed(epsilon=last, first=first, factor=factor, threshold=at, **how) for at in thresholds]

    return {
        CONSTANT: otsort.LogSinkhorn(last, **from_zero),
        **dict(zip(study.geometric, map(geometric, study.decays), strict=True)),
        **dict(zip(study.adaptive, adaptive(one, from_zero), strict=True)),
        EXACT: otsort.LogSinkhorn(last, **from_exact),
        **dict(zip(study.adaptive_from_exact, adaptive(10 * last, from_exact), strict=True)),
        NEWTON: otsort.Newton(last, **from_exact),
    }


def training_schedules(study: Schedules) -> dict[str, TrainingSchedule]:
    """Maps names to schedules over training steps."""
    step, end = np.arange(study.steps, dtype=np.float32), study.lowest / study.highest

    def flat(epsilon: float) -> np.ndarray:
        return np.full(study.steps, epsilon)

    def schedule(plan: Any, share: float = 0.0, lowest: float = 0.0) -> TrainingSchedule:
        return TrainingSchedule(plan, share, study.factor, study.window, lowest)

    return {
        BASELINE: schedule(flat(np.nan)),
        **dict(zip(study.constant, map(schedule, map(flat, study.constants)), strict=True)),
        GEOMETRIC: schedule(optax.exponential_decay(study.highest, study.steps, end)(step)),
        COSINE: schedule(optax.cosine_decay_schedule(study.highest, study.steps, end)(step)),
        GRADIENT_NORM: schedule(flat(study.highest), study.share, study.lowest),
    }


@eqx.filter_jit
def _solve(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> Verdict:
    return Verdict.of(otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver, throw=False))


def _solves(study: Schedules, cases: Sequence[Solve]) -> Iterator[Row]:
    def call(case: Solve) -> Call:
        x = jnp.asarray(values(case.data, study.n, seed=0), case.dtype)
        return Call(_solve, (x, solvers(study, case.epsilon, case.dtype)[case.schedule]))

    done = execute(list(map(call, cases)))
    for _, group in itertools.groupby(cases, key=lambda case: (case.dtype, case.data, case.epsilon)):
        group = list(group)
        executions = list(itertools.islice(done, len(group)))
        for case, execution, seconds in zip(group, executions, in_turn(executions), strict=True):
            if execution.failure:
                yield case.row(execution.failure)
            else:
                yield case.row(execution.value.outcome(), **execution.value.row(), seconds=seconds)


_adam = functools.cache(optax.adam)  # cached, so that nothing is compiled again


def _trainings(study: Schedules, cases: Sequence[Training]) -> Iterator[Row]:
    schedules = training_schedules(study)
    for case in cases:
        rng = np.random.default_rng(case.seed)
        task = Scheduled(case.task, case.schedule != BASELINE, schedules[case.schedule], rng)
        sizes = {use: target.size for use, (_, target) in task.parts.items()}
        batches = rng.integers(sizes["train"], size=(study.checkpoints * study.stride, study.batch))
        plan = Plan(
            optimiser=_adam(case.rate),
            batches=lambda seed, step, batches=batches: batches[step],
            checkpoints=study.checkpoints,
            stride=study.stride,
            scored={use: [np.arange(sizes[use])] for use in ("validation", "test")},
            loops=True,
            remember=TrainingSchedule.update,
        )
        (found,) = train(repr(case), [task], [case.seed], plan, Workbench())
        norms, scores = found.curves["gradient_norm"], {use: found.curves[f"{use}_score"] for use in plan.scored}
        word = outcome.outcome(found.outcome, finite=np.isfinite(norms))
        seen = {"epsilon": found.curves["test_epsilon"], "gradient_norm": norms}
        yield case.row(word, **seen, **scores, seconds=found.seconds)
