"""Layers, as Equinox modules: used as those of `equinox.nn`, one instance at a time.

Options are leaves of a layer: those that are arrays are trained with it, numbers are not.
"""

from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, PRNGKeyArray

from ._operator import quantile_normalize, top_k_mask
from ._rows import Options
from ._straight_through import straight_through


class QuantileNormalization(eqx.Module):
    """Soft quantile normalisation with a learnt distribution: Cuturi et al. (2019), section 4.

    `otsort.quantile_normalize` to the reference f, the cumulative sum of softmax(h): m values that increase to 1. The
    vector h sums to 0, so that m - 1 of its entries are free and the last is minus their sum; they start from 0, where
    f is even. (The paper's formula for f lacks the cumulative sum that its text has.)

    Attributes:
        free: the parameters, shape `(m - 1,)`.
        options: of the operator.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> layer = otsort.nn.QuantileNormalization(5)
        >>> print(layer.reference, layer(x))
        [0.2 0.4 0.6 0.8 1. ] [0.2  0.57 0.43 0.8  1.  ]
    """

    free: Float[Array, " m-1"]
    options: Options

    def __init__(self, m: int = 16, **options: Unpack[Options]):
        """Of an axis, several, or None for all of an instance at once.

        Args:
            m: number of targets, at least 1.
            **options: see `otsort.Options`: `axis=(1, 2)` treats each channel of an image `(channels, h, w)` alone.

        Raises:
            ValueError: m below 1.
        """
        if m < 1:
            raise ValueError(f"a reference needs at least one value, got m = {m}")
        self.free, self.options = jnp.zeros(m - 1), options

    @property
    def reference(self) -> Float[Array, " m"]:
        """f, in (0, 1]; the last value is 1."""
        h = jnp.append(self.free, -jnp.sum(self.free))
        return jnp.cumsum(jax.nn.softmax(h))

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "..."]:
        """x, with its values along the axis distributed as those of f.

        Args:
            x: values, any shape.
            key: ignored, for `equinox.nn.Sequential`.

        Returns:
            Shape of x, in (0, 1].

        Raises:
            ValueError, TypeError, RuntimeError: see `otsort.solve`.
        """
        del key
        return quantile_normalize(x, self.reference, **self.options)


class TopKGate(eqx.Module):
    """The gate of a mixture of experts: weights of n experts for a token, k of them in the main, which sum to 1.

    Softmax of the scores times their soft top-k mask. With `epsilon=0` it is the sparse gate of Shazeer et al. (2017),
    section 2.1, softmax over the k largest scores and zero elsewhere, whose zeros have no gradient: a score that just
    misses the k largest learns nothing.

    Attributes:
        router: linear map from a token to scores.
        k: number of experts.
        straight_through: the mask is exact, with the derivatives of the soft one: unused experts have weight 0, and
            still learn.
        options: of `otsort.top_k_mask`.

    Example:
        >>> token = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> gate = otsort.nn.TopKGate(5, 4, 2, key=jax.random.key(0))
        >>> print(gate(token).shape, f"{gate(token).sum():.2f}")
        (4,) 1.00
    """

    router: eqx.nn.Linear
    k: int = eqx.field(static=True)
    straight_through: bool = eqx.field(static=True)
    options: Options

    def __init__(
        self,
        in_size: int,
        num_experts: int,
        k: int,
        *,
        straight_through: bool = False,
        key: PRNGKeyArray,
        **options: Unpack[Options],
    ):
        """The weights of the router are drawn from the key.

        Args:
            in_size: length of a token.
            num_experts: n.
            k: between 1 and n.
            straight_through: see the attributes.
            key: random key.
            **options: see `otsort.Options`.

        Raises:
            ValueError: k out of range.
        """
        if not 1 <= k <= num_experts:
            raise ValueError(f"k must lie between 1 and the number of experts, {num_experts}; got {k}")
        self.router = eqx.nn.Linear(in_size, num_experts, use_bias=False, key=key)
        self.k, self.straight_through, self.options = k, straight_through, options

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " n"]:
        """The weights for a token; use `jax.vmap` for several.

        Args:
            x: shape `(in_size,)`.
            key: ignored, for `equinox.nn.Sequential`.

        Returns:
            Nonnegative, summing to 1, shape `(num_experts,)`.

        Raises:
            ValueError, TypeError, RuntimeError: see `otsort.solve`.
        """
        del key
        scores = self.router(x)
        mask_of = straight_through(top_k_mask) if self.straight_through else top_k_mask
        weights = mask_of(scores, self.k, **self.options) * jnp.exp(scores - stop_gradient(jnp.max(scores)))
        return weights / jnp.sum(weights)
