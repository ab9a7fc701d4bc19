"""Layers as Equinox modules, which take one example at a time, as the layers of `equinox.nn` do.

The options of a layer are leaves of its tree. Options that are arrays are trained with the layer; numbers are not.
"""

from typing import Any, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float, PRNGKeyArray

from ._call import Options
from ._call.options import with_epsilon_of_masks
from ._checks import as_size, is_traced
from ._operator import quantile_normalize, selection, top_k_mask
from ._solver import AbstractSolver
from ._types import Scalar


class LayerOptions(eqx.Module):
    """The options of an operator that a layer keeps: copied, and hashable unless one is an array.

    Attributes:
        names: names of the options.
        values: values of the options, in the same order.

    Example:
        >>> layer = otsort.nn.QuantileNormalization(5, axis=0, epsilon=0.1)
        >>> print(layer.options["epsilon"], dict(layer.options))
        0.1 {'axis': 0, 'epsilon': 0.1}
    """

    names: tuple[str, ...] = eqx.field(static=True)
    values: tuple[Any, ...]

    def __init__(self, options: Options):
        self.names = tuple(options)
        own = lambda value: value.copy() if isinstance(value, np.ndarray) else value
        self.values = tuple(map(own, options.values()))

    def keys(self) -> tuple[str, ...]:
        """Returns the names, so that `**options` and `dict(options)` work."""
        return self.names

    def __getitem__(self, name: str) -> Any:
        return self.values[self.names.index(name)]


class QuantileNormalization(eqx.Module):
    """Soft quantile normalisation with a learnt distribution: Cuturi et al. (2019), section 4.

    It applies `otsort.quantile_normalize` with a reference f of m values that increase to 1: the cumulative sum of
    softmax(h). The vector h sums to 0. Its first m - 1 entries are free parameters, and the last is minus their sum.
    The parameters start at 0, where f is evenly spaced. (The paper's text has the cumulative sum, but its formula for f
    lacks it.)

    Attributes:
        free: the parameters, shape `(m - 1,)`.
        options: options of the operator.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> layer = otsort.nn.QuantileNormalization(5)
        >>> print(layer.reference, layer(x))
        [0.2 0.4 0.6 0.8 1. ] [0.2  0.57 0.43 0.8  1.  ]
    """

    free: Float[Array, " m-1"]
    options: LayerOptions

    def __init__(self, m: int = 16, **options: Unpack[Options]):
        """Initialises the parameters with zeros.

        Args:
            m: number of targets and of values of f, at least 1.
            **options: see `otsort.Options`. The axis may be one axis, several axes, or None for all axes of an example.
                For example, `axis=(1, 2)` normalises each channel of an image `(channels, h, w)` separately.

        Raises:
            ValueError: m below 1.
        """
        self.free, self.options = jnp.zeros(as_size(m, "m") - 1), LayerOptions(options)

    @property
    def reference(self) -> Float[Array, " m"]:
        """Returns f, in (0, 1]; the last value is 1."""
        h = jnp.append(self.free, -jnp.sum(self.free))
        levels = jnp.cumsum(jax.nn.softmax(h))
        return levels / levels[-1]  # Numerics: rounding could leave the last a little above 1

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "..."]:
        """Returns x, normalised to the distribution of f along the axis.

        Args:
            x: values, any shape.
            key: ignored; `equinox.nn.Sequential` passes it.

        Returns:
            The normalised values, in (0, 1] and the shape of x.

        Raises:
            ValueError, TypeError, RuntimeError: see `otsort.solve`.
        """
        del key
        return quantile_normalize(x, self.reference, **self.options)


class TopKGate(eqx.Module):
    """The gate of a mixture of experts: it gives n experts weights that sum to 1 and mainly go to k of them.

    The weights are the softmax of the scores, multiplied by the soft top-k mask of the scores, and divided by their
    sum. With `epsilon=0` this is the sparse gate of Shazeer et al. (2017), section 2.1: the softmax over the k largest
    scores, and zero elsewhere. The zeros have no gradient, so a score that just misses the k largest learns nothing.

    Attributes:
        router: linear map from a token to scores.
        k: number of experts that are used.
        straight_through: whether the mask is exact but has the derivatives of the soft mask. Unused experts then have
            weight 0; their scores still learn. Among experts with equal scores, the first are used.
        options: options of `otsort.top_k_mask`.

    Example:
        >>> token = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> gate = otsort.nn.TopKGate(5, 4, 2, key=jax.random.key(0))
        >>> print(gate(token).shape, f"{gate(token).sum():.2f}")
        (4,) 1.00
    """

    router: eqx.nn.Linear
    k: int = eqx.field(static=True)
    straight_through: bool = eqx.field(static=True)
    options: LayerOptions

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
        """Initialises the router with random weights.

        Args:
            in_size: length of a token.
            num_experts: number of experts, n.
            k: number of experts that are used, between 1 and n.
            straight_through: see the attributes.
            key: random key for the weights of the router.
            **options: see `otsort.Options`. Unless epsilon or solver is given, epsilon is 0.1, because many random
                routers have no gradient at the operators' default of 0.01: :doc:`/how_to/losses` has the measurement.

        Raises:
            ValueError: k is out of range.
        """
        num_experts = as_size(num_experts, "num_experts")
        self.k = as_size(k, "k", num_experts, "the number of experts")
        self.router = eqx.nn.Linear(in_size, num_experts, use_bias=False, key=key)
        self.straight_through, self.options = straight_through, LayerOptions(with_epsilon_of_masks(options))

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " n"]:
        """Returns the weights of the experts for a token; use `jax.vmap` for several tokens.

        Args:
            x: the token, shape `(in_size,)`.
            key: ignored; `equinox.nn.Sequential` passes it.

        Returns:
            Nonnegative weights that sum to 1, shape `(num_experts,)`. Experts that the option `where` leaves out have
            weight 0; if it leaves out all, the weights are 0.

        Raises:
            ValueError, TypeError, RuntimeError: see `otsort.solve`.
        """
        del key
        scores, where = self.router(x), dict(self.options).get("where")
        mask = self._mask(scores)
        if where is not None:
            scores = jnp.where(jnp.asarray(where), scores, -jnp.inf)
        # The largest score is finite, also if no expert takes part.
        largest = jnp.max(scores, initial=jnp.finfo(scores.dtype).min)
        weights = mask * jnp.exp(scores - stop_gradient(largest))
        total = jnp.sum(weights)
        return weights / jnp.where(total == 0, 1, total)

    def _mask(self, scores: Float[Array, " n"]) -> Float[Array, " n"]:
        """Returns the mask of the experts; an exact mask selects k of them, even where scores are equal."""
        options: dict[str, Any] = dict(self.options)
        is_exact = _are_exact(**options)
        if not (self.straight_through or is_exact):
            return top_k_mask(scores, self.k, **options)
        # An exact `top_k_mask` would share places among equal scores. Each row of an exact selection is one expert.
        exact_options: dict[str, Any] = {**options, "solver": None, "epsilon": 0}
        exact = jnp.sum(selection(scores, self.k, **exact_options), axis=-2)
        if is_exact:
            return exact
        smooth = top_k_mask(scores, self.k, **options)
        return stop_gradient(exact) + (smooth - stop_gradient(smooth))


def _are_exact(solver: AbstractSolver | None = None, epsilon: Scalar | None = None, **others: Any) -> bool:
    """Returns whether the options select the exact operators."""
    del others
    if solver is not None:
        return solver.order_only
    return not (epsilon is None or is_traced(epsilon)) and float(epsilon) == 0  # pyright: ignore[reportArgumentType]
