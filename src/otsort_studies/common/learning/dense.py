"""Implements dense networks, as lists of matrices and offsets, and the arrays that they learn from."""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..labelled import Split

#: Matrix and offset of each layer.
Weights: TypeAlias = list[tuple[Array, Array]]


def arrays(split: Split) -> dict[str, tuple[Array, Array]]:
    """Returns features and target of the examples for each use, as JAX arrays."""
    return {use: (jnp.asarray(x), jnp.asarray(y)) for use, (x, y) in split._asdict().items()}


def first_weights(sizes: Sequence[int], rng: np.random.Generator) -> Weights:
    """Returns random float32 weights of layers, given the number of features and the width of each layer."""
    return [
        (jnp.asarray(rng.normal(size=pair) * np.sqrt(2 / pair[0]), jnp.float32), jnp.zeros(pair[1], jnp.float32))
        for pair in itertools.pairwise(sizes)
    ]


def outputs(weights: Weights, x: Float[Array, "batch d"]) -> Float[Array, "batch k"]:
    """Returns the outputs of the network, with ReLU between layers."""
    *hidden, (last, offset) = weights
    for matrix, shift in hidden:
        x = jax.nn.relu(x @ matrix + shift[None, :])
    return x @ last + offset[None, :]
