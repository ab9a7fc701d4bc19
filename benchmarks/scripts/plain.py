"""What the compiler tricks of the library gain: times of gradients of ranks in ordinary JAX over those with them.

`python benchmarks/scripts/plain.py`: float32, normal values, the defaults. Ordinary JAX is chosen when otsort is
imported (`OTSORT_PLAIN=1`), so that the two run in processes of their own, in turn, three times each. A row is the
shape, the median in milliseconds of each, and their ratio.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np

SHAPES = [(1000, 10), (256, 100), (128, 1000), (1, 1_000_000)]
PROCESSES, ROUNDS = 3, 12


def milliseconds() -> list[float]:
    """Returns the median for each shape, on fresh values, compiled before."""
    import jax
    import jax.numpy as jnp

    import otsort

    medians = []
    for shape in SHAPES:
        gradient = jax.jit(jax.grad(lambda x: jnp.vdot(jnp.sin(x), otsort.rank(x))))
        times = []
        for seed in range(ROUNDS + 1):
            x = jax.block_until_ready(jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32))
            start = time.perf_counter()
            jax.block_until_ready(gradient(x))
            times.append(1e3 * (time.perf_counter() - start))
        medians.append(float(np.median(times[1:])))  # the first compiles
    return medians


def main() -> None:
    """Prints the rows."""
    found: dict[str, list[list[float]]] = {"0": [], "1": []}
    for _ in range(PROCESSES):
        for plain, times in found.items():
            run = [sys.executable, __file__, "child"]
            child = subprocess.run(run, env=os.environ | {"OTSORT_PLAIN": plain}, stdout=subprocess.PIPE, check=True)
            times.append(json.loads(child.stdout))
    with_tricks, plain = (np.median(times, axis=0) for times in found.values())
    for shape, one, other in zip(SHAPES, with_tricks, plain, strict=True):
        print(f"{shape[0]} x {shape[1]}: {one:.1f} and {other:.1f} ms, {other / one:.1f} times as long")


if __name__ == "__main__":
    print(json.dumps(milliseconds())) if sys.argv[1:] == ["child"] else main()
