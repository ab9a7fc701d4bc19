"""Affine squashes."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._ratio import is_constant, ratio


def min_max(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Maps the values affinely from [min, max] to [0, 1].

    Args:
        values: shape `(n,)`.
        weights: nonnegative, summing to 1, shape `(n,)`. The range is that of the values with weight. Other values
            beyond it are mapped to its ends.

    Returns:
        Positions in [0, 1], shape `(n,)`. A constant list is mapped to 1/2, with zero gradient.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.squash.min_max(x, jnp.full(5, 0.2)))
        [0.   0.36 0.27 0.64 1.  ]
        >>> print(otsort.rank(x, squash=otsort.squash.min_max))
        [1.   2.91 2.09 4.   5.  ]
    """
    weighted = weights > 0
    low = jnp.min(jnp.where(weighted, values, jnp.inf))
    high = jnp.max(jnp.where(weighted, values, -jnp.inf))
    values = jnp.clip(values, low, high)
    # Numerics: differences of finite values may overflow. Differences of their quarters do not.
    low, high, values = 0.25 * low, 0.25 * high, 0.25 * values
    constant = is_constant(high - low)
    return jnp.where(constant, 0.5, ratio(values - low, jnp.where(constant, 1, high - low)))


def identity(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns the values unchanged, for values that already lie in [0, 1] or a target in their own units.

    Args:
        values: shape `(n,)`.
        weights: ignored.

    Returns:
        The values.

    Example:
        >>> levels = jnp.array([0.1, 0.4, 0.3, 0.7, 0.9])
        >>> print(otsort.rank(levels, squash=otsort.squash.identity))
        [1.01 2.92 2.07 4.01 4.99]
    """
    del weights
    return values
