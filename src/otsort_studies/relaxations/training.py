"""Trains linear models through an operator of any framework, the models of all seeds side by side."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from ..common.labelled import Split
from ..common.precision import precision
from ..peers.library import Library
from .tasks import TASKS, TOP, Loss, Task

RATE = 0.05


def train(
    library: Library | None, name: str, operator: str, temperature: float, seeds: Sequence[int], steps: int
) -> list[dict[str, float]]:
    """Trains a model for each seed and returns its scores on the validation and test data.

    Steps run one by one in Python, because operators of other frameworks cannot be part of a compiled loop. One call
    of the operator serves all models.

    Args:
        library: library of the operator; None for the usual loss.
        name: name of the task.
        operator: name of the operator; "none" for the usual loss.
        temperature: temperature of the operator.
        seeds: one for each model.
        steps: number of steps of Adam.

    Raises:
        Exception: any error of the operator.
    """
    task = TASKS[name]
    generators = [np.random.default_rng(seed) for seed in seeds]
    splits = [task.split(rng) for rng in generators]
    inputs = splits[0].train[0].shape[1]
    initial = [rng.normal(size=(inputs, task.outputs)) / inputs**0.5 for rng in generators]
    weights = np.stack(initial).astype(np.float32)
    optimiser = optax.adam(RATE)
    # Some operators give NaN, which is an outcome. optax counts steps in integers.
    with precision(np.float32), jax.numpy_dtype_promotion("standard"), np.errstate(all="ignore"):
        update = jax.jit(optimiser.update)
        state = optimiser.init(weights)
        for _ in range(steps):
            features, target = _drawn(task, splits, generators)
            rows = features.reshape(len(seeds), -1, inputs)
            outputs = (rows @ weights).reshape(len(seeds), *task.lists)
            gradient = _gradient(library, task, operator, temperature, outputs, target)
            updates, state = update(rows.mT @ gradient.reshape(len(seeds), -1, task.outputs), state)
            weights = weights + np.asarray(updates)
    return [_scores(task, split, of_seed) for split, of_seed in zip(splits, weights, strict=True)]


def _drawn(task: Task, splits: list[Split], generators: list[np.random.Generator]) -> tuple[np.ndarray, np.ndarray]:
    """Draws the examples of a step for each seed, without repetition: some operators fail at many ties."""
    parts = []
    for (features, target), rng in zip((split.train for split in splits), generators, strict=True):
        drawn = rng.permutation(target.size)[: math.prod(task.shape)].reshape(task.shape)
        parts.append((features[drawn], target[drawn]))
    features, targets = zip(*parts, strict=True)
    return np.stack(features), np.stack(targets)


def _gradient(
    library: Library | None,
    task: Task,
    operator: str,
    temperature: float,
    outputs: Float[np.ndarray, "seeds ..."],
    target: np.ndarray,
) -> np.ndarray:
    """Computes the gradient of the loss of each seed with respect to the outputs of its model."""
    of_task, slope, chain = _compiled_parts(task.values, task.losses[operator])
    values = np.asarray(of_task(outputs, target))
    if library is None:
        return np.asarray(chain(outputs, target, slope(values, target)))
    lists = values.reshape(-1, values.shape[-1])
    # The values that are sorted by a key change in each step. They are passed with the key, so that nothing is compiled
    # again.
    x = np.stack([lists, target.reshape(lists.shape)]) if operator == "sort_by" else lists[None]
    forward, pullback = _compiled_operator(library, operator, temperature, x.shape)
    native = library.framework.array(x)
    answer = np.asarray(forward(native))
    given = np.asarray(slope(answer.reshape(values.shape), target), answer.dtype).reshape(answer.shape)
    found = np.asarray(pullback(native, library.framework.array(given)))[0]
    return np.asarray(chain(outputs, target, found.reshape(values.shape)))


@functools.lru_cache(maxsize=1)
def _compiled_parts(values: Callable[[Array, Array], Array], loss: Loss) -> tuple[Any, Any, Any]:
    """Compiles, for all seeds, what stands before and after the operator.

    Returns:
        The values that the operator gets; the gradient of the loss with respect to the result of the operator; and the
        function `(outputs, target, gradient with respect to the values) -> gradient with respect to the outputs`.
    """
    of_all = jax.vmap(values)
    chain = lambda outputs, target, given: jax.vjp(lambda outputs: of_all(outputs, target), outputs)[1](given)[0]
    return jax.jit(of_all), jax.jit(jax.vmap(jax.grad(loss))), jax.jit(chain)


@functools.lru_cache(maxsize=1)
def _compiled_operator(library: Library, operator: str, temperature: float, shape: tuple[int, ...]) -> tuple[Any, Any]:
    called, framework = library.operators[operator], library.framework

    def function(x: Any) -> Any:
        options = {"k": TOP} if operator == "top_k_mask" else {"values": x[1]} if operator == "sort_by" else {}
        return called(x[0], temperature, **options)

    example = framework.array(np.zeros(shape, np.float32))
    return framework.forward(function, example), framework.pullback(function, example)


def _scores(task: Task, split: Split, weights: Float[np.ndarray, "inputs outputs"]) -> dict[str, float]:
    parts = {"validation": split.validation, "test": split.test}
    if not np.all(np.isfinite(weights)):
        return dict.fromkeys(parts, np.nan)
    return {use: task.score(features @ weights, target) for use, (features, target) in parts.items()}
