"""Trains networks, several seeds in parallel, with checkpoints."""

import abc
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, PyTree

from .. import outcome
from ..study import AbstractCase, Row
from .bench import Workbench
from .checkpoint import restore, save

#: Arrays whose first axis goes over examples.
Examples = PyTree[Array]


class Network(eqx.Module):
    """A model and its state, such as the means of batch norms or a schedule of epsilon."""

    model: Any
    state: Any


class AbstractTask(eqx.Module):
    """The data and the loss of a training with one seed.

    Attributes:
        parts: name of a part of the data -> its examples. The part "train" is used for training.
    """

    parts: eqx.AbstractVar[dict[str, Examples]]

    @abc.abstractmethod
    def network(self, key: Key[Array, ""]) -> Network:
        """Returns the network with its initial weights, in float32."""

    @abc.abstractmethod
    def loss(self, network: Network, examples: Examples, key: Key[Array, ""]) -> tuple[Float[Array, ""], Any]:
        """Returns the mean loss over the examples, and the new state of the network."""

    @abc.abstractmethod
    def scores(self, network: Network, examples: Examples) -> dict[str, Float[Array, ""]]:
        """Returns mean scores over the examples, by name."""


class Plan(NamedTuple):
    """The settings of a training.

    Attributes:
        optimiser: optimiser of the weights.
        batches: `(seed, step) -> positions` of examples in the part "train". They may depend on nothing else.
        checkpoints: number of times that scores are computed.
        stride: number of training steps before each of these times.
        scored: part -> batches of positions whose mean scores are computed. The progress bar shows the first score of
            the last part.
        loops: whether the steps between two checkpoints are one compiled loop. This is faster for small dense networks
            and on a GPU; on the CPU, XLA needs ten times as long for a convolution inside a loop as outside.
        remember: `(state of the network, norm of the gradient) -> state of the network`, applied after each step.
    """

    optimiser: optax.GradientTransformation
    batches: Callable[[int, int], np.ndarray]
    checkpoints: int
    stride: int
    scored: dict[str, list[np.ndarray]]
    loops: bool
    remember: Callable[[Any, Float[Array, ""]], Any] = lambda state, norm: state


class Trained(NamedTuple):
    """The result of one seed.

    Attributes:
        outcome: outcome in words, which says whether the loss stayed finite.
        curves: name -> a number at each checkpoint. "loss" and "gradient_norm" are means since the last checkpoint;
            "part_score" is a score of a part of the data.
        seconds: time of all seeds, compilation included, divided by the number of seeds.
    """

    outcome: str
    curves: dict[str, list[float]]
    seconds: float

    def row(self, case: AbstractCase, source: str, **more: Any) -> Row:
        """Returns the row of a case, with the curves that are among its columns."""
        chosen = {name: curve for name, curve in self.curves.items() if name in case.measured}
        return case.row(self.outcome, **chosen, seconds=self.seconds, source=source, **more)


class _Learner(eqx.Module):
    """The part of the state of a training that changes in a step, for all seeds."""

    network: Network
    moments: Any


def train(name: str, each: Sequence[AbstractTask], seeds: Sequence[int], plan: Plan, bench: Workbench) -> list[Trained]:
    """Trains several tasks in parallel, each with its own seed.

    Args:
        name: name of this training, which identifies its checkpoint.
        each: tasks, all with the same shapes.
        seeds: seeds of initial weights and batches, one for each task.
        plan: settings of the training.
        bench: checkpoint file, and function that receives the number of finished cases (one for each seed).
    """
    tasks = jax.tree.map(lambda *leaves: jnp.stack(leaves) if eqx.is_array(leaves[0]) else leaves[0], *each)
    keys = jax.vmap(jax.random.key)(jnp.asarray(seeds, jnp.uint32))
    learner = _begin(tasks, plan.optimiser, keys)
    curves: dict[str, list[list[float]]] = {}
    seconds: list[float] = []
    if kept := restore(bench.checkpoint, name, learner):
        (curves, seconds), learner = kept
    for checkpoint in range(len(seconds), plan.checkpoints):
        start = time.perf_counter()
        learner, found = _stretch(tasks, plan, learner, keys, seeds, checkpoint)
        for score, values in found.items():
            curves.setdefault(score, []).append(np.asarray(values, float).tolist())
        seconds.append(time.perf_counter() - start)
        save(bench.checkpoint, name, (curves, seconds), learner)
        shown = next(score for score in found if score.startswith([*plan.scored][-1]))
        done = len(seeds) * (checkpoint + 1) / plan.checkpoints
        bench.tell(done, f"{shown} {np.mean(found[shown]):.3g}")
    every = {score: np.asarray(values, float).T for score, values in curves.items()}
    return [
        Trained(
            outcome.outcome(outcome.TRAINED, finite=np.isfinite(every["loss"][i])),
            {score: values[i].tolist() for score, values in every.items()},
            sum(seconds) / len(seeds),
        )
        for i in range(len(seeds))
    ]


def shuffled(count: int, batch: int) -> Callable[[int, int], np.ndarray]:
    """Returns batches that go through the examples epoch by epoch, in a new order each time.

    Examples at the end of an epoch that do not fill a batch are left out.

    Args:
        count: number of all examples.
        batch: number of examples in a step.
    """

    @functools.lru_cache(maxsize=32)
    def order(seed: int, epoch: int) -> np.ndarray:
        return np.random.default_rng((seed, epoch)).permutation(count)

    def batches(seed: int, step: int) -> np.ndarray:
        epoch, place = divmod(step, count // batch)
        return order(seed, epoch)[place * batch : (place + 1) * batch]

    return batches


def in_batches(count: int, batch: int) -> list[np.ndarray]:
    """Splits the positions of all examples into batches."""
    return np.array_split(np.arange(count), -(-count // batch))


def _stretch(
    tasks: AbstractTask, plan: Plan, learner: _Learner, keys: Key[Array, " seeds"], seeds: Sequence[int], number: int
) -> tuple[_Learner, dict[str, np.ndarray]]:
    """Takes the steps to the next checkpoint, and returns the scores there."""
    steps = range(number * plan.stride, (number + 1) * plan.stride)
    seen = []
    for some in [steps] if plan.loops else [range(step, step + 1) for step in steps]:
        places = np.stack([[plan.batches(seed, step) for step in some] for seed in seeds])
        learner, values = _advance(tasks, plan.optimiser, plan.remember, learner, keys, places, np.asarray(some))
        seen.append(values)
    found = {name: np.mean(np.concatenate([values[name] for values in seen], axis=1), axis=1) for name in seen[0]}
    for part, batches in plan.scored.items():
        scores = [_score(tasks, part, learner.network, places) for places in batches]
        sizes = np.asarray([places.size for places in batches])
        for score in scores[0]:
            found[f"{part}_{score}"] = np.average(np.stack([one[score] for one in scores]), axis=0, weights=sizes)
    return learner, found


@eqx.filter_jit
def _begin(tasks: AbstractTask, optimiser: optax.GradientTransformation, keys: Key[Array, " seeds"]) -> _Learner:
    @eqx.filter_vmap
    def begin(task: AbstractTask, key: Key[Array, ""]) -> _Learner:
        network = task.network(key)
        return _Learner(network, optimiser.init(eqx.filter(network.model, eqx.is_inexact_array)))

    return begin(tasks, keys)


@eqx.filter_jit
def _advance(
    tasks: AbstractTask,
    optimiser: optax.GradientTransformation,
    remember: Callable[[Any, Float[Array, ""]], Any],
    learner: _Learner,
    keys: Key[Array, " seeds"],
    places: Int[np.ndarray, "seeds steps *batch"],
    steps: Int[np.ndarray, " steps"],
) -> tuple[_Learner, dict[str, Float[Array, "seeds steps"]]]:
    """Takes some training steps, and returns their losses and norms of gradients as well."""

    @eqx.filter_vmap(in_axes=(eqx.if_array(0), eqx.if_array(0), 0, 0, None))
    def advance(task: AbstractTask, learner: _Learner, key: Key[Array, ""], places: Array, steps: Array) -> Any:
        changing, fixed = eqx.partition(learner, eqx.is_array)

        def step(changing: Any, at: tuple[Array, Array]) -> tuple[Any, dict[str, Float[Array, ""]]]:
            learner: _Learner = eqx.combine(changing, fixed)
            examples = jax.tree.map(lambda array: array[at[0]], task.parts["train"])

            @functools.partial(eqx.filter_value_and_grad, has_aux=True)
            def loss(model: Any) -> tuple[Float[Array, ""], Any]:
                network = Network(model, learner.network.state)
                return task.loss(network, examples, jax.random.fold_in(key, at[1]))

            (value, state), gradient = loss(learner.network.model)
            weights = eqx.filter(learner.network.model, eqx.is_inexact_array)
            with jax.numpy_dtype_promotion("standard"):  # optax counts steps in integers
                updates, moments = optimiser.update(gradient, learner.moments, weights)
            norm = jnp.sqrt(sum(jnp.vdot(part, part) for part in jax.tree.leaves(gradient)))
            network = Network(eqx.apply_updates(learner.network.model, updates), remember(state, norm))
            return eqx.filter(_Learner(network, moments), eqx.is_array), {"loss": value, "gradient_norm": norm}

        if steps.size == 1:
            changing, values = step(changing, (places[0], steps[0]))
            return eqx.combine(changing, fixed), jax.tree.map(lambda value: value[None], values)
        changing, values = jax.lax.scan(step, changing, (places, steps))
        return eqx.combine(changing, fixed), values

    return advance(tasks, learner, keys, places, steps)


@eqx.filter_jit
def _score(
    tasks: AbstractTask, part: str, network: Network, places: Int[np.ndarray, " batch"]
) -> dict[str, Float[Array, " seeds"]]:
    """Computes mean scores over some examples."""

    @eqx.filter_vmap(in_axes=(eqx.if_array(0), eqx.if_array(0), None))
    def score(task: AbstractTask, network: Network, places: Array) -> dict[str, Float[Array, ""]]:
        still = Network(eqx.nn.inference_mode(network.model), network.state)
        return task.scores(still, jax.tree.map(lambda array: array[places], task.parts[part]))

    return score(tasks, network, places)
