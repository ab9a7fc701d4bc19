"""Defines tasks that are trained through soft ranks whose epsilon changes from step to step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from otsort import losses

from ..common.labelled import LABELLED, Split
from ..common.learning.classification import cross_entropy
from ..common.learning.dense import Weights, arrays, first_weights, outputs
from ..common.learning.training import AbstractTask, Network


class TrainingSchedule(eqx.Module):
    """A schedule that gives the epsilon of each step, and lowers it when the gradient has become small.

    Epsilon is multiplied by a factor whenever the running mean of the norm of the gradient falls below a share of its
    largest value since the last change. Therefore the scale of the norm need not be known.

    Attributes:
        plan: an epsilon for each step.
        share: share of the largest mean, in [0, 1); 0 follows the plan only.
        factor: factor by which epsilon is lowered, in (0, 1).
        window: number of steps of the running mean, and smallest number of steps between two changes.
        lowest: lower limit of epsilon.
        step: number of the current step.
        scale: current factor of the plan.
        count: number of steps at this scale.
        mean, largest: running mean of the norm of the gradient at this scale, and its largest value.
        before: epsilon of the previous step.
    """

    plan: Float[Array, " steps"]
    share: Float[Array, ""]
    factor: Float[Array, ""]
    window: Int[Array, ""]
    lowest: Float[Array, ""]
    step: Int[Array, ""]
    scale: Float[Array, ""]
    count: Int[Array, ""]
    mean: Float[Array, ""]
    largest: Float[Array, ""]
    before: Float[Array, ""]

    def __init__(self, plan: Any, share: float, factor: float, window: int, lowest: float, dtype: Any = jnp.float32):
        numbers = (jnp.asarray(number, dtype) for number in (plan, share, factor, lowest, 1, 0, 0, 0))
        self.plan, self.share, self.factor, self.lowest, self.scale, self.mean, self.largest, self.before = numbers
        self.window, self.step, self.count = jnp.asarray(window), jnp.asarray(0), jnp.asarray(0)

    @property
    def epsilon(self) -> Float[Array, ""]:
        return jnp.maximum(self.plan[self.step] * self.scale, self.lowest)

    def update(self, gradient_norm: Float[Array, ""]) -> "TrainingSchedule":
        """Returns the schedule of the next step."""
        count = self.count + 1
        weight = 1 / jnp.minimum(count, self.window).astype(gradient_norm.dtype)
        mean = self.mean + weight * (gradient_norm - self.mean)
        full = count >= self.window
        largest = jnp.where(full, jnp.maximum(self.largest, mean), self.largest)
        done = full & (mean < self.share * largest)
        scale = jnp.where(done, self.factor * self.scale, self.scale)
        count, mean, largest = (jnp.where(done, jnp.zeros_like(value), value) for value in (count, mean, largest))
        progress = lambda at: (at.step, at.scale, at.count, at.mean, at.largest, at.before)
        return eqx.tree_at(progress, self, (self.step + 1, scale, count, mean, largest, self.epsilon))


#: A function `(outputs, target, epsilon) -> loss`.
Formula = Callable[[Float[Array, "batch outputs"], Array, Float[Array, ""]], Float[Array, ""]]


class Kind(NamedTuple):
    """A kind of task.

    Attributes:
        widths: widths of the layers of the network after the input.
        loss: loss with soft ranks.
        baseline: loss without ranks.
        score: function `(outputs, target) -> score`; larger is better.
    """

    widths: tuple[int, ...]
    loss: Formula
    baseline: Formula
    score: Callable[[Array, Array], Array]


class Scheduled(AbstractTask):
    """A task whose network has the schedule of epsilon as its state.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        weights: initial weights, matrix and offset of each layer.
        schedule: schedule at the first step.
        kind: kind of the task.
        ranks: whether the loss uses soft ranks.
    """

    parts: dict[str, tuple[Array, Array]]
    weights: Weights
    schedule: TrainingSchedule
    kind: Kind = eqx.field(static=True)
    ranks: bool = eqx.field(static=True)

    def __init__(self, name: str, ranks: bool, schedule: TrainingSchedule, rng: np.random.Generator):
        """
        Args:
            name: name in `KINDS`.
            ranks: whether the loss uses soft ranks.
            schedule: schedule of epsilon.
            rng: random numbers for the split and the initial weights.
        """
        self.kind, self.ranks, self.schedule = KINDS[name], ranks, schedule
        split = Split.half(*LABELLED[name](), rng)
        self.weights = first_weights((split.train[0].shape[1], *self.kind.widths), rng)
        self.parts = arrays(split)

    def network(self, key: Key[Array, ""]) -> Network:
        del key
        return Network(self.weights, self.schedule)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], TrainingSchedule]:
        del key
        x, y = examples
        formula = self.kind.loss if self.ranks else self.kind.baseline
        return formula(outputs(network.model, x), y, network.state.epsilon), network.state

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        """Returns the score and the epsilon of the last step."""
        x, y = examples
        return {"score": self.kind.score(outputs(network.model, x), y), "epsilon": network.state.before}


def _soft_error(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    """Computes the soft 0/1 loss, which counts the classes with a larger logit than the correct one."""
    return logits.shape[1] * jnp.mean(losses.top_k_error(logits, labels, epsilon=epsilon))


#: Name of the data -> kind of task.
KINDS = {
    "digits": Kind(
        (64, 10),
        _soft_error,
        lambda logits, labels, _: jnp.mean(cross_entropy(logits, labels)),
        lambda logits, labels: jnp.mean(jnp.argmax(logits, axis=1) == labels, dtype=logits.dtype),
    ),
    "diabetes": Kind(
        (1,),
        lambda outputs, y, epsilon: losses.spearman_distance(outputs[:, 0], y, epsilon=epsilon),
        lambda outputs, y, _: jnp.mean((outputs[:, 0] - y) ** 2),
        lambda outputs, y: losses.spearman_correlation(outputs[:, 0], y, epsilon=0),
    ),
}
