"""Measures every solver and differentiation on one column, and the references for the errors."""

import functools
import itertools
from collections.abc import Iterator, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float

import otsort

from ..common import outcome
from ..common.data import REFERENCE_TOL, rank_weights
from ..common.execution import Call, execute, in_turn
from ..common.solvers import DIFFERENTIATIONS, SOLVERS, with_budget
from ..common.study import Row
from ..common.verdict import Verdict
from .study import Compare, Cost, Reading, Swept


@eqx.filter_jit
def read(
    x: Float[Array, " n"], solver: otsort.AbstractSolver
) -> tuple[Verdict, Float[Array, " n"], Float[Array, " n"]]:
    """Returns the verdict on a solve, the ranks and the sorted values. A failed solve raises no error."""
    solution, ranks = _solve(x, solver)
    sorted_values = solution.plan.push(x)
    return Verdict.of(solution, ranks, sorted_values), ranks, sorted_values


@eqx.filter_jit
def rank_gradient(
    x: Float[Array, " n"], solver: otsort.AbstractSolver, weights: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Computes the gradient of the weighted sum of the ranks with respect to x."""
    return jax.grad(lambda x: jnp.vdot(weights, _solve(x, solver)[1]))(x)


def _solve(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> tuple[otsort.Solution, Float[Array, " n"]]:
    """Returns the solution and the ranks, which are n times the soft CDF because the target is uniform."""
    solution = otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver, throw=False)
    return solution, x.size * solution.plan.level(1.0)


class Trial:
    """Holds the values, the weights of the sum of ranks that is differentiated, and the references in float64.

    For epsilon > 0, the reference is `Newton`, converged to a marginal error of 1e-10 and differentiated by `Implicit`.
    If it does not converge, its results are NaN, and so are the errors against them. For epsilon = 0, the references
    are SciPy's ranks and NumPy's sort. The gradient of exact ranks is zero, so its relative error is NaN.

    Attributes:
        x: the values in float32.
        weights: weights of the ranks in float32.
    """

    def __init__(self, values: tuple[float, ...]):
        self.x: Float[Array, " n"] = jnp.asarray(values, jnp.float32)
        self.weights: Float[Array, " n"] = jnp.asarray(rank_weights(self.x.size), jnp.float32)
        self.reading = functools.cache(self._reading)
        self.gradient = functools.cache(self._gradient)

    def _reading(self, epsilon: float) -> tuple[str, float, np.ndarray, np.ndarray]:
        """Returns outcome, marginal error, ranks and sorted values of the reference."""
        if epsilon == 0:
            x = np.asarray(self.x, float)
            return outcome.EXACT, 0.0, scipy.stats.rankdata(x), np.sort(x)
        verdict, ranks, sorted_values = read(self.x.astype(float), _reference(epsilon))
        error = float(verdict.marginal_error)
        word = verdict.outcome()
        if word == outcome.CONVERGED and error > REFERENCE_TOL:  # a solver may raise its own tolerance
            word = outcome.NOT_CONVERGED
        lost = 0.0 if word == outcome.CONVERGED else np.nan
        return word, error, np.asarray(ranks) + lost, np.asarray(sorted_values) + lost

    def _gradient(self, epsilon: float) -> np.ndarray:
        if self.reading(epsilon)[0] != outcome.CONVERGED:
            return np.full(self.x.shape, np.nan)
        return np.asarray(rank_gradient(self.x.astype(float), _reference(epsilon), self.weights.astype(float)))

    def gradient_error(self, gradient: Float[Array, " n"], epsilon: float) -> float:
        """Returns the relative l2 error of a gradient; NaN if the gradient is no larger than its rounding."""
        truth = self.gradient(epsilon)
        size = np.linalg.norm(truth)
        scale = self.x.size * np.linalg.norm(self.weights) / np.ptp(self.x)  # ranks over values
        return float(np.linalg.norm(gradient - truth) / size) if size > _VANISHING * scale else np.nan


_VANISHING = 1e-12  # size of a gradient of ranks, over its scale, that rounding in float64 makes meaningless


def _reference(epsilon: float) -> otsort.AbstractSolver:
    # Use the epsilon of the float32 solvers, which is rounded.
    epsilon64 = jnp.asarray(epsilon, jnp.float32).astype(float)
    return otsort.Newton(epsilon64, tol=REFERENCE_TOL, differentiation=otsort.Implicit())


SWEEPS = 100  # fixed number of unrolled log-domain sweeps, as in Sinkhorn


def measure(study: Compare, cases: Sequence[Cost | Swept | Reading]) -> Iterator[Row]:
    """Yields the rows of some of the cases. The two times of a case are measured in turn."""
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
