"""The words for how a solve ended."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort_studies.common import outcome
from otsort_studies.common.verdict import Verdict

X = jnp.asarray([[3.0, 1.0, 2.0], [0.0, 0.1, 5.0]])


def solved(x, solver):
    solution = otsort.solve(x, otsort.UniformTarget(3), solver=solver, throw=False)
    return Verdict.of(solution, solution.plan.level(0.5))


@pytest.mark.parametrize(
    ("solver", "word"),
    [
        (otsort.Newton(1e-2), outcome.CONVERGED),
        (otsort.Quadrature(1e-2), outcome.CONVERGED),
        (otsort.Sinkhorn(1e-2), outcome.FIXED_BUDGET),
        (otsort.NorthWestCorner(), outcome.EXACT),
        (otsort.LogSinkhorn(1e-2, tol=1e-12, max_steps=1), outcome.NOT_CONVERGED),
        (otsort.Sinkhorn(1e-5), outcome.NOT_FINITE),
    ],
)
def test_of_one_and_of_a_batch(solver, word):
    verdict = jax.jit(lambda x: solved(x, solver))(X[0])
    assert verdict.outcome() == word
    batch = jax.jit(jax.vmap(lambda x: solved(x, solver)))(X)
    assert batch.successful.shape == batch.finite.shape == (2,)
    assert batch.outcome() == word
    assert set(verdict.row()) == {"steps", "marginal_error", "tol"}
    sound = word in outcome.SOUND
    assert verdict.outcome(np.asarray([0.0, np.nan])) == (outcome.GRADIENT_NOT_FINITE if sound else word)
    assert verdict.outcome(np.zeros(2)) == word


def test_one_that_failed_decides_for_a_batch():
    solver = otsort.LogSinkhorn(1e-2, tol=1e-12, max_steps=1)
    batch = jax.vmap(lambda x: solved(x, solver))(jnp.stack([jnp.ones(3), X[1]]))
    assert list(np.asarray(batch.successful)) == [True, False]
    assert batch.outcome() == outcome.NOT_CONVERGED
    assert solved(X[0].at[0].set(jnp.nan), otsort.Newton()).outcome() == outcome.NOT_FINITE


@pytest.mark.parametrize(("tol", "word"), [(0.0, outcome.EXACT), (jnp.inf, outcome.FIXED_BUDGET)])
def test_of_values_without_a_solution(tol, word):
    assert Verdict.without_solution(tol, X).outcome() == word
    assert Verdict.without_solution(tol, X.at[1, 0].set(jnp.inf)).outcome() == outcome.NOT_FINITE
    assert np.isnan(Verdict.without_solution(tol, X).row()["marginal_error"])
