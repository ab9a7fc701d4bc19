"""The default solver on many problems: it converges on all of them, in few steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from . import problems


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        ([(20, 5), (20, 30)], 60),
        pytest.param(problems.HARD_SHAPES, 125, marks=pytest.mark.slow),  # 2 000 problems
    ],
)
def test_newton_converges_in_few_steps(dtype, shapes, count):
    @jax.jit
    @jax.vmap
    def solve(x, a, y, b, epsilon):
        target = otsort.TargetMeasure(y, b)
        solution = otsort.solve(x, target, weights=a, solver=otsort.Newton(epsilon=epsilon), throw=False)
        return solution.stats["num_steps"], solution.result == otsort.RESULTS.successful

    rng = np.random.default_rng(0)
    steps, converged = [], []
    for n, m in shapes:
        batch = [jnp.asarray(array, dtype) for array in problems.hard_problems(rng, n, m, count)]
        num_steps, successful = solve(*batch)
        steps.extend(np.asarray(num_steps))
        converged.extend(np.asarray(successful))
    print(f"{len(steps)} problems, {np.dtype(dtype)}: median {np.median(steps)}, largest {max(steps)} steps")
    assert all(converged)
    assert np.median(steps) <= 8
    assert max(steps) <= 20


@pytest.mark.parametrize(("weights", "allowed"), [("random", 2e-4), ("smooth", 0.05)])
def test_float32_gradients_at_small_epsilon(weights, allowed):
    """Neighbours trade ranks: of their slopes, a sum with smooth weights leaves a small difference."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    seed = np.tanh(x) if weights == "smooth" else rng.normal(size=200)
    loss = lambda x: jnp.vdot(jnp.asarray(seed, x.dtype), otsort.rank(x, solver=otsort.Newton(1e-4)))
    expected, got = (np.asarray(jax.jit(jax.grad(loss))(x.astype(dtype))) for dtype in (np.float64, np.float32))
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    print(f"{weights} {error:.1e}")
    assert error < allowed


def test_a_tolerance_of_each_precision():
    x, target = np.random.default_rng(0).normal(size=20), otsort.TargetMeasure.uniform(20)
    for dtype, tol in ((np.float32, 1e-6), (np.float64, 1e-10)):
        stats = otsort.solve(x.astype(dtype), target, epsilon=0.1).stats
        np.testing.assert_allclose(stats["tol"], tol, rtol=1e-6)
        assert stats["marginal_error"] <= stats["tol"]
