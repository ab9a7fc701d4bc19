"""Equal cells of [0, 1]: sums over the points in each cell, and piecewise polynomials on the cells."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._xla import with_axes

#: Numerics: the most terms that are added one by one, because longer sums lose digits of float32. A longer list is
#: split into parts, in the order of its points, whose sums are added in the end.
_MAX_TERMS = 2**13
#: The most partial sums of all cells together: it limits the memory of the parts.
_MAX_SUMS = 2**20


def locate(points: Float[Array, " n"], cells: int) -> tuple[Int[Array, " n"], Float[Array, " n"]]:
    """Returns the cell of each point of [0, 1], and the coordinate u of the point there, from -1/2 to 1/2."""
    scaled = points * cells
    # The cell is a constant for derivatives. The clip puts the point 1 into the last cell.
    cell = jnp.clip(jax.lax.stop_gradient(scaled).astype(jnp.int32), 0, cells - 1)
    return cell, scaled - cell.astype(points.dtype) - 0.5


def moments(weights: Float[Array, "n *d"], points: Float[Array, " n"], cells: int) -> Float[Array, "cells 4 *d"]:
    """Returns the moments of each cell: the sums of weights times u^0, u^1, u^2 and u^3 over its points."""
    cell, u = locate(points, cells)
    powers = jnp.stack([jnp.ones_like(u), u, u**2, u**3], axis=1)
    rows = with_axes(powers, weights.ndim + 1) * weights[:, None]
    parts = _num_parts(points.size, cells)
    place = _part(points.size, parts) * cells + cell
    sums = jax.ops.segment_sum(rows, place, parts * cells, mode="promise_in_bounds")
    return jnp.sum(sums.reshape(parts, cells, *sums.shape[1:]), axis=0)


def evaluate(cubics: Float[Array, "cells 4 *d"], points: Float[Array, " n"]) -> Float[Array, "n *d"]:
    """Returns the values of piecewise cubic polynomials at points; it is the transpose of `moments`.

    Args:
        cubics: four coefficients in the coordinate u of each cell, the constant first.
        points: in [0, 1].
    """
    cells = cubics.shape[0]
    cell, u = locate(points, cells)
    # Numerics: there is a copy of the polynomials for each part, so that the derivative in them is summed in parts, as
    # `moments` sums.
    parts = _num_parts(points.size, cells)
    copies = jnp.broadcast_to(cubics[None], (parts, *cubics.shape)).reshape(-1, *cubics.shape[1:])
    rows = copies.at[_part(points.size, parts) * cells + cell].get(mode="promise_in_bounds")
    return horner(rows, with_axes(u, cubics.ndim - 1))


def horner(coefficients: Float[Array, "k c *d"], u: Float[Array, "k *ones"]) -> Float[Array, "k *d"]:
    """Returns the values of polynomials, by Horner's scheme.

    Args:
        coefficients: of each polynomial, the constant first.
        u: the point of each polynomial.
    """
    value = coefficients[:, -1]
    for power in range(coefficients.shape[1] - 2, -1, -1):
        value = value * u + coefficients[:, power]
    return value


def _num_parts(terms: int, cells: int) -> int:
    return max(1, min(-(-terms // _MAX_TERMS), _MAX_SUMS // cells))


def _part(terms: int, parts: int) -> Int[Array, " n"]:
    # XLA: `//` rounds towards minus infinity, which costs further operations.
    return jax.lax.div(jnp.arange(terms, dtype=jnp.int32), jnp.int32(-(-terms // parts)))
