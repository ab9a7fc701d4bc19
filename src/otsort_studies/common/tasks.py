"""Small tasks on real data, to be learnt by soft ranks or without them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats
from jaxtyping import Array, Float, Int

from otsort import losses


class Task(NamedTuple):
    """What is learnt.

    Attributes:
        load: features and target.
        widths: of the layers of the network after the first.
        loss: `(outputs, target, epsilon) -> loss`, by soft ranks.
        baseline: the same, without ranks.
        score: `(outputs, target) -> score`, larger is better.
    """

    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    widths: tuple[int, ...]
    loss: Callable[[Array, Array, Array], Array]
    baseline: Callable[[Array, Array, Array], Array]
    score: Callable[[Array, Array], Array]


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # takes a second, which other commands need not wait for

    data: Any = load_digits()
    return data.data.astype(np.float32) / 16, data.target


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes()
    features, target = (np.asarray(scipy.stats.zscore(part), np.float32) for part in (data.data, data.target))
    return features, target


def _soft_error(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    """The soft 0/1 loss: how many classes are above the true one."""
    return logits.shape[1] * jnp.mean(losses.top_k_error(logits, labels, epsilon=epsilon))


def _cross_entropy(logits: Float[Array, "batch k"], labels: Int[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    del epsilon
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


def _accuracy(logits: Float[Array, "batch k"], labels: Int[Array, " batch"]) -> Array:
    return jnp.mean(jnp.argmax(logits, axis=1) == labels, dtype=logits.dtype)


def _spearman_loss(outputs: Float[Array, "batch 1"], y: Float[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    return losses.spearman_distance(outputs[:, 0], y, epsilon=epsilon)


def _squared_error(outputs: Float[Array, "batch 1"], y: Float[Array, " batch"], epsilon: Float[Array, ""]) -> Array:
    del epsilon
    return jnp.mean((outputs[:, 0] - y) ** 2)


def _spearman(outputs: Float[Array, "batch 1"], y: Float[Array, " batch"]) -> Array:
    return losses.spearman_correlation(outputs[:, 0], y, epsilon=0)


TASKS = {
    "digits": Task(_digits, (64, 10), _soft_error, _cross_entropy, _accuracy),
    "diabetes": Task(_diabetes, (1,), _spearman_loss, _squared_error, _spearman),
}
