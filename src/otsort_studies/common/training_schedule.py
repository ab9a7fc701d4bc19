"""Epsilon over the steps of a training."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


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
