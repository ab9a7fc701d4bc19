"""Division by a scale of any size."""

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._xla import quotient

#: The sigmoid of a number beyond it is 0 or 1 in every dtype.
FAR = 1e3


def ratio(numbers: Float[Array, " n"], scale: Float[Array, ""]) -> Float[Array, " n"]:
    """Returns numbers / scale, clipped to [-FAR, FAR]; the derivative is zero where it clips.

    Args:
        numbers: shape `(n,)`.
        scale: positive.
    """
    # Numerics: the derivative of a quotient has the square of the denominator, which is out of the range of float32 for
    # a scale of 1e20 or 1e-20. In units of the scale's own value, the denominator is 1.
    unit = stop_gradient(scale)
    return jnp.clip(quotient(numbers, unit), -FAR, FAR) / (scale / unit)


def is_constant(scale: Float[Array, ""]) -> Bool[Array, ""]:
    """Returns whether a list of this scale counts as constant: a division by the scale could overflow."""
    return scale < jnp.finfo(scale.dtype).tiny
