"""Training of a task, with soft ranks or without them, and epsilon over its steps."""

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


class _Progress(eqx.Module):
    step: Int[Array, ""]
    scale: Float[Array, ""]
    count: Int[Array, ""]  # steps at this scale
    mean: Float[Array, ""]
    largest: Float[Array, ""]


class TrainingSchedule(eqx.Module):
    """Epsilon of each step: a plan, lowered once the gradient has done its work.

    That is, by a factor whenever the running mean of the gradient's norm falls below a share of its largest since the
    last time: no scale of the norm has to be known.

    Attributes:
        plan: an epsilon for each step.
        share: of the largest mean, in [0, 1); 0 for the plan alone.
        factor: in (0, 1).
        window: steps that the mean covers, and the fewest between two falls.
        lowest: epsilon does not fall below it.
    """

    plan: Float[Array, " steps"]
    share: Float[Array, ""]
    factor: Float[Array, ""]
    window: Int[Array, ""]
    lowest: Float[Array, ""]

    def init(self) -> _Progress:
        zero = jnp.zeros_like(self.share)
        return _Progress(jnp.zeros_like(self.window), jnp.ones_like(zero), jnp.zeros_like(self.window), zero, zero)

    def epsilon(self, state: _Progress) -> Float[Array, ""]:
        return jnp.maximum(self.plan[state.step] * state.scale, self.lowest)

    def update(self, state: _Progress, gradient_norm: Float[Array, ""]) -> _Progress:
        count = state.count + 1
        weight = 1 / jnp.minimum(count, self.window).astype(gradient_norm.dtype)
        mean = state.mean + weight * (gradient_norm - state.mean)
        full = count >= self.window
        largest = jnp.where(full, jnp.maximum(state.largest, mean), state.largest)
        done = full & (mean < self.share * largest)
        scale = jnp.where(done, self.factor * state.scale, state.scale)
        count, mean, largest = (jnp.where(done, jnp.zeros_like(value), value) for value in (count, mean, largest))
        return _Progress(state.step + 1, scale, count, mean, largest)


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
