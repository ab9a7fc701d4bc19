"""Accuracy, time and memory of a solver with a differentiation."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from otsort import AbstractSolver

from ._methods import Method
from ._reading import Reading, compiled, lowered, rank_gradient, read
from ._timing import seconds
from ._trial import Trial


@dataclass(frozen=True)
class Result:
    """One line of the comparison; a number that does not exist is NaN.

    Attributes:
        solver, differentiation, epsilon: what was measured; epsilon = 0 for an exact solver.
        outcome: converged, fixed budget, exact, not converged, not finite, or gradient not finite.
        steps: number of them.
        marginal_error: of the plan, as the solver says.
        tol: the marginal error that it had to reach, raised to what float32 can; infinite for a fixed budget.
        rank_error: largest error of a rank over the number of values.
        sort_error: largest error of a sorted value over their range.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
        forward_seconds, gradient_seconds: of one call, without compilation.
        gradient_bytes: scratch memory of the compiled gradient.
        reference: converged, not converged, or exact.
        reference_marginal_error: of the float64 reference that errors are measured against.
    """

    solver: str
    differentiation: str
    epsilon: float
    outcome: str
    steps: int
    marginal_error: float
    tol: float
    rank_error: float
    sort_error: float
    gradient_error: float
    forward_seconds: float
    gradient_seconds: float
    gradient_bytes: int
    reference: str
    reference_marginal_error: float


def measure(trial: Trial, cases: Iterable[tuple[Method, float]]) -> Iterator[Result]:
    """Results one by one; neighbours of one method share its compiled programs, as epsilon is an argument of them."""
    for method, group in itertools.groupby(cases, key=lambda case: case[0]):
        solvers = {epsilon: method.build(jnp.asarray(epsilon, jnp.float32)) for _, epsilon in group}
        some = next(iter(solvers.values()))
        forward, backward = compiled(
            [lowered(read, trial.x, some), lowered(rank_gradient, trial.x, some, trial.weights)]
        )
        for epsilon, solver in solvers.items():
            yield _result(trial, method, epsilon, forward, backward, solver)


def _result(
    trial: Trial, method: Method, epsilon: float, forward: Any, backward: Any, solver: AbstractSolver
) -> Result:
    reading, gradient = forward(trial.x, solver), backward(trial.x, solver, trial.weights)
    truth = trial.reading(epsilon)
    forward_seconds, gradient_seconds = seconds(
        [lambda x: forward(x, solver), lambda x: backward(x, solver, trial.weights)], trial.x
    )
    return Result(
        solver=method.solver,
        differentiation=method.differentiation,
        epsilon=epsilon,
        outcome=_outcome(method, reading, gradient),
        steps=int(reading.steps),
        marginal_error=float(reading.marginal_error),
        tol=float(reading.tol),
        rank_error=float(jnp.max(jnp.abs(reading.ranks - truth.ranks))) / trial.x.size,
        sort_error=float(jnp.max(jnp.abs(reading.sorted_values - truth.sorted_values))) / trial.spread,
        gradient_error=trial.gradient_error(gradient, epsilon),
        forward_seconds=forward_seconds,
        gradient_seconds=gradient_seconds,
        gradient_bytes=backward.compiled.memory_analysis().temp_size_in_bytes,
        reference="exact" if method.exact else "converged" if truth.successful else "not converged",
        reference_marginal_error=float(truth.marginal_error),
    )


def _outcome(method: Method, reading: Reading, gradient: Float[Array, " n"]) -> str:
    if not np.all(np.isfinite(reading.ranks + reading.sorted_values + reading.marginal_error)):
        return "not finite"
    if not reading.successful:
        return "not converged"
    if not np.all(np.isfinite(gradient)):
        return "gradient not finite"
    if method.exact:
        return "exact"
    return "fixed budget" if np.isinf(reading.tol) else "converged"
