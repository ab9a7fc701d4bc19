"""How large the chunks of a batch should be: time and memory of ranks and their gradient, by the bytes of a chunk.

`python benchmarks/scripts/chunks.py`, about five minutes: float32, normal values, the defaults. What is compared runs
in one process, in turn, each on fresh values, compiled before. A row is the shape, the size of a chunk on a CPU, the
median microseconds per list of ranks and of their gradient, and megabytes of the gradient's scratch memory.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import otsort
from otsort._xla import chunks

SHAPES = [(256, 100), (4096, 100), (10_000, 10), (100_000, 10), (128, 1000), (2048, 1000)]
MEBIBYTES = (2, 4, 8, 12, 16, 32, 2**20)  # the last is one piece
ROUNDS = 8


def programs(shape: tuple[int, int], mebibytes: int) -> list[jax.stages.Compiled]:
    """Ranks, and the gradient of a combination of them."""
    chunks._BYTES_ON_CPU = mebibytes * 2**20
    jax.clear_caches()
    probe, x = jnp.sin(jnp.arange(shape[1], dtype=jnp.float32)), jax.ShapeDtypeStruct(shape, jnp.float32)
    functions = otsort.rank, jax.grad(lambda x: jnp.sum(otsort.rank(x) @ probe))
    return [jax.jit(function).lower(x).compile() for function in functions]


def main() -> None:
    print("| lists        | MiB     | rank, us | rank', us | scratch, MB |")
    for shape in SHAPES:
        found = {mebibytes: programs(shape, mebibytes) for mebibytes in MEBIBYTES}
        times: dict[int, list[list[float]]] = {mebibytes: [[], []] for mebibytes in MEBIBYTES}
        for seed in range(ROUNDS):
            x = jax.block_until_ready(jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32))
            for mebibytes, both in found.items():
                for run, taken in zip(both, times[mebibytes], strict=True):
                    start = time.perf_counter()
                    jax.block_until_ready(run(x))
                    taken.append(1e6 * (time.perf_counter() - start) / shape[0])
        for mebibytes, both in times.items():
            rank, gradient = (float(np.median(taken[1:])) for taken in both)
            analysis: Any = found[mebibytes][1].memory_analysis()
            scratch = analysis.temp_size_in_bytes / 1e6
            label = f"{shape[0]} x {shape[1]}"
            print(f"| {label:12} | {mebibytes:7} | {rank:8.2f} | {gradient:9.2f} | {scratch:11.1f} |", flush=True)


if __name__ == "__main__":
    main()
