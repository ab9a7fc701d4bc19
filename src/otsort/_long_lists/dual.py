"""The semi-dual of a compressed problem: sums over the inputs become sums over the knots of an interpolant."""

import functools

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.averages import origin
from .._transport.dual import AbstractDual
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.target import AbstractTarget
from .._xla import matvec
from .interpolant import Interpolant, Jet


class TabulatedDual(AbstractDual):
    """`SemiDual` with functions of the inputs interpolated.

    Attributes:
        at_knots: the transport from the knots of the interpolant, without mass, to nodes that stand for all targets.
        over_inputs: the interpolant of functions of the inputs.
        masses: what to multiply their jets with to sum them over the inputs, each part of shape `(knots,)`.
    """

    at_knots: SemiDual
    over_inputs: Interpolant
    masses: Jet

    def __init__(self, at_knots: SemiDual, over_inputs: Interpolant, masses: Jet):
        self.at_knots, self.over_inputs, self.masses = at_knots, over_inputs, masses

    @property
    def problem(self) -> Problem:
        return self.at_knots.problem

    @property
    def epsilon(self) -> Float[Array, ""]:
        return self.at_knots.epsilon

    @property
    def nodes(self) -> AbstractTarget:
        """The targets of the problem."""
        return self.problem.target

    def with_cached_kernel(self, potential: Float[Array, " r"]) -> "TabulatedDual":
        return TabulatedDual(self.at_knots.with_cached_kernel(potential), self.over_inputs, self.masses)

    def density(self, potential: Float[Array, " r"]) -> Jet:
        """The jet of S, each part of shape `(knots, r)`."""
        density = self.at_knots.density(potential)
        return _exponential_jet(density, self.nodes.points, *self._moments(density), self.epsilon)

    def marginal_ratio(self, potential: Float[Array, " r"]) -> Float[Array, " r"]:
        return contract(self.masses, self.density(potential))

    def overlap(self, potential: Float[Array, " r"]) -> tuple[Float[Array, "r r"], Float[Array, " r"]]:
        density = self.density(potential)
        value, slope, curvature = (part[:, None] for part in self.masses)
        left = (
            value * density.value + slope * density.slope + curvature * density.curvature,
            slope * density.value + 2 * curvature * density.slope,
            curvature * density.value,
        )
        overlap = jnp.matmul(jnp.concatenate(left).T, jnp.concatenate(density), precision=jax.lax.Precision.HIGHEST)
        return overlap, jnp.sum(left[0], axis=0)

    def pull_at(self, potential: Float[Array, " r"], values: Float[Array, "r *d"]) -> Jet:
        """Averages of values of the nodes for each input, as a function of its position: a jet at the knots."""
        start = origin(values)
        weights = self.nodes.weights.reshape(-1, *[1] * (values.ndim - 1))
        product = functools.partial(jnp.tensordot, axes=1, precision=jax.lax.Precision.HIGHEST)
        value, slope, curvature = (product(part, weights * (values - start)) for part in self.density(potential))
        return Jet(start + value, slope, curvature)

    def push_at(
        self, potential: Float[Array, " r"], carried: Float[Array, "cells 4 *d"], y: Float[Array, " l"]
    ) -> Float[Array, "l *d"]:
        """Averages at targets y of what inputs carry, from its moments in the cells of the interpolant."""
        masses, sums = self.masses, self.over_inputs.functional(carried)
        knots, log_partition = self.over_inputs.knots, self.at_knots.log_partition(potential)
        exponents = -jnp.square(y[None, :] - knots[:, None]) / self.epsilon - log_partition[:, None]
        top = stop_gradient(jnp.max(jnp.where(masses.value[:, None] > 0, exponents, -jnp.inf), axis=0))
        limit = jnp.log(jnp.finfo(y.dtype).max) / 2  # reached only where there is no mass
        column = jnp.exp(jnp.minimum(exponents - top[None, :], limit))
        column = _exponential_jet(column, y, *self._moments(self.at_knots.density(potential)), self.epsilon)
        total = contract(masses, column)
        return contract(sums, column) / total.reshape(-1, *[1] * (carried.ndim - 2))

    def _moments(self, density: Float[Array, "k r"]) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """The mean and the variance of the targets of each knot."""
        weights, points = self.nodes.weights, self.nodes.points
        mean = matvec(density, weights * points)
        return mean, matvec(density * jnp.square(points[None, :] - mean[:, None]), weights)


def _exponential_jet(
    value: Float[Array, "k l"],
    y: Float[Array, " l"],
    mean: Float[Array, " k"],
    variance: Float[Array, " k"],
    epsilon: Float[Array, ""],
) -> Jet:
    """The jet in x of c(y) exp(-(y - x)^2 / epsilon - L(x)), as L'(x) = 2 (E[y | x] - x) / epsilon.

    With d = y - E[y | x], its logarithm has the slope 2 d / epsilon, and E[y | x] the slope 2 Var[y | x] / epsilon.
    """
    rate = 2 / epsilon
    steepness = rate * (y[None, :] - mean[:, None])
    return Jet(value, value * steepness, value * (jnp.square(steepness) - rate**2 * variance[:, None]))


def contract(functional: Jet, function: Jet) -> Array:
    """The functional `(k, *d)` of a function `(k, l)`, shape `(l, *d)`."""
    sums = (
        jnp.einsum("k...,kl->l...", weights, part, precision=jax.lax.Precision.HIGHEST)
        for weights, part in zip(functional, function, strict=True)
    )
    return functools.reduce(jnp.add, sums)
