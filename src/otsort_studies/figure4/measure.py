"""Measures the trainings of Figure 4."""

from collections.abc import Iterator, Sequence

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.classification import Objective, batch_norm, cross_entropy, trainings
from ..common.learning.images import Images
from ..common.learning.images import load as load
from ..common.study import Row
from .study import CROSS_ENTROPY, EPSILON, TOP_5_CROSS_ENTROPY, TOP_K, Figure4, Training


class TopK(eqx.Module):
    """The S-top-k loss J_k.

    Attributes:
        k: number of classes that may have a larger logit without a loss.
    """

    k: Float[Array, ""]

    def __call__(self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
        return otsort.losses.top_k_error(logits, labels, self.k + 1, epsilon=EPSILON, throw=False)


def top_5_cross_entropy(logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """Returns the cross-entropy of the label being among the five largest logits."""
    return otsort.losses.top_k_cross_entropy(logits, labels, 5, epsilon=EPSILON, throw=False)


#: Name of a loss -> function that is minimised.
OBJECTIVES: dict[str, Objective] = {CROSS_ENTROPY: cross_entropy, TOP_5_CROSS_ENTROPY: top_5_cross_entropy}


def measure(study: Figure4, cases: Sequence[Training], data: Images, bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    objectives = {**OBJECTIVES, **{name: TopK(jnp.asarray(k, jnp.float32)) for name, k in TOP_K.items()}}
    how = lambda case: (objectives[case.loss], batch_norm)
    yield from trainings(study, cases, data, bench, optax.adam(study.rate), how)
