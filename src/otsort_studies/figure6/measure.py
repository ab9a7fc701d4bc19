"""Measures the trainings of Figure 6."""

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.classification import batch_norm, cross_entropy, trainings
from ..common.learning.images import Images, images
from ..common.learning.networks import Norm, Unchanged
from ..common.study import Row
from .study import BATCH, EPSILON, LAYER, NONE, QUANTILE, Figure6, Training


class Stateless(eqx.Module):
    """A norm of one example that has no state.

    Attributes:
        layer: the norm.
    """

    layer: Callable[[Array], Array]

    def __call__(self, x: Float[Array, "..."], state: eqx.nn.State) -> tuple[Float[Array, "..."], eqx.nn.State]:
        return self.layer(x), state


def layer_norm(shape: tuple[int, ...]) -> Stateless:
    """Creates a norm over all values of an example, with a scale and an offset for each channel."""
    return _single(eqx.nn.GroupNorm(1, shape[0]))


def quantile_norm(targets: int, shape: tuple[int, ...]) -> Stateless:
    """Creates a quantile normalisation over each channel of an example, or over all values of a dense layer."""
    axes = tuple(range(1, len(shape))) or (0,)
    return _single(otsort.nn.QuantileNormalization(targets, axis=axes, epsilon=EPSILON))


def _single(layer: Any) -> Stateless:
    """Converts the weights of a layer to float32."""
    single = lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf
    return Stateless(jax.tree.map(single, layer))


@functools.cache
def norms(targets: int) -> dict[str, Norm]:
    """Maps names to functions from the shape of the values to a layer; cached, so that nothing is compiled again."""
    return {
        NONE: Unchanged.of,
        BATCH: batch_norm,
        LAYER: layer_norm,
        QUANTILE: functools.partial(quantile_norm, targets),
    }


def load(study: Figure6, folder: Path | None) -> Images:
    """Loads the training pictures that are used, and the test set."""
    return images(study.data, folder).divided(study.pictures).shrunk(study.size)


def measure(study: Figure6, cases: Sequence[Training], data: Images, bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    how = lambda case: (cross_entropy, norms(study.targets)[case.norm])
    yield from trainings(study, cases, data, bench, optax.adam(study.rate), how)
