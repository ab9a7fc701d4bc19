"""Measures what a squash costs: the time of ranks with each squash, over the time with the default one.

`python benchmarks/scripts/squashes.py`: float32, normal values, the default solver and epsilon. Programs run in one
process, in turn, each on fresh values, compiled before. A row is the shape, the median of the default in milliseconds,
and the medians of the others over it.
"""

import functools
import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort

SHAPES = [(1000, 10), (100, 100), (1, 1000), (1, 1_000_000)]
SQUASHES = {
    "logistic": otsort.squash.logistic,
    "min_max": otsort.squash.min_max,
    "Sigmoid": otsort.squash.Sigmoid(1.0),
    "robust": otsort.squash.robust,
}
ROUNDS = 12


def medians(shape: tuple[int, int]) -> dict[str, float]:
    """Returns milliseconds by the name of the squash."""
    programs = {name: jax.jit(functools.partial(otsort.rank, squash=squash)) for name, squash in SQUASHES.items()}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for seed in range(ROUNDS + 1):
        x = jax.block_until_ready(jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32))
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(x))
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(taken[1:])) for name, taken in times.items()}  # the first compiles


if __name__ == "__main__":
    for shape in SHAPES:
        found = medians(shape)
        default = found.pop("logistic")
        others = ", ".join(f"{name} {each / default:.1f}" for name, each in found.items())
        print(f"{shape[0]} x {shape[1]}: logistic {default:.2f} ms, {others}")
