"""The weights of three targets, the middle one of which collects the values around a level."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def linear_centre(q: Float[Array, "..."], n: int | Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the level at which the middle target has numpy's linear quantile of n values.

    Args:
        q: quantile level, in [0, 1].
        n: number of values.
    """
    return q + (0.5 - q) / n


def atom_weights(centre: Float[Array, "..."], width: Float[Array, "..."] | float) -> Float[Array, "3 ..."]:
    """Returns weights of three targets.

    Args:
        centre: level of the middle of the middle target, in (0, 1).
        width: mass of the middle target, which is less near the ends.
    """
    mass = jnp.minimum(width, 2 * jnp.minimum(centre, 1 - centre))
    # Numerics: rounding could make the outer weights negative.
    left = jnp.maximum(centre - mass / 2, 0)
    return jnp.stack([left, mass, jnp.maximum(1 - left - mass, 0)])
