"""Defines tasks that are trained through an operator, and mixtures of experts."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

import otsort
from otsort import losses

from ..common.labelled import LABELLED, Split
from ..common.learning.classification import cross_entropy
from ..common.learning.dense import arrays
from ..common.learning.lesson import Lesson
from ..common.learning.training import AbstractTask, Network

_TOP = 2
_LEAST = 1e-6  # lower limit of a mask in the logarithm


def _soft_error(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], length: int, **options: Any) -> Array:
    del length
    return jnp.mean(losses.top_k_error(logits, labels, **options))


def _distance(predicted: Float[Array, "batch 1"], y: Float[Array, " batch"], length: int, **options: Any) -> Array:
    del length
    return losses.spearman_distance(predicted[:, 0], y, **options)


def _missed(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], length: int, **options: Any) -> Array:
    del length
    mask = otsort.top_k_mask(logits, _TOP, **options)
    return -jnp.mean(jnp.log(jnp.maximum(_at(mask, labels), _LEAST)))


def _disorder(keys: Float[Array, "batch 1"], y: Float[Array, " batch"], length: int, **options: Any) -> Array:
    lists = y.reshape(-1, length)
    return jnp.mean((otsort.sort_by(lists, keys.reshape(-1, length), **options) - jnp.sort(lists)) ** 2)


def _accuracy(logits: Float[Array, "batch k"], labels: Int[Array, " batch"]) -> Array:
    return jnp.mean(jnp.argmax(logits, axis=1) == labels, dtype=logits.dtype)


def _correlation(predicted: Float[Array, "batch 1"], y: Float[Array, " batch"]) -> Array:
    return losses.spearman_correlation(predicted[:, 0], y, epsilon=0)


def _among(logits: Float[Array, "batch k"], labels: Int[Array, " batch"]) -> Array:
    larger = jnp.sum(logits > _at(logits, labels)[:, None], axis=1)
    return jnp.mean(larger < _TOP, dtype=logits.dtype)


def _at(values: Float[Array, "batch k"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    return jnp.take_along_axis(values, labels[:, None], axis=1)[:, 0]


LESSONS = {
    "digits": Lesson("digits", (64, 10), _soft_error, _accuracy),
    "spearman": Lesson("diabetes", (1,), _distance, _correlation),
    "top 2": Lesson("digits", (10,), _missed, _among),
    "key": Lesson("diabetes", (1,), _disorder, _correlation),
}


class _Mixture(eqx.Module):
    gate: otsort.nn.TopKGate
    experts: eqx.nn.Linear


class Mixture(AbstractTask):
    """A mixture of linear experts.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        options: options of the gate: a solver, or epsilon = 0.
        experts: number of experts.
        straight_through: whether the gate uses exact masks with the derivative of soft masks.
        frozen: whether the router keeps its initial weights.
        is_curve: whether the task is to fit a curve instead of classifying digits.
    """

    parts: dict[str, tuple[Array, Array]]
    options: dict[str, Any]
    experts: int = eqx.field(static=True)
    straight_through: bool = eqx.field(static=True)
    frozen: bool = eqx.field(static=True)
    is_curve: bool = eqx.field(static=True)

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        experts: int,
        straight_through: bool,
        frozen: bool,
        rng: np.random.Generator,
    ):
        self.options, self.experts, self.straight_through, self.frozen = options, experts, straight_through, frozen
        self.is_curve = name == "curve"
        self.parts = arrays(Split.half(*(_curve(rng) if self.is_curve else LABELLED[name]()), rng))

    def network(self, key: Key[Array, ""]) -> Network:
        first, second = jax.random.split(key)
        features = self.parts["train"][0].shape[1]
        chosen, answers = (1, 1) if self.is_curve else (2, 10)
        gate = otsort.nn.TopKGate(
            features, self.experts, chosen, key=first, straight_through=self.straight_through, **self.options
        )
        model = _Mixture(gate, eqx.nn.Linear(features, self.experts * answers, key=second))
        return Network(jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_array(leaf) else leaf, model), None)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], None]:
        del key
        model, (x, y) = network.model, examples
        if self.frozen:
            router = lambda model: model.gate.router.weight
            model = eqx.tree_at(router, model, jax.lax.stop_gradient(router(model)))
        found, _ = _answers(model, x, self.experts)
        return jnp.mean((found[:, 0] - y) ** 2 if self.is_curve else cross_entropy(found, y)), None

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        x, y = examples
        found, weights = _answers(network.model, x, self.experts)
        score = 1 - jnp.mean((found[:, 0] - y) ** 2) / jnp.var(y) if self.is_curve else _accuracy(found, y)
        used = jnp.sum(jnp.any(weights > 0.5, axis=0), dtype=weights.dtype)
        return {"score": score, "zero_weights": jnp.mean(weights == 0, dtype=weights.dtype), "used": used}


def _answers(model: _Mixture, x: Float[Array, "batch d"], experts: int) -> tuple[Array, Float[Array, "batch experts"]]:
    weights = jax.vmap(model.gate)(x)
    each = jax.vmap(model.experts)(x).reshape(len(x), experts, -1)
    return jnp.sum(weights[:, :, None] * each, axis=1), weights


def _curve(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns points of a curve that is far from linear, with a constant feature."""
    x = rng.uniform(-1, 1, size=600)
    y = np.sin(5 * x) * (1 + x)
    return np.stack([x, np.ones_like(x)], axis=1).astype(np.float32), y.astype(np.float32)
