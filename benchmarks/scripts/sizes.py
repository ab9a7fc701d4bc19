"""Time of soft ranks, and of their gradient, against the number of values, beside sorts and ott.

`python benchmarks/scripts/sizes.py [picture.png]` with the extra `bench`: float32, normal values, epsilon 1e-2, m = n,
the default solver. What is compared runs in one process, in turn, each on fresh values, compiled before: medians in
milliseconds. The last column is the scratch memory of the gradient's program. Then a stream of 1e8 values, chunks of
which are made as they are asked for: seconds for both passes, for ranks of all values, and the peak memory of the
process before and after.
"""

import resource
import sys
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from ott.tools import soft_sort

import otsort

SIZES = [10**k for k in range(2, 8)]
LARGEST_FOR_OTT = 10**4  # n^2 entries

FUNCTIONS = {
    "otsort.rank": jax.jit(lambda x: otsort.rank(x)),
    "its gradient": jax.jit(jax.grad(lambda x: jnp.vdot(jnp.cos(jnp.arange(x.size, dtype=x.dtype)), otsort.rank(x)))),
    "otsort.sort": jax.jit(lambda x: otsort.sort(x)),
    "jnp.sort": jax.jit(jnp.sort),
    "jnp.argsort twice": jax.jit(lambda x: jnp.argsort(jnp.argsort(x))),
    "np.sort": lambda x: np.sort(np.asarray(x)),
    "np.argsort": lambda x: np.argsort(np.asarray(x)),
    "ott ranks": jax.jit(lambda x: soft_sort.ranks(x, epsilon=1e-2)),
}


def milliseconds(n: int) -> dict[str, float]:
    rounds = 9 if n < 10**6 else 5 if n < 10**7 else 3
    inputs = [jnp.asarray(np.random.default_rng(k).normal(size=n), jnp.float32) for k in range(rounds + 1)]
    names = [name for name in FUNCTIONS if name != "ott ranks" or n <= LARGEST_FOR_OTT]
    times = {name: [] for name in names}
    for x in inputs:
        for name in names:
            start = time.perf_counter()
            jax.block_until_ready(FUNCTIONS[name](x))
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values[1:])) for name, values in times.items()}  # the first compiles


def scratch(n: int) -> float:
    """Megabytes of intermediate results in the gradient."""
    program = FUNCTIONS["its gradient"].lower(jax.ShapeDtypeStruct((n,), jnp.float32)).compile()
    return program.memory_analysis().temp_size_in_bytes / 1e6


def draw(results: dict[int, dict[str, float]], path: str) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for name in FUNCTIONS:
        sizes = [n for n in results if name in results[n]]
        style = "-o" if "otsort" in name or "gradient" in name else "--"
        axes.loglog(sizes, [results[n][name] for n in sizes], style, markersize=4, label=name)
    axes.set(xlabel="number of values", ylabel="milliseconds")
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


class Made:
    """1e8 normal values, 2^20 at a time."""

    def __iter__(self):
        for k in range(0, 10**8, 2**20):
            yield np.random.default_rng(k).standard_normal(min(2**20, 10**8 - k), np.float32)


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def stream() -> None:
    otsort.streaming.fit([next(iter(Made()))]).rank(next(iter(Made())))  # compiles
    before, start = megabytes(), time.perf_counter()
    fitted = otsort.streaming.fit(Made())
    middle = time.perf_counter()
    total = sum(float(jnp.mean(fitted.rank(chunk))) * chunk.size for chunk in Made())
    end = time.perf_counter()
    print(f"1e8 streamed: fit {middle - start:.0f} s, ranks {end - middle:.0f} s; mean rank / n {total / 1e16:.7f}")
    print(f"median {float(fitted.quantile(0.5)):.1e}; peak memory {before:.0f} MB before, {megabytes():.0f} MB after")


if __name__ == "__main__":
    stream()
    print("         n" + "".join(f"{name:>18}" for name in FUNCTIONS) + "       scratch MB", flush=True)
    results = {}
    for n in SIZES:
        results[n] = milliseconds(n)
        row = "".join(f"{results[n].get(name, float('nan')):18.2f}" for name in FUNCTIONS)
        print(f"{n:10}{row}{scratch(n):17.1f}", flush=True)
    if len(sys.argv) > 1:
        draw(results, sys.argv[1])
