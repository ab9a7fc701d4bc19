"""Whether the default solver is the fastest: times of both candidates over a grid of problems, float32 by default.

`python benchmarks/scripts/default_solver.py [rows.jsonl] [float64]`: ranks and their gradient by `Newton` and by
`Quadrature`, in turn, the least of a few calls each, compiled before; for each problem the times, the choice, and how
much slower it is than the better one. Rows are appended to the file, and what it holds already is not measured again.
"""

import itertools
import json
import pathlib
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort
from otsort._call.default_solver import default_solver

INPUTS = (2, 16, 50, 150, 500, 2000, 20_000, 100_000)
TARGETS = (2, 8, 30, 60, 120, 300, 1000, 5000)
EPSILONS = (1e-1, 1e-2, 1e-3)
BATCHES = (1, 32)
MOST_OPERATIONS = 4e9  # of one factorisation and product, for all lists
MOST_VALUES = 1_000_000


def cases():
    for n, m, epsilon, batch in itertools.product(INPUTS, TARGETS, EPSILONS, BATCHES):
        if batch * (n * m**2 + m**3) <= MOST_OPERATIONS and batch * max(n, m) <= MOST_VALUES:
            yield n, m, epsilon, batch


def seconds(functions, x) -> list[float]:
    """The least of some calls of each on fresh values, in turn; who is first in a turn takes longer, so all are."""
    for function in functions:
        jax.block_until_ready(function(x))  # compiles
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(7):
        fresh = jax.block_until_ready(jnp.roll(x, turn + 1, axis=-1))
        for place in range(len(functions)):
            which = (place + turn) % len(functions)
            taken = times[which]
            if sum(taken) < 1:
                start = time.perf_counter()
                jax.block_until_ready(functions[which](fresh))
                taken.append(time.perf_counter() - start)
    return list(map(min, times))


def measure(n: int, m: int, epsilon: float, batch: int, dtype) -> dict:
    """One row: seconds of ranks and of their gradient, by both."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(batch, n)), dtype)
    probe = jnp.asarray(np.random.default_rng(1).normal(size=(batch, n)), dtype)
    functions = []
    for solver in (otsort.Newton(epsilon), otsort.Quadrature(epsilon)):
        rank = lambda x, solver=solver: otsort.rank(x, num_targets=m, solver=solver)
        functions += [jax.jit(rank), jax.jit(jax.grad(lambda x, rank=rank: jnp.vdot(probe, rank(x))))]
    names = ("newton", "newton_gradient", "quadrature", "quadrature_gradient")
    return dict(zip(names, seconds(functions, x), strict=True))


def main() -> None:
    """Measures what is missing, and tells of each problem."""
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "default_solver.jsonl")
    dtype = jnp.dtype(sys.argv[2] if len(sys.argv) > 2 else "float32")
    jax.config.update("jax_enable_x64", dtype == jnp.float64)
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(row["n"], row["m"], row["epsilon"], row["batch"], row["dtype"]): row for row in rows}
    worst = 1.0
    for n, m, epsilon, batch in cases():
        key = (n, m, epsilon, batch, dtype.name)
        if key not in known:
            row = dict(zip(("n", "m", "epsilon", "batch", "dtype"), key, strict=True))
            known[key] = row | measure(n, m, epsilon, batch, dtype)
            with path.open("a") as file:
                file.write(json.dumps(known[key]) + "\n")
            jax.clear_caches()
        row = known[key]
        target = otsort.UniformTarget(m, dtype)
        chosen = type(default_solver(epsilon, n, target, otsort.SquaredCost(), throw=True)).__name__.lower()
        other = {"newton": "quadrature", "quadrature": "newton"}[chosen]
        ratio = max(row[chosen + part] / row[other + part] for part in ("", "_gradient"))
        worst = max(worst, ratio)
        times = " ".join(f"{1e3 * row[kind + part]:9.2f}" for kind in (chosen, other) for part in ("", "_gradient"))
        print(f"{n:7} {m:6} {epsilon:7} {batch:4} {chosen:10} {times} {ratio:6.2f}", flush=True)
    print(f"at worst {worst:.2f} times slower than the better solver")


if __name__ == "__main__":
    main()
