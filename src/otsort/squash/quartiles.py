"""A squash that outliers do not move."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import anywhere
from ._quantiles import normalised, quantiles
from ._ratio import is_constant, ratio


def robust(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns the sigmoid of (x - median) / interquartile range, for data with outliers, sentinels or infinite values.

    With the default squash, a single -1e9 leaves all other values equal up to rounding. With this squash they keep
    their distances, as long as less than a quarter of the weight is far away on either side. In a list of four or fewer
    values, one value is a quarter of the weight or more.

    Infinite values, however many, are placed at 0 and 1 with zero gradient. They do not count for the median and the
    quartiles. For values that should take no part, such as masked logits, use the option `where`; with a squash alone
    they would still have a rank.

    For equal weights, median and quartiles are those of `numpy.quantile`. The quartiles may coincide if more than half
    of the weight lies on one value. The median distance of the other values from that value then replaces the
    interquartile range.

    It takes O(n) time without a sort: one sum over the list for each bit of a number, 32 in float32, where `logistic`
    takes a few sums. For short lists this takes little time compared with ranking them. For a million values on a CPU
    it takes many times as long: :doc:`/choosing` has the measurement.

    Args:
        values: shape `(n,)`.
        weights: nonnegative, summing to 1, shape `(n,)`.

    Returns:
        Positions in [0, 1], shape `(n,)`. A constant list is mapped to 1/2, with zero gradient.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0, -1e9])
        >>> print(otsort.squash.robust(x, jnp.full(6, 1 / 6)))
        [0.35 0.52 0.48 0.65 0.8  0.  ]
        >>> print(otsort.squash.logistic(x, jnp.full(6, 1 / 6)))
        [0.61 0.61 0.61 0.61 0.61 0.1 ]
    """
    infinite = jnp.isinf(values)
    # Numerics: differences of finite values may overflow. Differences of their quarters do not, and keep all digits.
    quarters = 0.25 * jnp.where(infinite, 0, values)
    shares = normalised(weights, ~infinite)
    low, middle, high = quantiles(quarters, shares, (0.25, 0.5, 0.75))
    differences, spread = quarters - middle, jnp.asarray(high - low)
    tied = is_constant(spread)
    others = normalised(shares, differences != 0)
    distances = quantiles(jnp.abs(differences), others, (0.5,), wanted=anywhere(tied))
    scale = jnp.where(tied, distances[0], spread)
    constant = is_constant(scale)
    scores = jnp.where(constant, 0, ratio(differences, jnp.where(constant, 1, scale)))
    return jnp.where(infinite, (values > 0).astype(values.dtype), jax.nn.sigmoid(scores))
