"""Linear models that are trained through an operator, in whatever framework it is."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats
from jaxtyping import Array, Float, Int

from ..common.precision import precision
from ..common.tasks import TASKS as KNOWN
from .library import Library

RATE = 0.05
LENGTH = 16  # of the lists that a key puts in order
BATCH = 128
TOP = 2
LEAST = 1e-6  # of a mask under the logarithm


class Step(NamedTuple):
    """Some of the training data.

    Attributes:
        features: of shape `(lists, n, d)`, an output for each row; or `(lists, d)`, n outputs.
        target: `(lists, n)`, or `(lists,)`.
    """

    features: np.ndarray
    target: np.ndarray


class Task(NamedTuple):
    """What is learnt.

    Attributes:
        data: name in the list of tasks of all studies.
        outputs: of the model for each row of the data.
        draw: training data of a step.
        options: of the operator in a step.
        loss: of its answer, by operator.
        score: of outputs and targets.
    """

    data: str
    outputs: int
    draw: Callable[[np.random.Generator, np.ndarray, np.ndarray], Step]
    options: Callable[[Step, str], dict[str, Any]]
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


def _everything(rng: np.random.Generator, features: np.ndarray, target: np.ndarray) -> Step:
    del rng
    return Step(features[None], target[None])


def _batch(rng: np.random.Generator, features: np.ndarray, target: np.ndarray) -> Step:
    chosen = rng.integers(target.size, size=BATCH)
    return Step(features[chosen], target[chosen])


def _lists(rng: np.random.Generator, features: np.ndarray, target: np.ndarray) -> Step:
    chosen = rng.integers(target.size, size=(BATCH // LENGTH, LENGTH))
    return Step(features[chosen], target[chosen])


TASKS: dict[str, Task] = {
    "spearman": Task("diabetes", 1, _everything, lambda *_: {}, {"rank": _correlation_loss}, _spearman),
    "digits": Task(
        *("digits", 10, _batch),
        lambda _, operator: {"k": TOP} if operator == "top_k_mask" else {},
        {"rank": _missed_rank, "top_k_mask": _missed_mask},
        _among,
    ),
    "key": Task("diabetes", 1, _lists, lambda step, _: {"values": step.target}, {"sort_by": _order_loss}, _spearman),
}


def train(library: Library, name: str, operator: str, temperature: float, seed: int, steps: int) -> dict[str, float]:
    """Scores on what was left out.

    Raises:
        Exception: whatever the operator raises.
    """
    task = TASKS[name]
    rng = np.random.default_rng(seed)
    features, target = KNOWN[task.data].load()
    order = rng.permutation(target.size)
    train, validation, test = np.split(order, [target.size // 2, 7 * target.size // 10])
    weights = rng.normal(size=(features.shape[1], task.outputs)).astype(np.float32) / features.shape[1] ** 0.5
    optimiser = optax.adam(RATE)
    with precision(np.float32):
        state = optimiser.init(weights)
        cotangent = jax.jit(jax.grad(task.loss[operator]))
        for _ in range(steps):
            step = task.draw(rng, features[train], target[train])
            outputs = (step.features @ weights).reshape(len(step.features), -1)
            gradient = _through(
                library, operator, temperature, task.options(step, operator), outputs, step.target, cotangent
            )
            rows = step.features.reshape(-1, step.features.shape[-1])
            with jax.numpy_dtype_promotion("standard"):  # optax counts steps in integers
                updates, state = optimiser.update(rows.T @ gradient.reshape(len(rows), -1), state)
            weights = np.asarray(optax.apply_updates(weights, updates))
    return {
        use: task.score(features[part] @ weights, target[part])
        for use, part in (("validation", validation), ("test", test))
    }


def _through(
    library: Library,
    operator: str,
    temperature: float,
    options: dict[str, Any],
    outputs: np.ndarray,
    target: np.ndarray,
    cotangent: Callable[[Any, Any], Array],
) -> np.ndarray:
    """The gradient of the loss in the outputs of the model."""
    framework = library.framework
    # Values that change from step to step go in beside x, so that nothing is compiled anew.
    changing = options.pop("values", None)
    x = np.stack([outputs, changing]) if changing is not None else outputs[None]
    forward, pullback = _compiled(library, operator, temperature, tuple(options.items()), x.shape)
    native = framework.array(x.astype(np.float32))
    answer = np.asarray(forward(native))
    given = np.asarray(cotangent(answer, target), answer.dtype)
    return np.asarray(pullback(native, framework.array(given)))[0]


@functools.lru_cache(maxsize=2)
def _compiled(
    library: Library, operator: str, temperature: float, options: tuple[tuple[str, Any], ...], shape: tuple[int, ...]
) -> tuple[Any, Any]:
    called, framework = library.operators[operator], library.framework

    def function(x: Any) -> Any:
        beside = {"values": x[1]} if shape[0] == 2 else {}
        return called(x[0], temperature, **beside, **dict(options))

    example = framework.array(np.zeros(shape, np.float32))
    return framework.forward(function, example), framework.pullback(function, example)
