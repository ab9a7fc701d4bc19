"""Measures the trainings of Figure 5."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.images import Images, images
from ..common.learning.networks import Design, Unchanged, as_input, convolutional
from ..common.learning.training import AbstractTask, Network, Plan, in_batches, train
from ..common.study import Row
from .study import NEURAL_SORT, RANKS, SORT, SPARSE_SORT, STRAIGHT_THROUGH, Figure5, Training

_LEAST = 1e-20  # added to probabilities, as in the code of NeuralSort
_SCORED = 100  # number of lists that are scored at once

#: A function `(scores of a list, true ranks from 0, epsilon or temperature) -> loss`.
Loss = Callable[[Float[Array, " n"], Int[Array, " n"], Float[Array, ""]], Float[Array, ""]]


def neural_sort(scores: Float[Array, " n"], temperature: Float[Array, ""]) -> Float[Array, "n n"]:
    """Returns the relaxed permutation of Grover et al. (2019), equation (5), with rows from the smallest score on."""
    n = scores.size
    distances = jnp.sum(jnp.abs(scores[:, None] - scores[None, :]), axis=1)
    factors = jnp.arange(1 - n, n, 2, dtype=scores.dtype)
    logits = factors[:, None] * scores[None, :] - distances[None, :]
    return jax.nn.softmax(logits / temperature, axis=1)


def _sort(scores: Float[Array, " n"], ranks: Int[Array, " n"], epsilon: Float[Array, ""]) -> Float[Array, ""]:
    return otsort.losses.permutation_cross_entropy(scores, ranks, epsilon=epsilon)


def _sparse_sort(scores: Float[Array, " n"], ranks: Int[Array, " n"], epsilon: Float[Array, ""]) -> Float[Array, ""]:
    return _cross_entropy(otsort.permutation(scores, solver=otsort.SparseNewton(epsilon)), ranks)


def _neural(scores: Float[Array, " n"], ranks: Int[Array, " n"], temperature: Float[Array, ""]) -> Float[Array, ""]:
    return _cross_entropy(neural_sort(scores, temperature), ranks)


def _cross_entropy(permutation: Float[Array, "n n"], ranks: Int[Array, " n"]) -> Float[Array, ""]:
    shares = permutation[ranks, jnp.arange(ranks.size)]
    return -jnp.mean(jnp.log(shares + _LEAST))


def _distance(found: Float[Array, " n"], ranks: Int[Array, " n"]) -> Float[Array, ""]:
    return jnp.mean((found - 1 - ranks.astype(found.dtype)) ** 2)


def _ranks(scores: Float[Array, " n"], ranks: Int[Array, " n"], epsilon: Float[Array, ""]) -> Float[Array, ""]:
    return _distance(otsort.rank(scores, epsilon=epsilon), ranks)


def _straight_through(
    scores: Float[Array, " n"], ranks: Int[Array, " n"], epsilon: Float[Array, ""]
) -> Float[Array, ""]:
    return _distance(otsort.straight_through(otsort.rank)(scores, epsilon=epsilon), ranks)


#: Name of a method -> its loss.
LOSSES: dict[str, Loss] = {
    SORT: _sort,
    SPARSE_SORT: _sparse_sort,
    NEURAL_SORT: _neural,
    RANKS: _ranks,
    STRAIGHT_THROUGH: _straight_through,
}


class Sorting(AbstractTask):
    """The task of finding the order of numbers from pictures of their digits.

    Attributes:
        parts: "train" and "test", each with pictures and labels of single digits. An example is a list of numbers, each
            made of some of these pictures.
        formula: loss of a list.
        setting: epsilon or temperature.
        begin: function that returns the network with its initial weights.
    """

    parts: dict[str, Any]
    formula: Loss
    setting: Float[Array, ""]
    begin: Callable[[Key[Array, ""]], Network]

    def network(self, key: Key[Array, ""]) -> Network:
        return self.begin(key)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], eqx.nn.State]:
        del key
        scores, values = _read(network, examples)
        return self._mean_loss(scores, values), network.state

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        scores, values = _read(network, examples)
        sorted_ = jnp.take_along_axis(values, jnp.argsort(scores, axis=1), axis=1)
        right = sorted_ == jnp.sort(values, axis=1)  # equal numbers may be in any order
        share = lambda hits: jnp.mean(hits, dtype=scores.dtype)
        return {
            "loss": self._mean_loss(scores, values),
            "all": share(jnp.all(right, axis=1)),
            "each": share(right),
        }

    def _mean_loss(self, scores: Float[Array, "lists n"], values: Int[Array, "lists n"]) -> Float[Array, ""]:
        ranks = jnp.argsort(jnp.argsort(values, axis=1), axis=1)
        return jnp.mean(jax.vmap(self.formula, in_axes=(0, 0, None))(scores, ranks, self.setting))


def _read(network: Network, examples: Any) -> tuple[Float[Array, "lists n"], Int[Array, "lists n"]]:
    """Returns the scores and the values of the numbers."""
    pictures, labels = examples
    lists, n, digits, channels, height, width = pictures.shape
    rows = jnp.moveaxis(pictures, 2, 4).reshape(lists * n, channels, height, digits * width)
    scores, _ = jax.vmap(network.model, in_axes=(0, None), out_axes=(0, None))(as_input(rows), network.state)
    powers = 10 ** jnp.arange(digits - 1, -1, -1, dtype=labels.dtype)
    return scores.reshape(lists, n), jnp.sum(labels * powers[None, None, :], axis=2)


def load(study: Figure5, folder: Path | None) -> Images:
    """Loads the pictures of digits."""
    return images(study.data, folder).shrunk(study.size)


def measure(study: Figure5, cases: Sequence[Training], data: Images, bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    how = _plan(study, data)
    channels, height, width = data.shape
    design = Design(study.widths, study.hidden, pools=1, kernel=study.kernel)
    begin = convolutional((channels, height, study.digits * width), design, 1, Unchanged.of)
    parts = jax.tree.map(jnp.asarray, data.parts)
    for case in cases:
        setting = jnp.asarray(case.setting or suggested(study), jnp.float32)
        task = Sorting(parts, LOSSES[case.method], setting, begin)
        (found,) = train(repr(case), [task], [case.seed], how, bench)
        yield found.row(case, data.source, epsilon=float(setting))


def suggested(study: Figure5) -> float:
    """Returns the suggested epsilon for typical scores, which are assumed to be normal."""
    scores = np.random.default_rng(0).normal(size=(1000, study.length))
    return float(np.median(otsort.suggest_epsilon(scores, study.neighbours)))


def _plan(study: Figure5, data: Images) -> Plan:
    counts = {name: len(labels) for name, (_, labels) in data.parts.items()}

    def batches(seed: int, step: int) -> np.ndarray:
        shape = study.batch, study.length, study.digits
        return np.random.default_rng((seed, step)).integers(counts["train"], size=shape)

    tests = np.random.default_rng(0).integers(counts["test"], size=(study.tests, study.length, study.digits))
    scored = {"test": [tests[places] for places in in_batches(study.tests, _SCORED)]}
    loops = jax.default_backend() != "cpu"
    optimiser = optax.adam(optax.cosine_decay_schedule(study.rate, study.steps))
    return Plan(optimiser, batches, study.checkpoints, study.stride, scored, loops)
