"""Losses beside those that need no ranks: medians in milliseconds, and over the first row.

`python benchmarks/scripts/losses.py`: float32, the default solver, epsilon 1e-2 (0.1 for the top-k cross-entropy). The
mean loss of a batch and its gradient, compiled before, in one process and in turn, each on fresh values: 1000 examples
of 10 classes, and errors of many examples. Beside them Spearman's distance by torchsort, where it is installed.
"""

# pyright: reportMissingImports=false

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from otsort import losses

ROUNDS = 30
LABELS = jnp.asarray(np.random.default_rng(1).integers(10, size=1000))


CLASSES = {
    "optax cross-entropy": lambda x: optax.softmax_cross_entropy_with_integer_labels(x, LABELS),
    "top_k_error": lambda x: losses.top_k_error(x, LABELS),
    "top_k_cross_entropy, k = 1": lambda x: losses.top_k_cross_entropy(x, LABELS),
    "top_k_cross_entropy, k = 1 or 5": lambda x: losses.top_k_cross_entropy(x, LABELS, [0.5, 0, 0, 0, 0.5]),
    "spearman_distance, 1000 lists": lambda x: losses.spearman_distance(x, x[::-1]),
}
ERRORS = {
    "exact quantile, jnp.quantile": lambda x: jnp.quantile(x, 0.9),
    "quantile_error": lambda x: losses.quantile_error(x, 0.9),
    "trimmed_mean": lambda x: losses.trimmed_mean(x, 0, 0.9),
    "expected_shortfall": lambda x: losses.expected_shortfall(x, 0.1),
}


def compiled(functions: dict[str, Callable]) -> dict[str, list[Callable]]:
    """Mean value and its gradient."""
    means = {name: (lambda x, f=f: jnp.mean(f(x))) for name, f in functions.items()}
    return {name: [jax.jit(f), jax.jit(jax.grad(f))] for name, f in means.items()}


def by_torchsort() -> dict[str, list[Callable]]:
    """Spearman's distance of lists from the lists in reverse order, as above; nothing if torchsort is missing."""
    try:
        import torch
        import torchsort
    except ImportError:
        return {}

    def value(x):
        ranks, target = torchsort.soft_rank(x), x.flip(0).argsort(1).argsort(1).to(x.dtype)
        u, v = (r - r.mean(1, keepdim=True) for r in (ranks, target))
        return (1 - (u * v).sum(1) / (u.norm(dim=1) * v.norm(dim=1))).mean()

    def gradient(x):
        x.requires_grad_()
        return torch.autograd.grad(value(x), x)[0]

    tensor = lambda x: torch.from_numpy(np.array(x))
    return {"the same by torchsort": [lambda x, f=f: f(tensor(x)).detach().numpy() for f in (value, gradient)]}


def milliseconds(functions: dict[str, list[Callable]], shape: tuple[int, ...]) -> dict[str, list[float]]:
    """Medians of value and of gradient, in turn."""
    programs = {(name, i): program for name, both in functions.items() for i, program in enumerate(both)}
    times: dict[tuple[str, int], list[float]] = {key: [] for key in programs}
    for k in range(ROUNDS + 1):
        x = jax.block_until_ready(jnp.asarray(np.random.default_rng(k).normal(size=shape), jnp.float32))
        for key, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(x))
            times[key].append(1e3 * (time.perf_counter() - start))
    return {name: [float(np.median(times[name, i][1:])) for i in (0, 1)] for name in functions}  # the first compiles


def report(functions: dict[str, list[Callable]], shape: tuple[int, ...]) -> None:
    taken = milliseconds(functions, shape)
    first = next(iter(taken.values()))
    print(f"| {' x '.join(map(str, shape)):32} | loss, ms | gradient, ms | ratio | ratio of gradients |")
    print("|---|---|---|---|---|")
    for name, (value, gradient) in taken.items():
        ratios = f"{value / first[0]:.1f} | {gradient / first[1]:.1f}"
        print(f"| {name:32} | {value:.3g} | {gradient:.3g} | {ratios} |", flush=True)


if __name__ == "__main__":
    report({**compiled(CLASSES), **by_torchsort()}, (1000, 10))
    for n in (1000, 1_000_000):
        report(compiled(ERRORS), (n,))
