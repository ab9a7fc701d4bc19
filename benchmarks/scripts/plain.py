"""Measures what the compiler tricks of the library gain, on gradients of ranks.

`python benchmarks/scripts/plain.py`, about eight minutes: float32, normal values, the defaults. Each variant replaces
some functions by ordinary JAX (`otsort._xla.plain`). The variants run in processes of their own, in turn, three times
each, on fresh values, compiled before. A row is the variant and, for each shape, its median time over that of the
library as it is.
"""

import importlib
import json
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np

SHAPES = [(1000, 10), (1024, 16), (256, 100), (1, 1_000_000)]
PROCESSES, ROUNDS = 3, 12
SUMS, MATRICES = ["sum_along", "repeat_along", "max_along"], ["matvec", "weighted_sum", "matmul", "transposed"]
SYSTEMS = ["factorise", "solve_factorised"]
VARIANTS: dict[str, list[str]] = {
    "nothing": [],
    "stores": ["materialised"],
    "sums": SUMS,
    "products and sums": [*SUMS, *MATRICES],
    "systems": SYSTEMS,
    "conditions of loops": ["anywhere", "largest_anywhere"],
    "lists in the last axis, and chunks": ["for_each_list"],
    "no spare lists": ["no spare lists"],
    "everything": [*SUMS, *MATRICES, *SYSTEMS, "materialised", "anywhere", "largest_anywhere", "for_each_list"],
}


def milliseconds(ordinary: list[str]) -> list[float]:
    """Returns the median for each shape."""
    import jax
    import jax.numpy as jnp

    # The room is imported and changed before the rest of the library takes its functions.
    source = Path(__file__).parents[2] / "src" / "otsort"
    skeleton = types.ModuleType("otsort")
    skeleton.__path__ = [str(source)]
    sys.modules["otsort"] = skeleton
    room, plain = importlib.import_module("otsort._xla"), importlib.import_module("otsort._xla.plain")
    for name in ordinary:
        if name == "no spare lists":
            vars(importlib.import_module("otsort._xla.batching"))["_SPARE_LISTS"] = 0
        else:
            setattr(room, name, getattr(plain, name))
    del sys.modules["otsort"]
    otsort = importlib.import_module("otsort")

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
    found: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    for _ in range(PROCESSES):
        for name, times in found.items():
            run = [sys.executable, __file__, json.dumps(VARIANTS[name])]
            times.append(json.loads(subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout))
    medians = {name: np.median(times, axis=0) for name, times in found.items()}
    shapes = [f"{lists} x {n}" for lists, n in SHAPES]
    print("the library:", ", ".join(f"{s} {ms:.1f} ms" for s, ms in zip(shapes, medians["nothing"], strict=True)))
    for name, each in list(medians.items())[1:]:
        ratios = each / medians["nothing"]
        print(f"{name}:", ", ".join(f"{shape} {ratio:.2f}" for shape, ratio in zip(shapes, ratios, strict=True)))


if __name__ == "__main__":
    print(json.dumps(milliseconds(json.loads(sys.argv[1])))) if sys.argv[1:] else main()
