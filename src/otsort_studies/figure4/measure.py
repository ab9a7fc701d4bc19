"""Measures the trainings of Figure 4."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.classification import Classification, Objective, batch_norm, cross_entropy, plan
from ..common.learning.images import CLASSES, Images, images
from ..common.learning.networks import Design, convolutional
from ..common.learning.training import train
from ..common.study import Row
from .study import CROSS_ENTROPY, CURVES, EPSILON, TOP_5_CROSS_ENTROPY, TOP_K, Figure4, Training


class TopK(eqx.Module):
    """The S-top-k loss.

    Attributes:
        k: of J_k.
    """

    k: Float[Array, ""]

    def __call__(self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
        return otsort.losses.top_k_error(logits, labels, self.k + 1, epsilon=EPSILON, throw=False)


def top_5_cross_entropy(logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """Of the membership among the five largest."""
    return otsort.losses.top_k_cross_entropy(logits, labels, 5, epsilon=EPSILON, throw=False)


#: Name of a loss -> what is minimised.
OBJECTIVES: dict[str, Objective] = {CROSS_ENTROPY: cross_entropy, TOP_5_CROSS_ENTROPY: top_5_cross_entropy}


def load(study: Figure4, folder: Path | None) -> Images:
    """The pictures."""
    return images(study.data, folder)


def measure(study: Figure4, cases: Sequence[Training], data: Images, bench: Workbench) -> Iterator[Row]:
    """The rows of some of the cases."""
    how = plan(data, optax.adam(study.rate), study.batch, study.checkpoints, study.stride, study.scored)
    begin = convolutional(data.train.shape[1:], Design(study.widths, study.hidden), CLASSES, batch_norm)
    objectives = {**OBJECTIVES, **{name: TopK(jnp.asarray(k, jnp.float32)) for name, k in TOP_K.items()}}
    for case in cases:
        task = Classification(data, objectives[case.loss], begin)
        (found,) = train(repr(case), [task], [case.seed], how, bench)
        yield found.row(case, CURVES, data.source)
