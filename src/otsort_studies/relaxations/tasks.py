"""Defines the tasks: data, losses on the results of operators, and scores."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
import sklearn.metrics
from jaxtyping import Array, Float, Int

from ..common.labelled import LABELLED, Split, fifths, with_outliers
from ..common.learning.classification import cross_entropy

BATCH = 64
LENGTH = 16  # of the lists that a key sorts or a score ranks
TOP = 2
KEPT = 48  # of the squared residuals of a batch
LEAST = 1e-6  # lower limit of a mask in the logarithm

#: A function from the result of an operator and the targets of a batch to the loss.
Loss = Callable[[Array, Array], Array]


class Task(NamedTuple):
    """A linear model that is trained through an operator.

    Attributes:
        split: random generator -> data.
        outputs: number of outputs of the model for each example.
        shape: shape of the examples that are drawn for a step. The last axis holds the list, unless a list is formed by
            the outputs of an example.
        losses: name of an operator -> loss on its result. "none" is the usual loss on the outputs.
        score: function of outputs and targets.
        values: function from outputs and targets to the values that the operator gets.
    """

    split: Callable[[np.random.Generator], Split]
    outputs: int
    shape: tuple[int, ...]
    losses: dict[str, Loss]
    score: Callable[[np.ndarray, np.ndarray], float]
    values: Callable[[Array, Array], Array] = lambda outputs, target: outputs

    @property
    def lists(self) -> tuple[int, ...]:
        """Returns the shape of the outputs for the examples of a step, with the lists in the last axis."""
        return self.shape if self.outputs == 1 else (*self.shape, self.outputs)


def _halves(name: str) -> Callable[[np.random.Generator], Split]:
    return lambda rng: Split.half(*LABELLED[name](), rng)


def _relevance(rng: np.random.Generator) -> Split:
    """Replaces the strength of concrete by the fifth of all samples that it belongs to, 0 to 4."""
    features, strength = LABELLED["concrete"]()
    return Split.half(features, fifths(strength), rng)


def _spoilt(rng: np.random.Generator) -> Split:
    """Replaces some of the targets for training and validation by outliers."""
    split = _halves("diabetes")(rng)
    spoil = lambda features, target: (features, with_outliers(target, rng))
    return split._replace(train=spoil(*split.train), validation=spoil(*split.validation))


def _correlation_loss(ranks: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    exact = jax.vmap(jax.scipy.stats.rankdata)(target).astype(ranks.dtype)
    u, v = (part - jnp.mean(part, axis=1, keepdims=True) for part in (ranks, exact))
    covariance = jnp.sum(u * v, axis=1)
    return jnp.mean(1 - covariance / jnp.sqrt(jnp.sum(u**2, axis=1) * jnp.sum(v**2, axis=1)))


def _missed_mask(mask: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Array:
    return -jnp.mean(jnp.log(jnp.maximum(_at(mask, labels), LEAST)))


def _missed_rank(ranks: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Array:
    n = ranks.shape[1]
    return jnp.mean(jax.nn.relu(n - TOP + 1 - _at(ranks, labels))) / n


def _at(values: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Float[Array, " lists"]:
    return jnp.take_along_axis(values, labels[:, None], axis=1)[:, 0]


def _cross_entropy(logits: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Array:
    return jnp.mean(cross_entropy(logits, labels))


def _squared_error(answer: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    return jnp.mean((answer - target) ** 2)


def _order_loss(answer: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    return _squared_error(answer, jnp.sort(target, axis=1))


def _ndcg_loss(ranks: Float[Array, "lists n"], relevance: Float[Array, "lists n"]) -> Array:
    n = ranks.shape[1]
    gains = 2**relevance - 1
    # A relaxation may leave the interval from 1 to n, and the logarithm its domain.
    places = n + 1 - jnp.clip(ranks, 1, n)
    discounts = 1 / jnp.log2(2 + jnp.arange(n, dtype=gains.dtype))
    ideal = jnp.sort(gains, axis=1, descending=True) @ discounts
    gained = jnp.sum(gains / jnp.log2(1 + places), axis=1)
    return jnp.mean(1 - gained / jnp.maximum(ideal, 1))


def _mean(values: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    del target
    return jnp.mean(values)


def _trimmed(ordered: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    del target
    return jnp.mean(ordered[:, :KEPT])


def _spearman(outputs: np.ndarray, target: np.ndarray) -> float:
    ranks = [scipy.stats.rankdata(part) for part in (outputs[:, 0], target)]
    return float(np.corrcoef(ranks)[0, 1])


def _among(outputs: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(np.any(np.argsort(outputs, axis=1)[:, -TOP:] == labels[:, None], axis=1)))


def _ndcg(outputs: np.ndarray, relevance: np.ndarray) -> float:
    """Returns the mean NDCG of as many whole lists as there are."""
    lists = len(outputs) // LENGTH
    scores, grades = (part.reshape(-1)[: lists * LENGTH].reshape(lists, LENGTH) for part in (outputs, relevance))
    return float(sklearn.metrics.ndcg_score(2**grades - 1, scores))


def _explained(outputs: np.ndarray, target: np.ndarray) -> float:
    error = np.median(np.abs(outputs[:, 0] - target))
    return float(1 - error / np.median(np.abs(target - np.median(target))))


#: Name -> task.
TASKS: dict[str, Task] = {
    "spearman": Task(
        _halves("diabetes"), 1, (1, BATCH), {"none": _squared_error, "rank": _correlation_loss}, _spearman
    ),
    "concrete": Task(
        _halves("concrete"), 1, (1, BATCH), {"none": _squared_error, "rank": _correlation_loss}, _spearman
    ),
    "digits": Task(
        _halves("digits"),
        10,
        (2 * BATCH,),
        {"none": _cross_entropy, "rank": _missed_rank, "top_k_mask": _missed_mask},
        _among,
    ),
    "key": Task(
        _halves("diabetes"),
        1,
        (2 * BATCH // LENGTH, LENGTH),
        {"none": _squared_error, "sort_by": _order_loss},
        _spearman,
    ),
    "ndcg": Task(_relevance, 1, (2 * BATCH // LENGTH, LENGTH), {"none": _squared_error, "rank": _ndcg_loss}, _ndcg),
    "trimmed": Task(
        _spoilt,
        1,
        (1, BATCH),
        {"none": _mean, "sort": _trimmed},
        _explained,
        lambda outputs, target: (outputs - target) ** 2,
    ),
}
