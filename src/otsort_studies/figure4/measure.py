"""Measures the trainings of Figure 4."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.classification import Objective, batch_norm, cross_entropy, trainings
from ..common.learning.images import Images, images
from ..common.study import Row
from .study import CROSS_ENTROPY, TOP_K, Figure4, Training


class TopK(eqx.Module):
    """The S-top-k loss J_k.

    Attributes:
        k: number of classes that may have a larger logit without a loss.
        epsilon: epsilon of the ranks.
    """

    k: Float[Array, ""]
    epsilon: Float[Array, ""]

    def __call__(self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
        return otsort.losses.top_k_error(logits, labels, self.k + 1, epsilon=self.epsilon)


def load(study: Figure4, folder: Path | None) -> Images:
    """Loads the pictures for training, those that are held out, and the test set."""
    return images(study.data, folder).divided(study.pictures, study.held_out).shrunk(study.size)


def measure(study: Figure4, cases: Sequence[Training], data: Images, bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    how = lambda case: (objective(case), batch_norm)
    yield from trainings(study, cases, data, bench, optax.adam(study.rate), how)


def objective(case: Training) -> Objective:
    """Returns the loss of a case."""
    if case.loss == CROSS_ENTROPY:
        return cross_entropy
    return TopK(jnp.asarray(TOP_K[case.loss], jnp.float32), jnp.asarray(case.epsilon, jnp.float32))
