"""Interpolation of smooth functions on [0, 1]: a few evaluations give values at any number of points.

A function is evaluated with its first two derivatives (a jet) at knots that follow the data. Quintic polynomials
interpolate it between the knots, and are resampled to cubic polynomials on a regular grid, where a value costs one
lookup. All of this is linear in the jet, so its transpose turns a sum over any number of points into a sum over the
knots.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._xla import varying_as, with_axes
from .cells import evaluate


class Jet(NamedTuple):
    """A function and its first two derivatives at the knots, each of shape `(knots, *d)`."""

    value: Float[Array, "k *d"]
    slope: Float[Array, "k *d"]
    curvature: Float[Array, "k *d"]


def jet(function: Callable[[Array], Array], points: Float[Array, " k"]) -> Jet:
    """Returns the jet of a function that acts on each point by itself."""
    one = jnp.ones_like(points)
    derivative = lambda x: jax.jvp(function, (x,), (one,))
    (value, slope), (_, curvature) = jax.jvp(derivative, (points,), (one,))
    return Jet(value, slope, curvature)


class Interpolant(eqx.Module):
    """Interpolates functions from increasing knots to a regular grid and to any points.

    Attributes:
        knots: from 0 to 1, shape `(k,)`.
        cells: number of cells of the regular grid.
        intervals: the interval between two knots in which the centre of each cell lies, shape `(cells,)`.
    """

    knots: Float[Array, " k"]
    cells: int = eqx.field(static=True)
    intervals: Int[Array, " cells"]

    def __init__(self, knots: Float[Array, " k"], cells: int):
        self.knots, self.cells = knots, cells
        # XLA: the knots up to each centre are counted by a cumulative sum over the grid, not found by a search for each
        # cell.
        first = jnp.ceil(knots * cells - 0.5).astype(jnp.int32)  # first centre at or above each knot
        below = jnp.cumsum(jnp.zeros(cells + 1, jnp.int32).at[first].add(1))[:-1]
        self.intervals = jnp.clip(below - 1, 0, knots.size - 2)

    def coefficients(self, jet: Jet) -> Float[Array, "cells 4 *d"]:
        """Returns cubic polynomials on the regular grid, in the coordinate u of `locate`.

        They are the Taylor expansions of the quintic interpolants about the centres of the cells.
        """
        centres = (jnp.arange(self.cells, dtype=self.knots.dtype) + 0.5) / self.cells
        piece, width = self.intervals, jnp.diff(self.knots)
        quintics = _quintic(jet, with_axes(width, jet.value.ndim))
        quintics = quintics.at[piece].get(mode="promise_in_bounds")
        terms = [quintics[:, power] for power in range(6)]
        u = with_axes((centres - self.knots[piece]) / width[piece], jet.value.ndim)
        for first in range(4):  # Horner's scheme, repeated: each round leaves one coefficient of the expansion
            for power in range(4, first - 1, -1):
                terms[power] = terms[power] + u * terms[power + 1]
        ratio = with_axes(1 / (self.cells * width[piece]), jet.value.ndim)
        return jnp.stack([terms[power] * ratio**power for power in range(4)], axis=1)

    def interpolate(self, jet: Jet, points: Float[Array, " n"]) -> Float[Array, "n *d"]:
        """Returns the values of an interpolated function at points of [0, 1]."""
        return evaluate(self.coefficients(jet), points)

    def functional(self, moments: Float[Array, "cells 4 *d"]) -> Jet:
        """Returns the functional that sums an interpolated function over points, from the moments of these points.

        It is the transpose of `coefficients`, applied to the moments: the sum of the function over the points is the
        inner product of the functional and the jet of the function.
        """
        # Within `jax.shard_map`, the transpose of a constant would be summed over the devices. So the zeros that it is
        # taken at are marked as varying.
        zero = varying_as(jnp.zeros((self.knots.size, *moments.shape[2:]), moments.dtype), moments)
        (transposed,) = jax.linear_transpose(self.coefficients, Jet(zero, zero, zero))(moments)
        return transposed


def _quintic(jet: Jet, width: Float[Array, "k *ones"]) -> Float[Array, "k 6 *d"]:
    """Returns the coefficients of the quintic Hermite interpolant of each interval, in its coordinate from 0 to 1."""
    value, slope, half = jet.value, jet.slope, jet.curvature / 2
    start, rise, bend = value[:-1], slope[:-1] * width, half[:-1] * width**2
    # The three lowest powers match the start of an interval. The three highest make up for what they miss at its end,
    # in value, slope and half curvature.
    missing = jnp.diff(value, axis=0) - rise - bend
    missing_slope = slope[1:] * width - rise - 2 * bend
    missing_bend = half[1:] * width**2 - bend
    third = 10 * missing - 4 * missing_slope + missing_bend
    fourth = -15 * missing + 7 * missing_slope - 2 * missing_bend
    fifth = 6 * missing - 3 * missing_slope + missing_bend
    return jnp.stack([start, rise, bend, third, fourth, fifth], axis=1)
