"""Thresholds of the rows of sparse plans: by Newton's method, by comparing each entry with each, and by sorting.

`python benchmarks/scripts/thresholds.py`, one minute: float32, random rows, medians in milliseconds of calls in turn,
without compilation. Rows of few entries have the lists in the last axis, as the library keeps short lists.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

from otsort._transport.sparse_rows import compared_thresholds, searched_thresholds

ROUNDS = 15


def by_sorting(values, weights):
    """The threshold of each row from its sorted entries and their cumulative sums."""
    order = jnp.argsort(-values, axis=1)
    values = jnp.take_along_axis(values, order, axis=1)
    weights = jnp.take_along_axis(jnp.broadcast_to(weights[None], values.shape), order, axis=1)
    return jnp.max((jnp.cumsum(weights * values, axis=1) - 1) / jnp.cumsum(weights, axis=1), axis=1)


WAYS = {"Newton": searched_thresholds, "comparing": compared_thresholds, "sorting": by_sorting}


def main() -> None:
    for shape, ways in {
        (10, 2, 1000): WAYS,
        (10, 4, 1000): WAYS,
        (10, 10, 1000): WAYS,
        (1000, 100): {name: way for name, way in WAYS.items() if name != "comparing"},
        (10_000, 1000): {name: way for name, way in WAYS.items() if name != "comparing"},
    }.items():
        weights = jnp.full((shape[1], *[1] * (len(shape) - 2)), 1 / shape[1], jnp.float32)
        runs = {name: jax.jit(way) for name, way in ways.items()}
        times: dict[str, list[float]] = {name: [] for name in runs}
        for seed in range(ROUNDS):
            values = jnp.asarray(10 * np.random.default_rng(seed).normal(size=shape), jnp.float32)
            found = {}
            for name, run in runs.items():
                start = time.perf_counter()
                found[name] = jax.block_until_ready(run(values, weights))
                times[name].append(1e3 * (time.perf_counter() - start))
            for name, levels in found.items():
                np.testing.assert_allclose(levels, found["Newton"], rtol=1e-3, atol=1e-3, err_msg=name)
        # The first call compiles.
        print(shape, {name: f"{np.median(taken[1:]):.2f}" for name, taken in times.items()}, flush=True)


if __name__ == "__main__":
    main()
