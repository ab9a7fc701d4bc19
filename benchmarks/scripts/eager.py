"""What a call costs that does nothing long: five values, outside `jax.jit`, compiled before.

`python benchmarks/scripts/eager.py`: float32, microseconds of a call and of its gradient, outside and inside `jax.jit`,
medians in turn; two functions of JAX for scale.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort

FUNCTIONS = {
    "jnp.sort": jnp.sort,
    "jax.nn.softmax": jax.nn.softmax,
    "rank": otsort.rank,
    "rank, epsilon=0.1": lambda x: otsort.rank(x, epsilon=0.1),
    "sort": otsort.sort,
    "quantile": lambda x: otsort.quantile(x, 0.5),
    "top_k_mask": lambda x: otsort.top_k_mask(x, 2),
}
ROUNDS, CALLS = 15, 50


def microseconds(function, x) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        jax.block_until_ready(function(x))
    return 1e6 * (time.perf_counter() - start) / CALLS


if __name__ == "__main__":
    x = jnp.asarray(np.random.default_rng(0).normal(size=5), jnp.float32)
    columns = {}
    for name, function in FUNCTIONS.items():
        gradient = jax.grad(lambda x, function=function: jnp.sum(function(x) ** 2))
        columns[name] = (function, gradient, jax.jit(function), jax.jit(gradient))
    every = [function for functions in columns.values() for function in functions]
    times = np.median([[microseconds(function, x) for function in every] for _ in range(ROUNDS + 1)][1:], axis=0)
    print("| a call           | eager | gradient | jitted | gradient |")
    for name, taken in zip(columns, times.reshape(len(columns), -1), strict=True):
        eager, gradient, jitted, jitted_gradient = taken
        print(f"| {name:16} | {eager:5.0f} | {gradient:8.0f} | {jitted:6.0f} | {jitted_gradient:8.0f} |")
