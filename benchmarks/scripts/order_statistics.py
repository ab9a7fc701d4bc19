"""Exact order statistics of long lists, and the k largest values for large k, beside those of NumPy and JAX.

`python benchmarks/scripts/order_statistics.py`, about a minute: float32, normal values. What is compared runs in one
process, in turn, each on fresh values, compiled before: medians in milliseconds.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import otsort

MILLION, K = 10**6, 5000
LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9], np.float32)
ROUNDS = 6

#: Name -> the number of values, and a function of them; those of NumPy take its arrays.
FUNCTIONS: dict[str, tuple[int, Callable]] = {
    "one exact quantile": (MILLION, jax.jit(lambda x: otsort.quantile(x, LEVELS[:1], epsilon=0))),
    "five exact quantiles": (MILLION, jax.jit(lambda x: otsort.quantile(x, LEVELS, epsilon=0))),
    "jnp.quantile, five": (MILLION, jax.jit(lambda x: jnp.quantile(x, LEVELS))),
    "np.quantile, five": (MILLION, lambda x: np.quantile(np.asarray(x), LEVELS)),
    "five smooth quantiles": (MILLION, jax.jit(lambda x: otsort.quantile(x, LEVELS))),
    "exact ranks": (MILLION, jax.jit(lambda x: otsort.rank(x, epsilon=0))),
    f"top {K}, exact": (10**5, jax.jit(lambda x: otsort.top_k(x, K, epsilon=0))),
    f"top {K}, smooth": (10**5, jax.jit(lambda x: otsort.top_k(x, K))),
    f"top {K}, smooth, gradient": (10**5, jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(otsort.top_k(x, K)))))),
    f"jax.lax.top_k, {K}": (10**5, jax.jit(lambda x: jax.lax.top_k(x, K)[0])),
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in FUNCTIONS}
    for seed in range(ROUNDS):
        values = np.random.default_rng(seed).normal(size=MILLION).astype(np.float32)
        for name, (number, function) in FUNCTIONS.items():
            x = jax.block_until_ready(jnp.asarray(values[:number]))
            start = time.perf_counter()
            jax.block_until_ready(function(x))
            times[name].append(1e3 * (time.perf_counter() - start))
    for name, taken in times.items():
        print(f"| {name:25} | {FUNCTIONS[name][0]:7} | {np.median(taken[1:]):8.1f} |")  # the first compiles


if __name__ == "__main__":
    main()
