"""Trains linear models through an operator of any framework."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats
from jaxtyping import Array, Float, Int

from ..common.labelled import LABELLED, Split
from ..common.precision import precision
from .library import Library

RATE = 0.05
LENGTH = 16  # length of the lists that a key sorts
BATCH = 128
TOP = 2
LEAST = 1e-6  # lower limit of a mask in the logarithm


class Linear(NamedTuple):
    """A linear model that is trained through an operator.

    Attributes:
        data: name in `LABELLED`.
        outputs: number of outputs of the model for each row of the data.
        shape: shape of the rows that are drawn for a step, with repetition; if empty, one list of all rows is used.
        loss: operator -> function of the result of the operator and the target.
        score: function of outputs and targets.
    """

    data: str
    outputs: int
    shape: tuple[int, ...]
    loss: dict[str, Callable[[Array, Array], Array]]
    score: Callable[[np.ndarray, np.ndarray], float]


def _correlation_loss(ranks: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    u = ranks - jnp.mean(ranks)
    v = jax.scipy.stats.rankdata(target[0]).astype(ranks.dtype)
    v = v - jnp.mean(v)
    return 1 - jnp.vdot(u, v) / jnp.sqrt(jnp.vdot(u, u) * jnp.vdot(v, v))


def _missed_mask(mask: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Array:
    return -jnp.mean(jnp.log(jnp.maximum(jnp.take_along_axis(mask, labels[:, None], axis=1), LEAST)))


def _missed_rank(ranks: Float[Array, "lists n"], labels: Int[Array, " lists"]) -> Array:
    n = ranks.shape[1]
    return jnp.mean(jax.nn.relu(n - TOP + 1 - jnp.take_along_axis(ranks, labels[:, None], axis=1))) / n


def _order_loss(answer: Float[Array, "lists n"], target: Float[Array, "lists n"]) -> Array:
    return jnp.mean((answer - jnp.sort(target)) ** 2)


def _spearman(outputs: np.ndarray, target: np.ndarray) -> float:
    ranks = [scipy.stats.rankdata(part) for part in (outputs[:, 0], target)]
    return float(np.corrcoef(ranks)[0, 1])


def _among(outputs: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(np.any(np.argsort(outputs, axis=1)[:, -TOP:] == labels[:, None], axis=1)))


#: Name -> task.
LESSONS: dict[str, Linear] = {
    "spearman": Linear("diabetes", 1, (), {"rank": _correlation_loss}, _spearman),
    "digits": Linear("digits", 10, (BATCH,), {"rank": _missed_rank, "top_k_mask": _missed_mask}, _among),
    "key": Linear("diabetes", 1, (BATCH // LENGTH, LENGTH), {"sort_by": _order_loss}, _spearman),
}


def train(library: Library, name: str, operator: str, temperature: float, seed: int, steps: int) -> dict[str, float]:
    """Trains a model and returns its scores on the validation and test data.

    Steps run one by one in Python, because operators of other frameworks cannot be part of a compiled loop.

    Raises:
        Exception: any error of the operator.
    """
    lesson = LESSONS[name]
    rng = np.random.default_rng(seed)
    split = Split.half(*LABELLED[lesson.data](), rng)
    features, target = split.train
    inputs = features.shape[1]
    weights = rng.normal(size=(inputs, lesson.outputs)).astype(np.float32) / inputs**0.5
    optimiser = optax.adam(RATE)
    with precision(np.float32):
        state = optimiser.init(weights)
        cotangent = jax.jit(jax.grad(lesson.loss[operator]))
        for _ in range(steps):
            drawn = rng.integers(target.size, size=lesson.shape) if lesson.shape else np.arange(target.size)[None]
            rows = features[drawn].reshape(-1, inputs)
            outputs = (rows @ weights).reshape(len(drawn), -1)
            gradient = _through(library, operator, temperature, outputs, target[drawn], cotangent)
            with jax.numpy_dtype_promotion("standard"):  # optax counts steps in integers
                updates, state = optimiser.update(rows.T @ gradient.reshape(len(rows), -1), state)
            weights = np.asarray(optax.apply_updates(weights, updates))
    parts = {"validation": split.validation, "test": split.test}
    return {use: lesson.score(features @ weights, target) for use, (features, target) in parts.items()}


def _through(
    library: Library,
    operator: str,
    temperature: float,
    outputs: np.ndarray,
    target: np.ndarray,
    cotangent: Callable[[Any, Any], Array],
) -> np.ndarray:
    """Computes the gradient of the loss with respect to the outputs of the model."""
    # The values to be sorted change in each step. Pass them together with x, so that nothing is compiled again.
    x = np.stack([outputs, target]) if operator == "sort_by" else outputs[None]
    forward, pullback = _compiled(library, operator, temperature, x.shape)
    native = library.framework.array(x.astype(np.float32))
    answer = np.asarray(forward(native))
    given = np.asarray(cotangent(answer, target), answer.dtype)
    return np.asarray(pullback(native, library.framework.array(given)))[0]


@functools.lru_cache(maxsize=2)
def _compiled(library: Library, operator: str, temperature: float, shape: tuple[int, ...]) -> tuple[Any, Any]:
    called, framework = library.operators[operator], library.framework

    def function(x: Any) -> Any:
        options = {"k": TOP} if operator == "top_k_mask" else {"values": x[1]} if operator == "sort_by" else {}
        return called(x[0], temperature, **options)

    example = framework.array(np.zeros(shape, np.float32))
    return framework.forward(function, example), framework.pullback(function, example)
