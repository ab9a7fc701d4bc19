"""Networks of the paper and of the tutorial, written for one example, in float32."""

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

#: Shape of one example's values -> a layer `(values, state) -> (values, state)`.
Norm: TypeAlias = Callable[[tuple[int, ...]], Any]


class Design(NamedTuple):
    """Sizes of `Convolutions`.

    Attributes:
        widths: channels of the convolutions.
        hidden: width of the dense layer.
        pools: how many convolutions there are before each pooling.
        kernel: height and width of a convolution, odd.
    """

    widths: tuple[int, ...]
    hidden: int
    pools: int = 2
    kernel: int = 3


class Convolutions(eqx.Module):
    """Convolutions, each with its norm and ReLU; a 2 x 2 max-pooling after some of them; two dense layers.

    With four convolutions and a pooling after each second it is the network of the tutorial, and with batch norms that
    of Cuturi et al. (2019), section 4; with two, and a pooling after each, that of Grover et al. (2019).

    Attributes:
        convolutions: layers that keep height and width.
        norms: one for each of them, `(values, state) -> (values, state)`.
        pools: how many convolutions there are before each pooling.
        hidden: dense layer, with ReLU.
        hidden_norm: its norm.
        out: dense layer.
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
            design: sizes.
            outputs: how many.
            norm: shape of the values -> layer.
            key: of the first weights.
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
    """First weights of `Convolutions`; one function for the same arguments, so that nothing is compiled anew."""

    def begin(key: Key[Array, ""]) -> Network:
        return Network(*eqx.nn.make_with_state(Convolutions)(shape, design, outputs, norm, key))

    return begin


class Dense(eqx.Module):
    """Dense layers with ReLU and dropout between them, and one output."""

    layers: list[eqx.nn.Linear]
    dropout: eqx.nn.Dropout

    def __init__(self, inputs: int, widths: tuple[int, ...], dropout: float, key: Key[Array, ""]):
        """
        Args:
            inputs: features.
            widths: of the hidden layers.
            dropout: share of their outputs.
            key: of the first weights.
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
    """No norm."""

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Unchanged":
        del shape
        return cls()

    def __call__(self, x: Array, state: eqx.nn.State) -> tuple[Array, eqx.nn.State]:
        return x, state


def max_pool(x: Float[Array, "channels height width"]) -> Float[Array, "channels half_height half_width"]:
    """Largest of 2 x 2 values. Not `eqx.nn.MaxPool2d`, whose gradient takes several times as long on the CPU."""
    channels, height, width = x.shape[0], x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    x = x[:, :height, :width]
    return jnp.max(x.reshape(channels, height // 2, 2, width // 2, 2), axis=(2, 4))


def as_input(pictures: UInt8[Array, "..."]) -> Float[Array, "..."]:
    """From 0 to 1."""
    return pictures.astype(_FLOAT) / 255


def _begun(layer: Any, key: Key[Array, ""]) -> Any:
    """With weights of variance 1 / inputs and no offsets, as Flax, which the tutorial takes, begins."""
    weight = jax.nn.initializers.lecun_normal(in_axis=1, out_axis=0)(key, layer.weight.shape, layer.weight.dtype)
    layer = eqx.tree_at(lambda layer: layer.weight, layer, weight)
    return eqx.tree_at(lambda layer: layer.bias, layer, jnp.zeros_like(layer.bias))
