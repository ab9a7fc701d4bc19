"""The semi-dual of a compressed problem: sums over the inputs become sums over the knots of an interpolant."""

import functools

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._cost import SquaredCost
from .._dual import AbstractDual
from .._problem import Problem
from .._semidual import SemiDual
from .._target import AbstractTarget
from .interpolant import Interpolant, Jet, jet


class TabulatedDual(AbstractDual):
    """`SemiDual` with functions of the inputs interpolated.

    Attributes:
        problem: from the knots of the interpolant, without mass, to nodes that stand for all targets.
        epsilon: regularisation.
        over_inputs: the interpolant of functions of the inputs.
        masses: what to multiply their jets with to sum them over the inputs, each part of shape `(knots,)`.
    """

    problem: Problem
    epsilon: Float[Array, ""]
    over_inputs: Interpolant
    masses: Jet

    @property
    def nodes(self) -> AbstractTarget:
        """The targets of the problem."""
        return self.problem.target

    def at(self, x: Float[Array, " k"]) -> SemiDual:
        """The transport of other inputs by the same potential; they have no mass."""
        return SemiDual(Problem(x, jnp.zeros_like(x), self.nodes, SquaredCost()), self.epsilon)

    def density(self, potential: Float[Array, " r"]) -> Jet:
        """The jet of S, each part of shape `(knots, r)`."""
        return jet(lambda x: self.at(x).density(potential, x), self.over_inputs.knots)

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

    def pulled(self, potential: Float[Array, " r"], values: Float[Array, "r *d"]) -> Jet:
        """Averages of values of the nodes for each input, as a function of its position: a jet at the knots."""
        return jet(lambda x: self.at(x).pull(potential, values), self.over_inputs.knots)

    def pushed(
        self, potential: Float[Array, " r"], carried: Float[Array, "cells 4 *d"], y: Float[Array, " l"]
    ) -> Float[Array, "l *d"]:
        """Averages at targets y of what inputs carry, from its moments in the cells of the interpolant."""
        masses, sums = self.masses, self.over_inputs.functional(carried)

        def exponents(x):
            log_partition = self.at(x).log_partition(potential)
            return -jnp.square(y[None, :] - x[:, None]) / self.epsilon - log_partition[:, None]

        knots = self.over_inputs.knots
        top = jnp.max(jnp.where(masses.value[:, None] > 0, exponents(knots), -jnp.inf), axis=0)
        limit = jnp.log(jnp.finfo(y.dtype).max) / 2  # reached only where there is no mass
        column = jet(lambda x: jnp.exp(jnp.minimum(exponents(x) - stop_gradient(top)[None, :], limit)), knots)
        total = contract(masses, column)
        return contract(sums, column) / total.reshape(-1, *[1] * (carried.ndim - 2))


def contract(functional: Jet, function: Jet) -> Array:
    """The functional `(k, *d)` of a function `(k, l)`, shape `(l, *d)`."""
    sums = (
        jnp.einsum("k...,kl->l...", weights, part, precision=jax.lax.Precision.HIGHEST)
        for weights, part in zip(functional, function, strict=True)
    )
    return functools.reduce(jnp.add, sums)
