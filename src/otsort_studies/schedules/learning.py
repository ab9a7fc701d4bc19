"""Tasks that are learnt by soft ranks whose epsilon changes from step to step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from otsort import losses

from ..common.labelled import LABELLED, Split
from ..common.learning.classification import cross_entropy
from ..common.learning.dense import Weights, first_weights, outputs
from ..common.learning.training import AbstractTask, Network


class TrainingSchedule(eqx.Module):
    """Epsilon of a step: that of a plan, lowered once the gradient has done its work.

    That is, by a factor whenever the running mean of the gradient's norm falls below a share of its largest since the
    last time: no scale of the norm has to be known.

    Attributes:
        plan: an epsilon for each step.
        share: of the largest mean, in [0, 1); 0 for the plan alone.
        factor: in (0, 1).
        window: steps that the mean covers, and the fewest between two falls.
        lowest: epsilon does not fall below it.
        step: number of it.
        scale: factor of the plan.
        count: steps at this scale.
        mean, largest: of the gradient's norm at this scale.
        before: epsilon of the step before.
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
        """Returns the schedule at the next step."""
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


#: `(outputs, target, epsilon) -> loss`.
Formula = Callable[[Float[Array, "batch outputs"], Array, Float[Array, ""]], Float[Array, ""]]


class Kind(NamedTuple):
    """A kind of task.

    Attributes:
        widths: of the layers of the network after the first.
        loss: by soft ranks.
        baseline: without ranks.
        score: `(outputs, target) -> score`, larger is better.
    """

    widths: tuple[int, ...]
    loss: Formula
    baseline: Formula
    score: Callable[[Array, Array], Array]


class Scheduled(AbstractTask):
    """A task whose network remembers the schedule of epsilon.

    Attributes:
        parts: "train", "validation" and "test", each features and target.
        weights: the first ones: matrix and offset of each layer.
        schedule: at the first step.
        kind: of task.
        ranks: whether it is learnt by soft ranks.
    """

    parts: dict[str, tuple[Array, Array]]
    weights: Weights
    schedule: TrainingSchedule
    kind: Kind = eqx.field(static=True)
    ranks: bool = eqx.field(static=True)

    def __init__(self, name: str, ranks: bool, schedule: TrainingSchedule, rng: np.random.Generator):
        """
        Args:
            name: in `KINDS`.
            ranks: whether it is learnt by soft ranks.
            schedule: of epsilon.
            rng: for the split and the first weights.
        """
        self.kind, self.ranks, self.schedule = KINDS[name], ranks, schedule
        split = Split.half(*LABELLED[name](), rng)
        self.weights = first_weights((split.train[0].shape[1], *self.kind.widths), rng)
        self.parts = {use: (jnp.asarray(x), jnp.asarray(y)) for use, (x, y) in split._asdict().items()}

    def network(self, key: Key[Array, ""]) -> Network:
        del key
        return Network(self.weights, self.schedule)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], TrainingSchedule]:
        del key
        x, y = examples
        formula = self.kind.loss if self.ranks else self.kind.baseline
        return formula(outputs(network.model, x), y, network.state.epsilon), network.state

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        """Returns the score, and epsilon of the last step."""
        x, y = examples
        return {"score": self.kind.score(outputs(network.model, x), y), "epsilon": network.state.before}


def _soft_error(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    """Computes the soft 0/1 loss: how many classes are above the true one."""
    return logits.shape[1] * jnp.mean(losses.top_k_error(logits, labels, epsilon=epsilon))


#: Name of the data -> what is learnt of them.
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
