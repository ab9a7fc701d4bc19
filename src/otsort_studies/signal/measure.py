"""Measures the Jacobian of soft ranks."""

from collections.abc import Callable, Iterator, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort
from otsort._operator.suggest_epsilon import typical_density

from ..common import outcome
from ..common.data import values
from ..common.execution import Call, execute
from ..common.study import Row
from ..common.verdict import Verdict
from .study import Signal, Suggested, Sweep


def jacobian_of_ranks(
    positions: Float[Array, " n"], m: int, epsilon: Float[Array, ""], tol: float
) -> tuple[Verdict, Float[Array, "n n"]]:
    """Returns the verdict on the solve and d rank / d positions, for m uniform target points.

    This is the implicit derivative with all n right-hand sides at once, d rank_i = Cov(level, 2 y dx_i + df | i) n /
    epsilon. `jax.jacrev` gives the same result with n passes over arrays of shape (n, m).
    """
    target = otsort.UniformTarget(m, positions.dtype)
    solver = otsort.Newton(epsilon, tol=tol)
    solution = otsort.solve(positions, target, solver=solver, squash=otsort.squash.identity, throw=False)
    plan = solution.plan
    assert isinstance(plan, otsort.EntropicPlan)
    given = positions.size * plan.as_matrix()  # distribution over the target points for each value
    levels, points = target.levels(0.5), target.points
    slopes = 2 / epsilon * (given @ (levels * points) - (given @ levels) * (given @ points))
    density = given / target.weights[None, :]
    change = 2 / epsilon / positions.size * density * (points[None, :] - (given @ points)[:, None])
    linearised, _ = plan.dual.linearised(plan.potential)
    response = -jax.vmap(linearised.solve)(change)
    through = (given * (levels[None, :] - (given @ levels)[:, None])) @ response.T
    jacobian = positions.size * (jnp.diag(slopes) + through)
    return Verdict.of(solution, jacobian), jacobian


def participation(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Returns (sum_j |J_ij|)^2 / sum_j J_ij^2 for each row; 0 for a row of zeros."""
    size = np.abs(matrix)
    largest = size.max(axis=1, keepdims=True)  # squares of small numbers would underflow
    size = size / np.where(largest > 0, largest, 1)
    squares = (size**2).sum(axis=1)
    return size.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1)


def participation_of_others(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Returns the participation ratio over j != i for each row."""
    return participation(matrix * (1 - np.eye(len(matrix))))


_Slopes = Callable[[Float[Array, " n"], Float[Array, " n"]], Float[Array, " n"]]

#: Name -> squash, and its slope at each value for fixed mean and standard deviation (or range).
SQUASHES: dict[str, tuple[Callable, _Slopes]] = {
    "logistic": (otsort.squash.logistic, lambda x, position: position * (1 - position) / jnp.std(x)),
    "min_max": (otsort.squash.min_max, lambda x, position: jnp.full_like(x, 1 / jnp.ptp(x))),
}


class Linearised(eqx.Module):
    """First derivatives of soft ranks.

    Attributes:
        verdict: verdict on the solve.
        jacobian: derivative of the ranks with respect to the positions.
        density: typical density of the positions.
        inner: derivative of the positions with respect to the values.
        slopes: diagonal of that derivative for a fixed normalisation.
    """

    verdict: Verdict
    jacobian: Float[Array, "n n"]
    density: Float[Array, ""]
    inner: Float[Array, "n n"]
    slopes: Float[Array, " n"]


@eqx.filter_jit
def linearised(x: Float[Array, " n"], squash: str, m: int, epsilon: Float[Array, ""], tol: float) -> Linearised:
    """Computes the first derivatives of the ranks of x."""
    function, slopes = SQUASHES[squash]
    weights = jnp.full(x.size, 1 / x.size)
    positions = function(x, weights)
    verdict, jacobian = jacobian_of_ranks(positions, m, epsilon, tol)
    density = typical_density(positions, weights, jnp.asarray(0.1), positions.size)
    return Linearised(verdict, jacobian, density, jax.jacfwd(function)(x, weights), slopes(x, positions))


def measure(study: Signal, cases: Sequence[Sweep | Suggested]) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    calls = [_call(study, case) for case in cases]
    for case, call, execution in zip(cases, calls, execute(calls), strict=True):
        suggested = {"epsilon": float(call.arguments[3])} if isinstance(case, Suggested) else {}
        found: Linearised = execution.value
        word = execution.failure or found.verdict.outcome()
        sound = not execution.failure and word != outcome.NOT_FINITE
        yield case.row(word, **suggested, **(_said(found) if sound else {}))


def _call(study: Signal, case: Sweep | Suggested) -> Call:
    if isinstance(case, Sweep):
        x = jnp.asarray(values(case.data, case.n, study.seeds[0]))
        m, epsilon = case.n, case.epsilon
    else:
        x = jnp.asarray(values(case.data, case.n, case.seed))
        m, epsilon = case.m, otsort.suggest_epsilon(x, float(case.neighbours), squash=SQUASHES[case.squash][0])
    return Call(linearised, (x, case.squash, m, jnp.asarray(epsilon, x.dtype), study.tol))


def _said(found: Linearised) -> dict[str, float]:
    """Returns norms and supports as columns of a row."""
    jacobian, inner, slopes = map(np.asarray, (found.jacobian, found.inner, found.slopes))
    n = len(jacobian)
    of_values = jacobian @ inner
    rows = np.linalg.norm(jacobian, axis=1)
    low, middle, high = np.quantile(participation_of_others(jacobian), [0.25, 0.5, 0.75])
    said = {
        "density": found.density,
        "support_low": low,
        "support": middle,
        "support_high": high,
        "whole_support": np.median(participation(jacobian)),
        "support_of_values": np.median(participation_of_others(of_values)),
        "dense": np.linalg.norm(of_values - jacobian * slopes) / np.linalg.norm(of_values),
        "row": np.median(rows) / n,
        "frobenius": np.linalg.norm(rows) / n**1.5,
        "spectral": np.linalg.norm(jacobian, 2) / n,
        "silent": np.mean(rows < n / 100),
        "marginal_error": found.verdict.marginal_error,
    }
    return {name: float(value) for name, value in said.items()}
