"""Batches of short lists, as they are trained on: times over that of a sort, and what a first call costs.

`python benchmarks/scripts/short_lists.py`: float32, normal values, epsilon 1e-2, m = n, the default solver. What is
compared runs in one process, in turn, each on fresh values, compiled before: the median of the sort in milliseconds,
and medians of the others over it; a prime is a gradient, `vmap` one within `jax.vmap`. Then, for two shapes, seconds to
trace and to compile, and instructions of the compiled program.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort

SHAPES = [(1000, 10), (1000, 16), (1024, 16), (256, 100), (128, 1000), (4096, 1000), (1, 1000)]
ROUNDS = 30

OPERATORS = {
    "rank": otsort.rank,
    "sort": otsort.sort,
    "top-3 mask": lambda x: otsort.top_k_mask(x, 3),
}


def programs(shape: tuple[int, int]) -> dict:
    """Each operator, and the gradient of a random combination of its answers; that of ranks also list by list."""
    probe = jnp.asarray(np.random.default_rng(1).normal(size=shape), jnp.float32)
    functions = {"jnp.sort": jnp.sort}
    for name, operator in OPERATORS.items():
        functions[name] = operator
        functions[name + "'"] = jax.grad(lambda x, f=operator: jnp.vdot(probe, f(x)))
    functions["rank', vmap"] = jax.vmap(jax.grad(lambda x: jnp.vdot(probe[0], otsort.rank(x))))
    return {name: jax.jit(function) for name, function in functions.items()}


def milliseconds(shape: tuple[int, int]) -> dict[str, float]:
    """Medians, in turn."""
    functions = programs(shape)
    times: dict[str, list[float]] = {name: [] for name in functions}
    for k in range(ROUNDS + 1 if shape[0] < 4096 else 6):
        x = jax.block_until_ready(jnp.asarray(np.random.default_rng(k).normal(size=shape), jnp.float32))
        for name, function in functions.items():
            start = time.perf_counter()
            jax.block_until_ready(function(x))
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(taken[1:])) for name, taken in times.items()}  # the first compiles


def first_call(shape: tuple[int, int]) -> None:
    """Seconds and instructions, nothing cached."""
    for name, function in programs(shape).items():
        jax.clear_caches()
        start = time.perf_counter()
        lowered = function.lower(jax.ShapeDtypeStruct(shape, jnp.float32))
        middle = time.perf_counter()
        compiled = lowered.compile()
        end = time.perf_counter()
        instructions = sum(" = " in line for line in (compiled.as_text() or "").splitlines())
        label = f"{shape[0]} x {shape[1]}"
        print(
            f"| {label:10} | {name:11} | {middle - start:5.2f} | {end - middle:5.2f} | {instructions:6} |", flush=True
        )


if __name__ == "__main__":
    names = [name for name in programs((1, 3)) if name != "jnp.sort"]
    print("| lists      | jnp.sort, ms | " + " | ".join(f"{name:11}" for name in names) + " |")
    for shape in SHAPES:
        taken = milliseconds(shape)
        ratios = (f"{taken[name] / taken['jnp.sort']:11.2f}" for name in names)
        label = f"{shape[0]} x {shape[1]}"
        print(f"| {label:10} | {taken['jnp.sort']:12.2f} | " + " | ".join(ratios) + " |", flush=True)
    print("| lists      | program     | trace | compile | instructions |")
    for shape in [(256, 100), (1000, 10)]:
        first_call(shape)
