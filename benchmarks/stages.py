"""What Newton spends its time on, in batches of 256 short lists: float32, epsilon 1e-2, normal values.

`python benchmarks/stages.py`: median milliseconds of one evaluation (overlap), one linear solve, the exact start, and
the whole forward pass with its number of steps.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort
from otsort import SemiDual, exact_start

ROUNDS = 9


def milliseconds(function, *arrays) -> float:
    function = jax.jit(jax.vmap(function))
    jax.block_until_ready(function(*arrays))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        jax.block_until_ready(function(*arrays))
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def stages(n: int, m: int) -> None:
    """One line of the table."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(256, n)), jnp.float32)
    target = otsort.TargetMeasure.uniform(m)
    solution = jax.jit(jax.vmap(lambda x: otsort.solve(x, target, solver=otsort.Newton())))(x)
    dual, f = solution.plan.dual, solution.plan.potential
    overlap, ratio = jax.jit(jax.vmap(SemiDual.overlap))(dual, f)
    times = (
        milliseconds(lambda dual: exact_start(dual.problem), dual),
        milliseconds(SemiDual.overlap, dual, f),
        milliseconds(lambda dual, w, s: dual.solve_linearised(w, s, refinements=0), dual, overlap, ratio),
        milliseconds(lambda x: otsort.rank(x, num_targets=m, solver=otsort.Newton()), x),
    )
    steps = int(jnp.max(solution.stats["num_steps"]))
    print(f"{n:6} {m:6}" + "".join(f"{value:10.1f}" for value in times) + f"{steps:7}", flush=True)


if __name__ == "__main__":
    print("     n      m     start   overlap     solve   forward  steps")
    for n, m in [(100, 16), (100, 100), (1000, 16)]:
        stages(n, m)
