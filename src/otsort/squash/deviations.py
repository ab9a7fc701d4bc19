"""Squashes that place values by their differences from the mean."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._checks import checked
from .._types import Scalar
from .._xla import quotient
from ._ratio import FAR, is_constant, ratio


def logistic(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns the sigmoid of the z-scores, from the weighted mean and deviation: the default squash.

    This is also the squash of ott.tools.soft_sort.

    Args:
        values: shape `(n,)`.
        weights: nonnegative, summing to 1, shape `(n,)`.

    Returns:
        Positions in (0, 1), shape `(n,)`. A constant list is mapped to 1/2, with zero gradient.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.squash.logistic(x, jnp.full(5, 0.2)))
        [0.21 0.43 0.37 0.63 0.83]
    """
    return jax.nn.sigmoid(_standard_scores(values, weights)[0])


@jax.custom_jvp
def _standard_scores(values: Float[Array, " n"], weights: Float[Array, " n"]) -> tuple[Array, Array]:
    """Returns z-scores and one over the deviation; zeros for a constant list."""
    differences = _quarters(values, weights)
    # Numerics: without this scale, squares of very large or small values are out of the range of float32. No result
    # depends on the scale, so these lines have the right derivative too: within loops, JAX up to 0.11.2 takes second
    # derivatives of them instead of the rule below.
    scale = stop_gradient(jnp.max(jnp.where(weights > 0, jnp.abs(differences), 0)))
    constant = is_constant(scale)
    scale = jnp.where(constant, 1, scale)
    differences = jnp.clip(quotient(differences, scale), -FAR, FAR)
    variance = jnp.sum(weights * differences**2)
    deviation = jnp.sqrt(jnp.where(constant, 1, variance))
    return jnp.where(constant, 0, differences / deviation), jnp.where(constant, 0, 0.25 / (scale * deviation))


@_standard_scores.defjvp
def _standard_scores_jvp(primals, tangents):
    """Returns the results and their changes.

    The changes are computed from the results, which takes fewer passes than differentiating the formulas. The weights
    sum to 1, so their changes sum to zero.
    """
    (_, weights), (change, of_weights) = primals, tangents
    scores, slope = _standard_scores(*primals)
    change = slope * (change - jnp.sum(weights * change)) - jnp.sum(of_weights * scores)
    # Numerics: the products are taken in this order, because scores of values without weight may be so large that their
    # squares are out of the range of float32.
    wider = jnp.sum(weights * scores * change) + jnp.sum(of_weights * scores * scores) / 2
    return (scores, slope), (change - wider * scores, -wider * slope)


class Sigmoid(eqx.Module):
    """The sigmoid of (x - mean) / scale with a scale of your choice, for values whose size has a meaning.

    `logistic`, `min_max` and `robust` measure each list in units of its own, so the positions do not depend on the
    scale of the values. With this squash, values much closer than the scale count as nearly equal. A constant list is
    mapped to 1/2 and has a gradient, so a network whose last layer starts at zero can learn. A list of two values has a
    gradient too.

    Attributes:
        scale: a difference between values that matters, positive and finite. Values within about three scales of the
            mean are well separated; values further away crowd near 0 and 1.

    Raises:
        ValueError: scale is out of range (RuntimeError when it is traced).

    Example:
        >>> squash = otsort.squash.Sigmoid(2.0)
        >>> print(squash(jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.full(5, 0.2)))
        [0.08 0.38 0.27 0.73 0.95]
        >>> print(jax.grad(lambda x: otsort.rank(x, squash=squash)[0])(jnp.zeros(3)))
        [ 5.56 -2.78 -2.78]
    """

    scale: Float[Array, ""]

    def __init__(self, scale: Scalar):
        self.scale = checked(
            scale,
            lambda scale: (scale.ndim == 0) & (scale > 0) & (scale < jnp.inf),
            "scale of a Sigmoid",
            "must be one positive, finite number",
            remedy="give a difference between values that counts, such as 1.0 for logits",
        )

    def __call__(self, values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
        """Returns the positions of the values.

        Args:
            values: shape `(n,)`.
            weights: nonnegative, summing to 1, shape `(n,)`.
        """
        return jax.nn.sigmoid(ratio(_quarters(values, weights), jnp.asarray(self.scale / 4, values.dtype)))


def _quarters(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns a quarter of the differences from the mean; NaN for infinite values."""
    # Numerics: differences of finite values may overflow. Differences of their quarters do not, and keep all digits.
    quarters = 0.25 * values
    # Numerics: values are shifted first, because the mean of large values close together has few digits.
    shifted = quarters - stop_gradient(jnp.min(jnp.where(weights > 0, quarters, jnp.inf)))
    return shifted - jnp.sum(weights * shifted)
