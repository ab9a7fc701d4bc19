"""Training of a task, with soft ranks or without them."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from .tasks import Task
from .training_schedule import TrainingSchedule


class Split(NamedTuple):
    """Features and target for the three uses."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def begin(
    task: Task, seed: int, shape: tuple[int, int, int]
) -> tuple[Any, Split, Int[Array, "checkpoints steps batch"]]:
    """Initial weights, split and batches, all of them by the seed.

    Half of the data train, a fifth validate, the rest test.
    """
    rng = np.random.default_rng(seed)
    features, target = task.load()
    order = rng.permutation(target.size)
    parts = np.split(order, [target.size // 2, 7 * target.size // 10])
    split = Split(*((jnp.asarray(features[part]), jnp.asarray(target[part])) for part in parts))
    sizes = features.shape[1], *task.widths
    weights = [
        (jnp.asarray(rng.normal(size=pair) * np.sqrt(2 / pair[0]), jnp.float32), jnp.zeros(pair[1], jnp.float32))
        for pair in itertools.pairwise(sizes)
    ]
    return weights, split, jnp.asarray(rng.integers(parts[0].size, size=shape))


@eqx.filter_jit
def train(
    task: Task,
    loss: Callable[[Array, Array, Array], Array],
    schedule: TrainingSchedule,
    weights: Any,
    split: Split,
    batches: Int[Array, "checkpoints steps batch"],
    rate: Float[Array, ""],
) -> dict[str, Float[Array, " checkpoints"]]:
    """Adam; what is known at each checkpoint."""
    optimiser = optax.adam(rate)
    features, target = split.train

    def step(carry, batch):
        weights, moments, state = carry
        epsilon = schedule.epsilon(state)
        value, gradient = jax.value_and_grad(
            lambda weights: loss(_network(weights, features[batch]), target[batch], epsilon)
        )(weights)
        with jax.numpy_dtype_promotion("standard"):  # optax counts steps in integers
            updates, moments = optimiser.update(gradient, moments)
        norm = jnp.sqrt(sum(jnp.vdot(part, part) for part in jax.tree.leaves(gradient)))
        carry = optax.apply_updates(weights, updates), moments, schedule.update(state, norm)
        return carry, {"loss": value, "epsilon": epsilon, "gradient_norm": norm}

    def block(carry, batches):
        carry, seen = jax.lax.scan(step, carry, batches)
        means = {name: jnp.mean(seen[name]) for name in ("loss", "gradient_norm")}
        scores = {
            use: task.score(_network(carry[0], x), y)
            for use, (x, y) in (("validation", split.validation), ("test", split.test))
        }
        return carry, {**means, **scores, "epsilon": seen["epsilon"][-1]}

    return jax.lax.scan(block, (weights, optimiser.init(weights), schedule.init()), batches)[1]


def _network(weights: Any, x: Float[Array, "batch d"]) -> Float[Array, "batch k"]:
    *hidden, (last, offset) = weights
    for matrix, shift in hidden:
        x = jax.nn.relu(x @ matrix + shift[None, :])
    return x @ last + offset[None, :]
