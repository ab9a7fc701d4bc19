"""How long calls take."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

REPEATS = 5
PATIENCE = 2.0  # seconds after which a call is not repeated


def seconds(calls: Sequence[Callable[[Array], Any]], x: Float[Array, "*batch n"]) -> list[float]:
    """Median time of each call, all of them in turn, every time on the same values in another order.

    Args:
        calls: compiled, and called once already.
        x: lists of values along the last axis.
    """
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(REPEATS):
        fresh = jax.block_until_ready(jnp.roll(x, turn + 1, axis=-1))
        for call, taken in zip(calls, times, strict=True):
            if sum(taken) < PATIENCE:
                start = time.perf_counter()
                jax.block_until_ready(call(fresh))
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]
