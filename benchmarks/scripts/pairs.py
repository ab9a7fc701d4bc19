"""Kendall's tau of long lists, beside a pairwise surrogate and SciPy: time should grow like n log n, not like n^2.

`python benchmarks/scripts/pairs.py`, some three minutes: float32, normal values, n from 2^12 to 2^17. "pairwise" is the
mean of tanh((x_i - x_j) / 0.1) sign(y_i - y_j) over all pairs, row by row, in O(n) memory. All methods run in one
process, in turn, each on fresh values, compiled before: medians in milliseconds, and in brackets the power of n by
which they grew since the size before.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float

import otsort

SIZES = tuple(2**power for power in range(12, 18))
MOST_PAIRS = 2**14  # the surrogate takes minutes beyond
ROUNDS = 4


def surrogate(x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
    row = lambda one: jnp.sum(jnp.tanh((one[0] - x) * jnp.sign(one[1] - y) / 0.1))
    return jnp.sum(jax.lax.map(jax.checkpoint(row), (x, y))) / (x.size * (x.size - 1))


tau = otsort.metrics.kendall_tau
#: Name -> a function of x and y.
FUNCTIONS: dict[str, Callable] = {
    "smooth": jax.jit(tau),
    "gradient": jax.jit(jax.grad(tau)),
    "exact": jax.jit(lambda x, y: tau(x, y, epsilon=0)),
    "pairwise": jax.jit(surrogate),
    "gradient of pairwise": jax.jit(jax.grad(surrogate)),
    "SciPy": lambda x, y: scipy.stats.kendalltau(x, y)[0],
}


def main() -> None:
    print("|", " | ".join(["n", *FUNCTIONS]), "|")
    before: dict[str, float] = {}
    for n in SIZES:
        times: dict[str, list[float]] = {name: [] for name in FUNCTIONS}
        for seed in range(ROUNDS):
            x, y = (jnp.asarray(row) for row in np.random.default_rng(seed).normal(size=(2, n)).astype(np.float32))
            for name, function in FUNCTIONS.items():
                if n > MOST_PAIRS and "pairwise" in name:
                    continue
                start = time.perf_counter()
                jax.block_until_ready(function(x, y))
                times[name].append(1e3 * (time.perf_counter() - start))
        found = {name: float(np.median(taken[1:])) for name, taken in times.items() if taken}  # the first compiles
        cells = (
            f"{found[name]:.1f}" + (f" (n^{np.log2(found[name] / before[name]):.1f})" if name in before else "")
            if name in found
            else ""
            for name in FUNCTIONS
        )
        print("|", " | ".join([str(n), *cells]), "|", flush=True)
        before = found


if __name__ == "__main__":
    main()
