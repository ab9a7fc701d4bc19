"""Trains classifiers of pictures."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from ..study import Row
from .bench import Workbench
from .images import CLASSES, Images
from .networks import Design, Norm, as_input, convolutional
from .training import AbstractTask, Network, Plan, in_batches, shuffled, train

#: Name of the batch axis, for batch norms.
BATCH = "batch"
_SCORED = 1000  # number of pictures that are scored at once

#: A loss `(logits, labels) -> one value for each example`.
Objective = Callable[[Float[Array, "batch classes"], Int[Array, " batch"]], Float[Array, " batch"]]


class Classification(AbstractTask):
    """The task of predicting the labels of pictures.

    Attributes:
        parts: name of a part -> pictures and labels.
        objective: the loss that is minimised.
        begin: function that returns the network with its initial weights.
    """

    parts: dict[str, Any]
    objective: Objective
    begin: Callable[[Key[Array, ""]], Network]

    def __init__(self, data: Images, objective: Objective, begin: Callable[[Key[Array, ""]], Network]):
        self.parts = jax.tree.map(jnp.asarray, data.parts)
        self.objective, self.begin = objective, begin

    def network(self, key: Key[Array, ""]) -> Network:
        return self.begin(key)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], eqx.nn.State]:
        del key
        logits, state = _logits(network, examples)
        return jnp.mean(self.objective(logits, examples[1])), state

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        """Returns the loss, the cross-entropy, and the accuracies for the largest and the five largest logits.

        Among equal logits, the label counts as the last, so that constant logits score zero.
        """
        logits, labels = _logits(network, examples)[0], examples[1]
        at_label = jnp.take_along_axis(logits, labels[:, None], axis=1)
        place = logits.shape[1] - jnp.sum(logits < at_label, axis=1)
        share = lambda hits: jnp.mean(hits, dtype=logits.dtype)
        return {
            "loss": jnp.mean(self.objective(logits, labels)),
            "cross_entropy": jnp.mean(cross_entropy(logits, labels)),
            "accuracy": share(place == 1),
            "top_5": share(place <= 5),
        }


def cross_entropy(logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """Returns the cross-entropy of the softmax for each example."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def batch_norm(shape: tuple[int, ...]) -> eqx.nn.BatchNorm:
    """Creates a batch norm for values of this shape: one for each channel, over batch, height and width."""
    layer: Any = eqx.nn.BatchNorm(shape[0], BATCH, dtype=jnp.float32, mode="batch", momentum=0.9)
    # The count of batches is an integer without a fixed width. A checkpoint loses that, and the count widens arrays.
    return eqx.tree_at(lambda layer: layer.batch_counter.init, layer, jnp.zeros((), jnp.float32))


def plan(study: Any, data: Images, optimiser: optax.GradientTransformation) -> Plan:
    """Plans epochs of shuffled batches, with scores on all parts. Of the training set, a fixed part is scored."""
    counts = {name: len(labels) for name, (_, labels) in data.parts.items()}
    some = np.random.default_rng(0).permutation(counts["train"])[: study.scored]
    parts = {name: in_batches(count, _SCORED) for name, count in counts.items()}
    parts["train"] = [some[places] for places in in_batches(some.size, _SCORED)]
    loops = jax.default_backend() != "cpu"
    return Plan(optimiser, shuffled(counts["train"], study.batch), study.checkpoints, study.stride, parts, loops)


def trainings(
    study: Any,
    cases: Sequence[Any],
    data: Images,
    bench: Workbench,
    optimiser: optax.GradientTransformation,
    how: Callable[[Any], tuple[Objective, Norm]],
) -> Iterator[Row]:
    """Trains the network of Cuturi et al. (2019) for each case; `how(case)` gives the loss and the norm."""
    steps = plan(study, data, optimiser)
    for case in cases:
        objective, norm = how(case)
        begin = convolutional(data.shape, Design(study.widths, study.hidden), CLASSES, norm)
        (found,) = train(repr(case), [Classification(data, objective, begin)], [case.seed], steps, bench)
        yield found.row(case, data.source)


def _logits(network: Network, examples: Any) -> tuple[Float[Array, "batch classes"], eqx.nn.State]:
    forward = jax.vmap(network.model, axis_name=BATCH, in_axes=(0, None), out_axes=(0, None))
    return forward(as_input(examples[0]), network.state)
