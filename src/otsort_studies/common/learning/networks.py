"""Defines the networks of the paper and of the tutorial, for one example, in float32."""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, UInt8

from .training import Network

_FLOAT = jnp.float32

#: A function from the shape of one example to a layer `(values, state) -> (values, state)`.
Norm: TypeAlias = Callable[[tuple[int, ...]], Any]


class Design(NamedTuple):
    """Sizes of `Convolutions`.

    Attributes:
        widths: numbers of channels of the convolutions.
        hidden: width of the dense layer.
        pools: number of convolutions before each pooling.
        kernel: height and width of a convolution, odd.
    """

    widths: tuple[int, ...]
    hidden: int
    pools: int = 2
    kernel: int = 3


class Convolutions(eqx.Module):
    """Convolutions with a norm and ReLU each, a 2 x 2 max-pooling after some of them, and two dense layers.

    The network of the tutorial has four convolutions and a pooling after every second one. With batch norms it is the
    network of Cuturi et al. (2019), section 4. The network of Grover et al. (2019) has two convolutions and a pooling
    after each.

    Attributes:
        convolutions: layers that keep height and width.
        norms: a norm for each convolution, `(values, state) -> (values, state)`.
        pools: number of convolutions before each pooling.
        hidden: dense layer, with ReLU.
        hidden_norm: norm of the dense layer.
        out: last dense layer.
    """

    convolutions: list[eqx.nn.Conv2d]
    norms: list[Any]
    pools: int = eqx.field(static=True)
    hidden: eqx.nn.Linear
    hidden_norm: Any
    out: eqx.nn.Linear

    def __init__(self, shape: tuple[int, int, int], design: Design, outputs: int, norm: Norm, key: Key[Array, ""]):
        """
        Args:
            shape: channels, height and width of a picture.
            design: sizes of the network.
            outputs: number of outputs.
            norm: function from the shape of the values to a layer.
            key: random key of the initial weights.
        """
        channels, height, width = shape
        *keys, hidden_key, out_key = jax.random.split(key, len(design.widths) + 2)
        self.convolutions, self.norms, self.pools = [], [], design.pools
        for i, (channels_out, key_) in enumerate(zip(design.widths, keys, strict=True), start=1):
            layer = eqx.nn.Conv2d(
                channels, channels_out, design.kernel, padding=design.kernel // 2, dtype=_FLOAT, key=key_
            )
            self.convolutions.append(_begun(layer, key_))
            self.norms.append(norm((channels_out, height, width)))
            channels = channels_out
            if i % self.pools == 0:
                height, width = height // 2, width // 2
        flat = channels * height * width
        self.hidden = _begun(eqx.nn.Linear(flat, design.hidden, dtype=_FLOAT, key=hidden_key), hidden_key)
        self.hidden_norm = norm((design.hidden,))
        self.out = _begun(eqx.nn.Linear(design.hidden, outputs, dtype=_FLOAT, key=out_key), out_key)

    def __call__(
        self, x: Float[Array, "channels height width"], state: eqx.nn.State
    ) -> tuple[Float[Array, " outputs"], eqx.nn.State]:
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True), start=1):
            x, state = norm(convolution(x), state)
            x = jax.nn.relu(x)
            if i % self.pools == 0:
                x = max_pool(x)
        x, state = self.hidden_norm(self.hidden(x.reshape(-1)), state)
        return self.out(jax.nn.relu(x)), state


@functools.cache
def convolutional(
    shape: tuple[int, int, int], design: Design, outputs: int, norm: Norm
) -> Callable[[Key[Array, ""]], Network]:
    """Returns a function that initialises `Convolutions`. It is cached, so that nothing is compiled again."""

    def begin(key: Key[Array, ""]) -> Network:
        return Network(*eqx.nn.make_with_state(Convolutions)(shape, design, outputs, norm, key))

    return begin


class Dense(eqx.Module):
    """Dense layers with ReLU and dropout between them, and a single output."""

    layers: list[eqx.nn.Linear]
    dropout: eqx.nn.Dropout

    def __init__(self, inputs: int, widths: tuple[int, ...], dropout: float, key: Key[Array, ""]):
        """
        Args:
            inputs: number of features.
            widths: widths of the hidden layers.
            dropout: share of the outputs of hidden layers that is dropped.
            key: random key of the initial weights.
        """
        sizes = itertools.pairwise((inputs, *widths, 1))
        keys = jax.random.split(key, len(widths) + 1)
        self.layers = [
            _begun(eqx.nn.Linear(*size, dtype=_FLOAT, key=key), key) for size, key in zip(sizes, keys, strict=True)
        ]
        self.dropout = eqx.nn.Dropout(dropout)

    def __call__(self, x: Float[Array, " inputs"], key: Key[Array, ""] | None = None) -> Float[Array, ""]:
        *hidden, last = self.layers
        keys = [None] * len(hidden) if key is None else jax.random.split(key, len(hidden))
        for layer, key_ in zip(hidden, keys, strict=True):
            x = self.dropout(jax.nn.relu(layer(x)), key=key_)
        return last(x)[0]


class Unchanged(eqx.Module):
    """A norm that does nothing."""

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Unchanged":
        del shape
        return cls()

    def __call__(self, x: Array, state: eqx.nn.State) -> tuple[Array, eqx.nn.State]:
        return x, state


def max_pool(x: Float[Array, "channels height width"]) -> Float[Array, "channels half_height half_width"]:
    """Returns the largest of 2 x 2 values; its gradient on the CPU is much faster than that of `eqx.nn.MaxPool2d`."""
    channels, height, width = x.shape[0], x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    x = x[:, :height, :width]
    return jnp.max(x.reshape(channels, height // 2, 2, width // 2, 2), axis=(2, 4))


def as_input(pictures: UInt8[Array, "..."]) -> Float[Array, "..."]:
    """Converts bytes to numbers from 0 to 1."""
    return pictures.astype(_FLOAT) / 255


def _begun(layer: Any, key: Key[Array, ""]) -> Any:
    """Initialises weights with variance 1 / inputs and offsets with zero, as Flax does, which the tutorial uses."""
    weight = jax.nn.initializers.lecun_normal(in_axis=1, out_axis=0)(key, layer.weight.shape, layer.weight.dtype)
    layer = eqx.tree_at(lambda layer: layer.weight, layer, weight)
    return eqx.tree_at(lambda layer: layer.bias, layer, jnp.zeros_like(layer.bias))
