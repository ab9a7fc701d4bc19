"""Lists with a mask, and groups of unequal length, beside the same without.

`python benchmarks/scripts/masks.py`: float32, normal values, epsilon 1e-2. First the gradient of ranks with half of all
values masked, over that of the full batch: medians, in turn, compiled before. Then milliseconds of the ranks of 10 000
groups of 1 to 200 values: as one padded batch of `otsort.segments`, and for one in a hundred of the groups, one after
the other, with the time of the first call, which for a loop compiles for every length.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

import otsort

SHAPES = [(1000, 10), (256, 100), (128, 1000), (1, 1_000_000)]
ROUNDS = 20
GROUPS, LONGEST = 10_000, 200


def seconds(function, *args) -> float:
    start = time.perf_counter()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - start


def half_masked(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    probe = jnp.asarray(rng.normal(size=shape), jnp.float32)
    where = jnp.asarray(rng.uniform(size=shape) < 0.5)
    full = jax.jit(jax.grad(lambda x: jnp.vdot(probe, otsort.rank(x))))
    half = jax.jit(jax.grad(lambda x, where: jnp.vdot(probe, otsort.rank(x, where=where))))
    times = []
    for _ in range(ROUNDS + 1):
        x = jax.block_until_ready(jnp.asarray(rng.normal(size=shape), jnp.float32))
        times.append((seconds(full, x), seconds(half, x, where)))
    without, masked = 1e3 * np.median(times[1:], axis=0)
    print(f"| {shape[0]} x {shape[1]} | {without:.2f} | {masked:.2f} | {masked / without:.2f} |", flush=True)


def groups() -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(GROUPS), rng.integers(1, LONGEST + 1, GROUPS))
    few = ids < GROUPS // 100

    @jax.jit
    def ranks(x, ids):
        lists, where = otsort.segments.pack(x, ids, GROUPS, LONGEST)
        return otsort.segments.unpack(otsort.rank(lists, where=where), ids)

    def one_by_one(x, ids):
        return np.concatenate(
            [otsort.rank(group) for group in np.split(np.asarray(x), np.cumsum(np.bincount(ids))[:-1])]
        )

    for name, function, some in (("one padded batch", ranks, ids), ("a loop over groups", one_by_one, ids[few])):
        draw = lambda some=some: jnp.asarray(rng.normal(size=some.size), jnp.float32)
        first, second = (1e3 * seconds(function, draw(), some) for _ in range(2))
        print(f"| {name} | {some.max() + 1} | {first:.0f} | {second:.0f} |", flush=True)
    x = jnp.asarray(rng.normal(size=ids.size), jnp.float32)
    difference = np.abs(ranks(x, ids)[few] - one_by_one(x[few], ids[few]))
    print("largest difference of ranks:", float(difference.max()))


if __name__ == "__main__":
    print("| lists | full, ms | half masked, ms | ratio |")
    for shape in SHAPES:
        half_masked(shape)
    print("| ranks by | groups | first call, ms | second, ms |")
    groups()
