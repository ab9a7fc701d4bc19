"""Plans with exact zeros beside entropic ones: time of ranks and masks, and of gradients, for batches of short lists.

`python benchmarks/scripts/sparse.py`, two minutes: float32, normal values. Both solvers run in one process, in turn,
each on fresh values, compiled before: medians in milliseconds, and the ratio.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import otsort

SHAPES = ((1000, 10), (256, 100), (1, 1000))
SOLVERS = {"entropic": otsort.Newton(1e-2), "sparse": otsort.SparseNewton(1e-1)}
OPERATORS: dict[str, Callable] = {
    "rank": otsort.rank,
    "top-3 mask": lambda x, **options: otsort.top_k_mask(x, 3, **options),
}
ROUNDS = 9


def programs(operator: Callable) -> dict[str, Callable]:
    """The operator and its gradient, by each solver."""
    made = {}
    for name, solver in SOLVERS.items():
        value = lambda x, solver=solver: operator(x, solver=solver)
        made[name] = jax.jit(value)
        made[f"{name}, gradient"] = jax.jit(jax.grad(lambda x, value=value: jnp.sum(jnp.sin(value(x)))))
    return made


def main() -> None:
    for shape in SHAPES:
        for operator, function in OPERATORS.items():
            made = programs(function)
            times: dict[str, list[float]] = {name: [] for name in made}
            for seed in range(ROUNDS):
                x = jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)
                for name, run in made.items():
                    start = time.perf_counter()
                    jax.block_until_ready(run(x))
                    times[name].append(1e3 * (time.perf_counter() - start))
            found = {name: float(np.median(taken[1:])) for name, taken in times.items()}  # the first compiles
            ratios = [found[f"sparse{kind}"] / found[f"entropic{kind}"] for kind in ("", ", gradient")]
            shown = "  ".join(f"{name} {taken:.1f}" for name, taken in found.items())
            print(f"{shape[0]} x {shape[1]}, {operator}: {shown}  ratios {ratios[0]:.1f}, {ratios[1]:.1f}", flush=True)


if __name__ == "__main__":
    main()
