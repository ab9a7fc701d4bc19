"""Measures every solver and differentiation on one column."""

import itertools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np

import otsort

from ..common import outcome
from ..common.execution import Call, execute, in_turn
from ..common.solvers import DIFFERENTIATIONS, SOLVERS, with_budget
from ..common.study import Row
from .study import Compare, Cost, Reading, Swept
from .trial import Trial, rank_gradient, read

SWEEPS = 100  # the fixed budget of unrolled log-domain sweeps, that of Sinkhorn


def measure(study: Compare, cases: Sequence[Cost | Swept | Reading]) -> Iterator[Row]:
    """The rows of some of the cases; both times of one case are taken in turn."""
    trial = Trial(study.values)
    kinds = {Cost: _costs, Swept: _swept, Reading: _readings}
    for kind, group in itertools.groupby(cases, key=type):
        yield from kinds[kind](study, trial, list(group))


def _costs(study: Compare, trial: Trial, cases: Sequence[Cost]) -> Iterator[Row]:
    for _, group in itertools.groupby(cases, key=lambda case: (case.solver, case.differentiation)):
        group = list(group)
        calls = [
            call
            for solver in map(_solver, group)
            for call in (Call(read, (trial.x, solver)), Call(rank_gradient, (trial.x, solver, trial.weights)))
        ]
        done = execute(calls)
        for case in group:
            forward, gradient = next(done), next(done)
            forward_seconds, gradient_seconds = in_turn([forward, gradient])
            row = {
                "forward_seconds": forward_seconds,
                "gradient_seconds": gradient_seconds,
                "scratch_bytes": gradient.scratch_bytes,
            }
            if failed := forward.failure or gradient.failure:
                yield case.row(failed, **row)
                continue
            verdict, ranks, sorted_values = forward.value
            reference, reference_error, true_ranks, true_sorted = trial.reading(case.epsilon)
            yield case.row(
                verdict.outcome(gradient.value),
                **verdict.row(),
                rank_error=float(np.max(np.abs(ranks - true_ranks))) / true_ranks.size,
                sort_error=float(np.max(np.abs(sorted_values - true_sorted)) / np.ptp(study.values)),
                gradient_error=trial.gradient_error(gradient.value, case.epsilon),
                **row,
                reference=reference,
                reference_marginal_error=reference_error,
            )


def _solver(case: Cost) -> otsort.AbstractSolver:
    epsilon = jnp.asarray(case.epsilon, jnp.float32)
    if not case.differentiation:
        return SOLVERS[case.solver](epsilon)
    if (case.solver, case.differentiation) == ("LogSinkhorn", "Unrolled"):
        return with_budget(case.solver, case.differentiation, epsilon, SWEEPS)
    return SOLVERS[case.solver](epsilon, differentiation=DIFFERENTIATIONS[case.differentiation])


def _swept(study: Compare, trial: Trial, cases: Sequence[Swept]) -> Iterator[Row]:
    del study

    def call(case: Swept) -> Call:
        epsilon = jnp.asarray(case.epsilon, jnp.float32)
        solver = with_budget("LogSinkhorn", case.differentiation, epsilon, case.sweeps)
        return Call(rank_gradient, (trial.x, solver, trial.weights))

    for case, gradient in zip(cases, execute(list(map(call, cases))), strict=True):
        if gradient.failure:
            yield case.row(gradient.failure)
        else:
            word = outcome.outcome(outcome.FIXED_BUDGET, gradient_finite=np.isfinite(gradient.value))
            yield case.row(word, gradient_error=trial.gradient_error(gradient.value, case.epsilon))


def _readings(study: Compare, trial: Trial, cases: Sequence[Reading]) -> Iterator[Row]:
    places = study.pictured_places()
    order = np.argsort(study.values, kind="stable")[places]
    for case in cases:
        word, _, ranks, sorted_values = trial.reading(case.epsilon)
        yield case.row(word, ranks=ranks[order].tolist(), sorted_values=sorted_values[places].tolist())
