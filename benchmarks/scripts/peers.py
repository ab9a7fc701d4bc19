"""Gradients of soft ranks beside those of ott.tools.soft_sort.

`python benchmarks/scripts/peers.py` with the extra `bench`. What is compared runs in one process, in turn, each on
fresh inputs, compiled before. The tables give median times in milliseconds and medians of the ratios; errors and
differences are relative (l2). ott needs a JAX that suits it: ott-jax 0.6.0 ran with jax 0.6.2, and not with jax 0.10.1.
"""

import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from ott.tools import soft_sort

import otsort

ROUNDS = 15
MARGINAL_ERROR = 1e-6

Gradient = Callable[[Array], Array]


def gradient(rank: Callable[[Array], Array], *shape: int) -> Gradient:
    """Gradient of a weighted sum of ranks."""
    probe = np.random.default_rng(1).normal(size=shape)
    return jax.jit(jax.grad(lambda x: jnp.vdot(jnp.asarray(probe, x.dtype), rank(x))))


def ott(epsilon: float, **options) -> Callable[[Array], Array]:
    """ott's soft ranks, counted from 1."""
    return lambda x: 1 + soft_sort.ranks(x, epsilon=epsilon, **options)


def seconds(function: Gradient, x: Array) -> float:
    start = time.perf_counter()
    function(x).block_until_ready()
    return time.perf_counter() - start


def compare(n: int, epsilon: float) -> None:
    """One line of the first table, in float64."""
    rounds = ROUNDS if n <= 1000 else 3
    inputs = [jnp.asarray(x) for x in np.random.default_rng(0).normal(size=(rounds, n))]
    ours = gradient(lambda x: otsort.rank(x, epsilon=epsilon), n)
    theirs = gradient(ott(epsilon, threshold=MARGINAL_ERROR, max_iterations=100_000), n)
    difference = max(float(jnp.linalg.norm(ours(x) - theirs(x)) / jnp.linalg.norm(ours(x))) for x in inputs[:3])
    times = [(seconds(ours, x), seconds(theirs, x)) for x in inputs]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(b / a for a, b in times)
    print(f"{n:6} {epsilon:8} {1e3 * mine:9.2f} {1e3 * other:9.2f} {ratio:8.1f} {difference:12.1e}", flush=True)


def defaults(n: int, epsilon: float) -> None:
    """A few lines of the third table; float32 as JAX comes, without x64."""
    x = np.random.default_rng(0).normal(size=n).astype(np.float32)
    exact = otsort.Newton(epsilon=epsilon, tol=1e-10)
    for name, wrap in (("ranks", jax.jit), ("gradient", lambda rank: gradient(rank, n))):
        expected = wrap(lambda x: otsort.rank(x, solver=exact))(jnp.asarray(x, float))
        for dtype in (np.float32, np.float64):
            jax.config.update("jax_enable_x64", dtype == np.float64)
            ours = outcome(wrap(lambda x: otsort.rank(x, epsilon=epsilon)), x.astype(dtype), expected)
            theirs = outcome(wrap(ott(epsilon)), x.astype(dtype), expected)
            print(f"{np.dtype(dtype)!s:8} {epsilon:7} {name:9} otsort: {ours:8} ott: {theirs}", flush=True)


def outcome(function: Gradient, x: np.ndarray, expected: Array) -> str:
    try:
        got = np.asarray(function(jnp.asarray(x)), float)
    except Exception as error:  # whatever it is, it is the outcome
        return f"{type(error).__name__}"
    return f"{np.linalg.norm(got - np.asarray(expected)) / np.linalg.norm(expected):.1e}"


def main() -> None:
    """Prints the tables."""
    jax.config.update("jax_enable_x64", True)
    print(f"float64, gradient of ranks, n = m, default solver beside ott at marginal error {MARGINAL_ERROR}")
    print("     n  epsilon    otsort       ott    ratio   difference")
    for n, epsilon in [(100, 1e-2), (300, 1e-2), (1000, 1e-2), (4000, 1e-2), (100, 1e-3), (300, 1e-3)]:
        compare(n, epsilon)

    print("\nn = m = 300 with each library's defaults: relative error to otsort in float64 at tol=1e-10")
    for epsilon in (1e-2, 1e-3, 1e-4):
        defaults(300, epsilon)


if __name__ == "__main__":
    main()
