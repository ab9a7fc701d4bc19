"""Equal cells of [0, 1], and sums over the points in each."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

#: A sum of more terms one by one would lose digits of float32: it is split by the order of the terms ...
_TERMS = 2**13
#: ... as far as the parts of all cells together are no more than this.
_SUMS = 2**20


def locate(points: Float[Array, " n"], cells: int) -> tuple[Int[Array, " n"], Float[Array, " n"]]:
    """The cell of each point of [0, 1], and its coordinate from -1/2 to 1/2 there."""
    scaled = points * cells
    cell = jnp.clip(jax.lax.stop_gradient(scaled).astype(jnp.int32), 0, cells - 1)
    return cell, scaled - cell.astype(points.dtype) - 0.5


def moments(weights: Float[Array, "n *d"], points: Float[Array, " n"], cells: int) -> Float[Array, "cells 4 *d"]:
    """Sums of weights times powers 0 to 3 of the coordinate, over the points of each cell."""
    cell, u = locate(points, cells)
    powers = jnp.stack([jnp.ones_like(u), u, u**2, u**3], axis=1)
    rows = powers.reshape(*powers.shape, *[1] * (weights.ndim - 1)) * weights[:, None]
    parts = _num_parts(points.size, cells)
    place = _part(points.size, parts) * cells + cell
    sums = jax.ops.segment_sum(rows, place, parts * cells, mode="promise_in_bounds")
    return jnp.sum(sums.reshape(parts, cells, *sums.shape[1:]), axis=0)


def evaluate(cubics: Float[Array, "cells 4 *d"], points: Float[Array, " n"]) -> Float[Array, "n *d"]:
    """Values of a cubic polynomial in each cell: the transpose of `moments`."""
    cells = cubics.shape[0]
    cell, u = locate(points, cells)
    # A copy for each part, so that the derivative sums as carefully as `moments`.
    parts = _num_parts(points.size, cells)
    copies = jnp.broadcast_to(cubics[None], (parts, *cubics.shape)).reshape(-1, *cubics.shape[1:])
    rows = copies.at[_part(points.size, parts) * cells + cell].get(mode="promise_in_bounds")
    return horner(rows, u.reshape(-1, *[1] * (cubics.ndim - 2)))


def horner(coefficients: Float[Array, "k c *d"], u: Float[Array, "k *ones"]) -> Float[Array, "k *d"]:
    """Polynomials from their coefficients, the constant first."""
    value = coefficients[:, -1]
    for power in range(coefficients.shape[1] - 2, -1, -1):
        value = value * u + coefficients[:, power]
    return value


def _num_parts(terms: int, cells: int) -> int:
    return max(1, min(-(-terms // _TERMS), _SUMS // cells))


def _part(terms: int, parts: int) -> Int[Array, " n"]:
    return jax.lax.div(jnp.arange(terms, dtype=jnp.int32), jnp.int32(-(-terms // parts)))  # cheaper than //
