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
