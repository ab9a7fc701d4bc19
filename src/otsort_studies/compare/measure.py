"""Measures every solver and differentiation on one column."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

import otsort

from ..common.execution import Call, execute, in_turn
from ..common.solvers import DIFFERENTIATIONS, SOLVERS, with_budget
from ..common.study import Row
from .study import Compare, Cost, Reading, Swept
from .trial import Trial, rank_gradient, read

SWEEPS = 100  # the fixed budget of unrolled log-domain sweeps, that of Sinkhorn


def measure(study: Compare, cases: Sequence[Cost | Swept | Reading]) -> Iterator[Row]:
    """The rows of some of the cases; the seconds of a method at one epsilon are taken in turn."""
    trial = Trial(study.values)
    kinds = {Cost: _costs, Swept: _swept, Reading: _readings}
    for kind, group in itertools.groupby(cases, key=type):
        yield from kinds[kind](study, trial, list(group))


def _costs(study: Compare, trial: Trial, cases: Sequence[Cost]) -> Iterator[Row]:
    for _, group in itertools.groupby(cases, key=lambda case: (case.solver, case.differentiation)):
        group = list(group)
        solvers = [_solver(case) for case in group]
        calls = [
            call
            for solver in solvers
            for call in (Call(read, (trial.x, solver)), Call(rank_gradient, (trial.x, solver, trial.weights)))
        ]
        done = execute(calls)
        for case in group:
            forward, gradient = next(done), next(done)
            seconds = dict(zip(("forward_seconds", "gradient_seconds"), in_turn([forward, gradient]), strict=True))
            if failed := forward.failure or gradient.failure:
                yield case.row(failed, **seconds, scratch_bytes=gradient.scratch_bytes)
                continue
            verdict, ranks, sorted_values = forward.value
            reference, reference_error, true_ranks, true_sorted = trial.reading(case.epsilon)
            yield case.row(
                verdict.outcome(gradient.value),
                **verdict.row(),
                rank_error=float(jnp.max(jnp.abs(ranks - true_ranks))) / trial.x.size,
                sort_error=float(jnp.max(jnp.abs(sorted_values - true_sorted))) / float(np.ptp(study.values)),
                gradient_error=trial.gradient_error(gradient.value, case.epsilon),
                **seconds,
                scratch_bytes=gradient.scratch_bytes,
                reference=reference,
                reference_marginal_error=reference_error,
            )


def _solver(case: Cost) -> otsort.AbstractSolver:
    epsilon = jnp.asarray(case.epsilon, jnp.float32)
    if case.solver in ("Quadrature", "NorthWestCorner"):  # no choice of differentiation
        return SOLVERS[case.solver](epsilon)
    if (case.solver, case.differentiation) == ("LogSinkhorn", "Unrolled"):
        return with_budget(case.solver, case.differentiation, epsilon, SWEEPS)
    return SOLVERS[case.solver](epsilon, differentiation=DIFFERENTIATIONS[case.differentiation])


def _swept(study: Compare, trial: Trial, cases: Sequence[Swept]) -> Iterator[Row]:
    def call(case: Swept) -> Call:
        epsilon = jnp.asarray(case.epsilon, jnp.float32)
        solver = with_budget("LogSinkhorn", case.differentiation, epsilon, case.sweeps)
        return Call(rank_gradient, (trial.x, solver, trial.weights))

    for case, gradient in zip(cases, execute(list(map(call, cases))), strict=True):
        yield case.row(gradient.failure or ...)
