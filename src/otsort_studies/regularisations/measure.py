"""Measures plans, trainings and gates with both regularisations."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort

from ..common.data import values
from ..common.execution import Call, execute, in_turn
from ..common.learning.lesson import Course, Learnt, train_seeds
from ..common.study import AbstractCase, Row
from ..common.verdict import Verdict
from .learning import LESSONS, Mixture
from .study import (
    ENTROPIC,
    ENTROPIC_THROUGH,
    FROZEN,
    QUADRATIC,
    QUADRATIC_THROUGH,
    SOFT_GATES,
    Gate,
    Plan,
    Regularisations,
    Training,
)

ROUNDING = 1e-9  # of a derivative, relative to the largest one

SOLVERS: dict[str, Callable[..., otsort.AbstractSolver]] = {
    **dict.fromkeys((ENTROPIC, ENTROPIC_THROUGH), otsort.Newton),
    **dict.fromkeys((QUADRATIC, QUADRATIC_THROUGH), otsort.SparseNewton),
}


def measure(study: Regularisations, cases: Sequence[AbstractCase]) -> Iterator[Row]:
    """Yields a row for each case, in order."""
    for kind, group in itertools.groupby(cases, key=type):
        yield from {Plan: _plans, Training: _trainings, Gate: _gates}[kind](study, list(group))


class _Seen(eqx.Module):
    """Measurements of a plan."""

    verdict: Verdict
    support: Float[Array, ""]
    places: Float[Array, ""]
    ranks: Float[Array, " n"]


@eqx.filter_jit
def _solve(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> otsort.Solution:
    return otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver, throw=False)


@eqx.filter_jit
def _read(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> tuple[_Seen, Float[Array, "n n"]]:
    solution = _solve(x, solver)
    shares = solution.plan.as_matrix() * x.size
    # The squash is taken first: its mean and deviation would make every rank depend on every value.
    positions = otsort.squash.logistic(x, jnp.full(x.size, 1 / x.size, x.dtype))
    ranks = lambda positions: otsort.rank(positions, solver=solver, squash=otsort.squash.identity, throw=False)
    seen = _Seen(
        Verdict.of(solution, shares),
        jnp.mean(shares > 0, dtype=x.dtype),
        jnp.mean(1 / jnp.sum(shares**2, axis=1)),
        ranks(positions),
    )
    return seen, jax.jacrev(ranks)(positions)


def _plans(study: Regularisations, cases: Sequence[Plan]) -> Iterator[Row]:
    for _, group in itertools.groupby(cases, key=lambda case: (case.n, case.data, case.epsilon)):
        group = list(group)
        arguments = [
            (jnp.asarray(values(case.data, case.n, seed=0)), SOLVERS[case.regularisation](jnp.asarray(case.epsilon)))
            for case in group
        ]
        read = list(execute([Call(_read, of) for of in arguments]))
        times = in_turn(list(execute([Call(_solve, of) for of in arguments])))
        for case, (x, _), execution, seconds in zip(group, arguments, read, times, strict=True):
            if execution.failure:
                yield case.row(execution.failure)
                continue
            seen, jacobian = execution.value
            error = np.max(np.abs(seen.ranks - otsort.rank(x, epsilon=0))) / case.n
            sizes = np.abs(jacobian)
            yield case.row(
                seen.verdict.outcome(jacobian),
                **seen.verdict.row(),
                support=float(seen.support),
                places=float(seen.places),
                gradient_support=float(np.mean(sizes > ROUNDING * np.max(sizes))),
                rank_error=float(error),
                seconds=seconds,
            )


def _trainings(study: Regularisations, cases: Sequence[Training]) -> Iterator[Row]:
    def task(case: Training, rng: np.random.Generator) -> Learnt:
        solver = SOLVERS[case.regularisation](jnp.asarray(case.epsilon, jnp.float32))
        return Learnt(LESSONS[case.task], {"solver": solver}, study.length, rng)

    kind = lambda case: (case.task, case.regularisation, case.epsilon)
    yield from train_seeds(Course(study.steps, study.rate, study.batch), cases, kind, task)


def _gates(study: Regularisations, cases: Sequence[Gate]) -> Iterator[Row]:
    def task(case: Gate, rng: np.random.Generator) -> Mixture:
        is_soft = case.gate in SOFT_GATES
        # Epsilon must not be an array, or it would be a weight of the gate, which Adam changes.
        options = {"solver": SOLVERS[case.gate](case.epsilon)} if is_soft else {"epsilon": 0}
        through = case.gate in (ENTROPIC_THROUGH, QUADRATIC_THROUGH)
        return Mixture(case.task, options, study.experts, through, case.gate == FROZEN, rng)

    kind = lambda case: (case.task, case.gate, case.epsilon)
    seen = ("score", "zero_weights", "used")
    yield from train_seeds(Course(study.steps, study.rate, study.batch), cases, kind, task, seen)
