"""Defines a task for each loss, metric and layer."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, Int, Key

import otsort
from otsort import losses, metrics

from ..common.labelled import LABELLED, Split, fifths, with_outliers
from ..common.learning.classification import cross_entropy
from ..common.learning.dense import Weights, arrays, first_weights
from ..common.learning.lesson import Lesson, as_it_is
from ..common.learning.training import AbstractTask, Network

_HIDDEN = 32  # units that are normalised
_EXPERTS, _USED = 8, 2
_TAU, _KEPT, _WORST = 0.5, 0.75, 0.2
_AMONG = 2
_FIRST, _FURTHER = 0.1, 0.2  # k of precision and recall, as a share of the list
_CENSORED = 0.3

#: A metric of predictions and targets, with options.
Metric = Callable[..., Array]


def _among(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], k: int) -> Array:
    """Computes how often the label is among the first k; equal logits count against it."""
    own = jnp.take_along_axis(logits, labels[:, None], axis=1)
    return jnp.mean(logits.shape[1] - jnp.sum(logits < own, axis=1) <= k, dtype=logits.dtype)


def _accuracy(logits: Float[Array, "batch k"], labels: Int[Array, " batch"]) -> Array:
    return _among(logits, labels, 1)


def _positives(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Marks the fifth of a list with the largest values."""
    del rng
    return (target > np.quantile(target, 0.8)).astype(np.int32)


def _relevance(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    del rng
    return fifths(target)


def _censored(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turns targets into times of events, and into negative times where an event was not seen."""
    times = scipy.stats.rankdata(target)
    return np.where(rng.uniform(size=times.size) < _CENSORED, -times, times).astype(np.float32)


def _of_batch(metric: Metric, target: Any = as_it_is) -> Callable[[str], Lesson]:
    """Returns a lesson that maximises a metric of the predictions of a batch."""

    def loss(predicted: Float[Array, "batch 1"], y: Array, length: int, **options: Any) -> Array:
        del length
        return 1 - metric(predicted[:, 0], y, **options)

    score = lambda predicted, y: metric(predicted[:, 0], y, epsilon=0)
    return lambda data: Lesson(data, (1,), loss, score, target)


def _of_errors(loss: Metric, score: Callable[[Array, Array], Array], target: Any) -> Callable[[str], Lesson]:
    """Returns a lesson that minimises a loss of the residuals of a batch."""

    def of_residuals(predicted: Float[Array, "batch 1"], y: Array, length: int, **options: Any) -> Array:
        del length
        return loss(y - predicted[:, 0], **options)

    return lambda data: Lesson(data, (1,), of_residuals, lambda predicted, y: score(y - predicted[:, 0], y), target)


def _ndcg(predicted: Float[Array, "batch 1"], y: Array, length: int, **options: Any) -> Array:
    """Computes one minus the mean NDCG of as many whole lists as there are."""
    lists = len(y) // length
    scores, relevance = (part[: lists * length].reshape(lists, length) for part in (predicted[:, 0], y))
    return 1 - jnp.mean(metrics.ndcg(scores, relevance, **options))


def _permutation(predicted: Float[Array, "batch 1"], y: Array, length: int, **options: Any) -> Array:
    scores, targets = (part.reshape(-1, length) for part in (predicted[:, 0], y))
    return jnp.mean(losses.permutation_cross_entropy(scores, targets, **options))


def _top_error(logits: Array, labels: Array, length: int, **options: Any) -> Array:
    del length
    return jnp.mean(losses.top_k_error(logits, labels, **options))


def _top_entropy(logits: Array, labels: Array, length: int, **options: Any) -> Array:
    del length
    return jnp.mean(losses.top_k_cross_entropy(logits, labels, _AMONG, **options))


def _distance(predicted: Float[Array, "batch 1"], y: Array, length: int, **options: Any) -> Array:
    del length
    return losses.spearman_distance(predicted[:, 0], y, **options)


def _median_explained(residuals: Float[Array, " batch"], y: Float[Array, " batch"]) -> Array:
    return 1 - jnp.median(jnp.abs(residuals)) / jnp.median(jnp.abs(y - jnp.median(y)))


def _shortfall(errors: Array, **options: Any) -> Array:
    return losses.expected_shortfall(jnp.abs(errors), _WORST, **options)


def _shortfall_explained(residuals: Float[Array, " batch"], y: Float[Array, " batch"]) -> Array:
    return 1 - _shortfall(residuals, epsilon=0) / _shortfall(y - jnp.median(y), epsilon=0)


def _spearman(predicted: Float[Array, "batch 1"], y: Float[Array, " batch"]) -> Array:
    return losses.spearman_correlation(predicted[:, 0], y, epsilon=0)


def _quantile(errors: Array, **options: Any) -> Array:
    return losses.quantile_error(jnp.abs(errors), _TAU, **options)


def _trimmed(errors: Array, **options: Any) -> Array:
    return losses.trimmed_mean(errors**2, 0, _KEPT, **options)


def _at_k(metric: Metric, share: float) -> Metric:
    return lambda scores, labels, **options: metric(scores, labels, round(share * labels.size), **options)


def _concordance(predicted: Array, times: Array, **options: Any) -> Array:
    return metrics.concordance_index(-predicted, jnp.abs(times), times > 0, **options)  # a late event has a small risk


_KINDS: dict[str, Callable[[str], Lesson]] = {
    "top_k_error": lambda data: Lesson(data, (10,), _top_error, _accuracy),
    "top_k_cross_entropy": lambda data: Lesson(
        data, (10,), _top_entropy, lambda logits, labels: _among(logits, labels, _AMONG)
    ),
    "spearman_distance": lambda data: Lesson(data, (1,), _distance, _spearman),
    "permutation_cross_entropy": lambda data: Lesson(data, (1,), _permutation, _spearman),
    "quantile_error": _of_errors(_quantile, _median_explained, with_outliers),
    "trimmed_mean": _of_errors(_trimmed, _median_explained, with_outliers),
    "expected_shortfall": _of_errors(_shortfall, _shortfall_explained, as_it_is),
    "kendall_tau": _of_batch(metrics.kendall_tau),
    "concordance_index": _of_batch(_concordance, _censored),
    **{
        name: (lambda data, metric=metric: _of_batch(metric, _positives if data == "diabetes" else as_it_is)(data))
        for name, metric in {
            "roc_auc": metrics.roc_auc,
            "average_precision": metrics.average_precision,
            "precision_at_k": _at_k(metrics.precision_at_k, _FIRST),
            "recall_at_k": _at_k(metrics.recall_at_k, _FURTHER),
        }.items()
    },
}


def lesson(loss: str, data: str, length: int) -> Lesson:
    """Returns the task for a loss or metric on some data."""
    if loss == "ndcg":
        score = lambda predicted, y: 1 - _ndcg(predicted, y, length, epsilon=0)
        return Lesson(data, (1,), _ndcg, score, _relevance)
    return _KINDS[loss](data)


class Normalised(AbstractTask):
    """A network whose hidden units are normalised by their soft quantiles, for each example.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        weights: initial weights.
        epsilon: epsilon of the normalisation. It is no part of the model, so it is not trained.
    """

    parts: dict[str, tuple[Array, Array]]
    weights: Weights
    epsilon: Float[Array, ""]

    def __init__(self, data: str, epsilon: float, rng: np.random.Generator):
        features, labels = LABELLED[data]()
        self.epsilon = jnp.asarray(epsilon, jnp.float32)
        self.parts = arrays(Split.half(features, labels, rng))
        self.weights = first_weights((features.shape[1], _HIDDEN, 10), rng)

    def network(self, key: Key[Array, ""]) -> Network:
        del key
        layer = otsort.nn.QuantileNormalization()
        return Network((self.weights, jax.tree.map(lambda array: array.astype(jnp.float32), layer)), None)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], None]:
        del key
        x, labels = examples
        return jnp.mean(cross_entropy(self._logits(network, x), labels)), None

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        x, labels = examples
        return {"score": _accuracy(self._logits(network, x), labels)}

    def _logits(self, network: Network, x: Float[Array, "batch d"]) -> Float[Array, "batch 10"]:
        ((matrix, shift), (last, offset)), layer = network.model
        hidden = otsort.quantile_normalize(x @ matrix + shift[None, :], layer.reference, epsilon=self.epsilon)
        return hidden @ last + offset[None, :]


class Mixture(AbstractTask):
    """A mixture of linear experts, which are weighted by a soft top-k gate.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        router: initial weights of the scores.
        experts: initial matrix of each expert.
        epsilon: epsilon of the gate in training. It is no part of the model, so it is not trained.
    """

    parts: dict[str, tuple[Array, Array]]
    router: Float[Array, "experts d"]
    experts: Float[Array, "experts d 10"]
    epsilon: Float[Array, ""]

    def __init__(self, data: str, epsilon: float, rng: np.random.Generator):
        features, labels = LABELLED[data]()
        size = features.shape[1]
        self.epsilon = jnp.asarray(epsilon, jnp.float32)
        self.parts = arrays(Split.half(features, labels, rng))
        self.router = jnp.asarray(rng.normal(size=(_EXPERTS, size)) / np.sqrt(size), jnp.float32)
        self.experts = jnp.asarray(rng.normal(size=(_EXPERTS, size, 10)) / np.sqrt(size), jnp.float32)

    def network(self, key: Key[Array, ""]) -> Network:
        del key
        return Network((self.router, self.experts), None)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], None]:
        del key
        x, labels = examples
        return jnp.mean(cross_entropy(self._logits(network, x, self.epsilon), labels)), None

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        x, labels = examples
        return {"score": _accuracy(self._logits(network, x, 0), labels)}

    def _logits(self, network: Network, x: Float[Array, "batch d"], epsilon: Any) -> Float[Array, "batch 10"]:
        router, experts = network.model
        gate = otsort.nn.TopKGate(x.shape[1], _EXPERTS, _USED, key=jax.random.key(0), epsilon=epsilon)
        gate = eqx.tree_at(lambda gate: gate.router.weight, gate, router)
        return jnp.einsum("be,edk,bd->bk", jax.vmap(gate)(x), experts, x)


#: Name of a layer -> the task that trains a model with it.
LAYERS: dict[str, Callable[[str, float, np.random.Generator], AbstractTask]] = {
    "QuantileNormalization": Normalised,
    "TopKGate": Mixture,
}
