"""Increasing maps of the inputs into [0, 1], where the targets lie.

A squash is any callable `(values, weights) -> positions` on arrays of shape `(n,)`, increasing in the values; the
weights are nonnegative and sum to 1. Values of weight zero are placed by what it knows of the others: they may be
anything where an operator is asked for other values (`at`). The K-operators do not depend on it, the S-operators do.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_FAR = 1e9  # in units of the values with weight: others are no further away, so that their squares are numbers


def logistic(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Sigmoid of the z-score, with weighted mean and deviation: the default, and that of ott.tools.soft_sort.

    Args:
        values: shape `(n,)`.
        weights: nonnegative, summing to 1, shape `(n,)`.

    Returns:
        Positions in (0, 1), shape `(n,)`. A constant input goes to 1/2 with zero gradient.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.squash.logistic(x, jnp.full(5, 0.2)))
        [0.21 0.43 0.37 0.63 0.83]
    """
    return jax.nn.sigmoid(_standard_scores(values, weights)[0])


@jax.custom_jvp
def _standard_scores(values: Float[Array, " n"], weights: Float[Array, " n"]) -> tuple[Array, Array]:
    """Differences to the mean in units of the deviation, and one over the deviation; zeros for a constant input."""
    weighted = weights > 0
    # A shift first: the mean of large values is coarse.
    centred = values - jnp.min(jnp.where(weighted, values, jnp.inf))
    centred = centred - jnp.sum(weights * centred)
    # The scores do not depend on this scale; without it squares of very large or small values leave float32.
    scale = jnp.max(jnp.where(weighted, jnp.abs(centred), 0))
    centred = jnp.clip(centred / jnp.where(scale == 0, 1, scale), -_FAR, _FAR)
    variance = jnp.sum(weights * centred**2)
    constant = variance == 0
    deviation = jnp.sqrt(jnp.where(constant, 1, variance))
    scores = jnp.where(constant, 0, centred / deviation)
    return scores, jnp.where(constant, 0, 1 / (jnp.where(constant, 1, scale) * deviation))


@_standard_scores.defjvp
def _standard_scores_jvp(primals, tangents):
    """By hand, from the results, as it takes fewer passes; the changes of weights sum to zero, as the weights to 1."""
    (_, weights), (change, of_weights) = primals, tangents
    scores, slope = _standard_scores(*primals)
    change = slope * (change - jnp.sum(weights * change)) - jnp.sum(of_weights * scores)
    # The far scores of values without weight have squares beyond float32.
    wider = jnp.sum(weights * scores * change) + jnp.sum(of_weights * scores * scores) / 2
    return (scores, slope), (change - wider * scores, -wider * slope)


def min_max(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Affine map of [min, max] to [0, 1].

    Args:
        values: shape `(n,)`.
        weights: nonnegative, summing to 1, shape `(n,)`. Only values with weight are asked for their range; others
            beyond it go to its ends.

    Returns:
        Positions in [0, 1], shape `(n,)`. A constant input goes to 1/2 with zero gradient.

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
    constant = high == low
    return jnp.clip(jnp.where(constant, 0.5, (values - low) / jnp.where(constant, 1, high - low)), 0, 1)


def identity(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """No change: for inputs that lie in [0, 1] already, or targets in the inputs' own units.

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


def ignores_offset(squash) -> bool:
    """Whether a constant added to all values changes nothing."""
    return squash in (logistic, min_max)
