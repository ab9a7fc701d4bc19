"""Division by numbers of any size, in ordinary JAX."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def quotient(numbers: Float[Array, "..."], scale: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns numbers / scale for a positive scale, up to the largest number of the dtype."""
    # XLA: jaxlib 0.12 multiplies by the reciprocal of a scale that many numbers share. The reciprocal of a number near
    # the largest one is less than the smallest normal number, so it is flushed to zero, and zeros or NaN result.
    factor = jnp.where(scale > jnp.finfo(scale.dtype).max / 256, 1 / 16, 1)
    return (factor * numbers) / (factor * scale)
