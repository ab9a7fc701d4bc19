"""Batches of short lists, as they are trained on: times over that of a sort, and what a first call costs.

`python benchmarks/scripts/short_lists.py`: float32, normal values, epsilon 1e-2, m = n, the default solver. What is
compared runs in one process, in turn, each on fresh values, compiled before: the median of the sort in milliseconds,
and medians of the others over it; a prime is a gradient, `vmap` one within `jax.vmap`. Where torch and torchsort are
installed, their sort and the gradient of their soft ranks are columns too. Then the scratch memory of the gradient of
ranks in megabytes, and, for two shapes, seconds to trace and to compile, and instructions of the compiled program.
"""

import importlib
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import otsort

SHAPES = [
    *[(1000, 10), (10_000, 10), (100_000, 10), (1000, 16), (1024, 16)],
    *[(256, 100), (4096, 100), (128, 1000), (2048, 1000), (1, 1000)],
]
MANY = 100_000  # values, from which on there are fewer rounds
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


def imported(name: str) -> Any:
    """A module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def of_torch(shape: tuple[int, int]) -> dict:
    """Returns the sort of torch and the gradient of torchsort, if installed, as functions of NumPy arrays."""
    functions = {}
    torch, torchsort = map(imported, ("torch", "torchsort"))
    if torch is not None:
        functions["torch.sort"] = lambda x: torch.sort(torch.from_numpy(x)).values
    if torch is not None and torchsort is not None:
        probe = torch.from_numpy(np.random.default_rng(1).normal(size=shape).astype(np.float32))

        def gradient(x: np.ndarray):
            leaf = torch.from_numpy(x).requires_grad_()
            return torch.autograd.grad((probe * torchsort.soft_rank(leaf, regularization_strength=0.1)).sum(), leaf)

        functions["torchsort rank'"] = gradient
    return functions


def milliseconds(shape: tuple[int, int]) -> dict[str, float]:
    """Medians, in turn."""
    ours, theirs = programs(shape), of_torch(shape)
    times: dict[str, list[float]] = {name: [] for name in ours | theirs}
    for k in range(ROUNDS + 1 if shape[0] * shape[1] <= MANY else 6):
        numbers = np.random.default_rng(k).normal(size=shape).astype(np.float32)
        x = jax.block_until_ready(jnp.asarray(numbers))
        for name, function in (ours | theirs).items():
            start = time.perf_counter()
            jax.block_until_ready(function(numbers if name in theirs else x))
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


def scratch(shape: tuple[int, int]) -> float:
    """Megabytes of the gradient of ranks, beside its arguments and answers."""
    program = programs(shape)["rank'"].lower(jax.ShapeDtypeStruct(shape, jnp.float32)).compile()
    return program.memory_analysis().temp_size_in_bytes / 1e6


if __name__ == "__main__":
    names = [name for name in programs((1, 3)) | of_torch((1, 3)) if name != "jnp.sort"]
    print("| lists       | jnp.sort, ms | " + " | ".join(f"{name:11}" for name in names) + " | scratch, MB |")
    for shape in SHAPES:
        taken = milliseconds(shape)
        ratios = (f"{taken[name] / taken['jnp.sort']:11.2f}" for name in names)
        label = f"{shape[0]} x {shape[1]}"
        columns = " | ".join(ratios)
        print(f"| {label:11} | {taken['jnp.sort']:12.2f} | {columns} | {scratch(shape):11.1f} |", flush=True)
    print("| lists      | program     | trace | compile | instructions |")
    for shape in [(256, 100), (1000, 10)]:
        first_call(shape)
