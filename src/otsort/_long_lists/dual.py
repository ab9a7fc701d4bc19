"""The semi-dual of a compressed problem: sums over the inputs become sums over the knots of an interpolant."""

import functools

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.averages import origin
from .._transport.dual import AbstractDual
from .._transport.problem import Problem
from .._transport.semi_dual import CachedSemiDual, SemiDual
from .._transport.target import AbstractTarget
from .._xla import matvec, with_axes
from .interpolant import Interpolant, Jet, jet


class TabulatedDual(AbstractDual):
    """The functions of a `SemiDual`, computed from jets at knots in place of values at all inputs.

    A *jet* is a function with its first two derivatives at the knots, see `Jet`. `compress` has the formulas.

    Attributes:
        at_knots: the transport from the knots, which have no mass, to the nodes, which stand for all targets.
        over_inputs: the interpolant for functions of the inputs.
        masses: the functional (alpha, beta, gamma) that sums a jet over all inputs, each part of shape `(knots,)`.
    """

    at_knots: SemiDual | CachedSemiDual
    over_inputs: Interpolant
    masses: Jet

    def __init__(self, at_knots: SemiDual | CachedSemiDual, over_inputs: Interpolant, masses: Jet):
        self.at_knots, self.over_inputs, self.masses = at_knots, over_inputs, masses

    @property
    def problem(self) -> Problem:
        return self.at_knots.problem

    @property
    def epsilon(self) -> Float[Array, ""]:
        return self.at_knots.epsilon

    @property
    def nodes(self) -> AbstractTarget:
        """Returns the nodes, which are the targets of the small problem."""
        return self.problem.target

    def with_cached_kernel(self, potential: Float[Array, " r"]) -> "TabulatedDual":
        return TabulatedDual(self.at_knots.with_cached_kernel(potential), self.over_inputs, self.masses)

    def density(self, potential: Float[Array, " r"]) -> Jet:
        """Returns the jet of S in the position of the input, each part of shape `(knots, r)`."""
        density = self.at_knots.density(potential)
        return _exponential_jet(density, self.nodes.points, *self._moments(density), self.epsilon)

    def marginal_ratio(self, potential: Float[Array, " r"]) -> Float[Array, " r"]:
        return contract(self.masses, self.density(potential))

    def overlap(self, potential: Float[Array, " r"]) -> tuple[Float[Array, "r r"], Float[Array, " r"]]:
        # The functional is applied to the products S_j S_k, whose jet follows from the product rule: S_j S_k,
        # S_j' S_k + S_j S_k' and S_j'' S_k + 2 S_j' S_k' + S_j S_k''. The terms are grouped by the derivative of S_k,
        # so that one product of matrices with three times the knots sums them all.
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
        """Returns the average of the values of the nodes that an input receives, as a jet in its position."""
        # Numerics: the values are counted from an origin, so that the products lose no digits to a common offset.
        start = origin(values)
        weights = with_axes(self.nodes.weights, values.ndim)
        product = functools.partial(jnp.tensordot, axes=1, precision=jax.lax.Precision.HIGHEST)
        value, slope, curvature = (product(part, weights * (values - start)) for part in self.density(potential))
        return Jet(start + value, slope, curvature)

    def transport_cost(self, potential: Float[Array, " r"]) -> Float[Array, ""]:
        """Returns sum_ij P_ij h(y_j - x_i), the mean cost of what the plan moves."""
        at_knots = self.at_knots
        assert isinstance(at_knots, SemiDual)  # a cached kernel knows no costs
        costs = jet(lambda x: at_knots.cost_at(potential, x)[:, None], self.over_inputs.knots)
        return contract(self.masses, costs)[0]

    def push_at(
        self, potential: Float[Array, " r"], carried: Float[Array, "cells 4 *d"], y: Float[Array, " l"]
    ) -> Float[Array, "l *d"]:
        """Returns the average at each target y of the values that inputs carry.

        Args:
            potential: f.
            carried: moments, in the cells of the interpolant, of the weights of inputs times the values they carry.
            y: positions of any targets.
        """
        assert isinstance(self.at_knots, SemiDual)  # a cached kernel knows no log-partition
        masses, sums = self.masses, self.over_inputs.functional(carried)
        knots, log_partition = self.over_inputs.knots, self.at_knots.log_partition(potential)
        exponents = -jnp.square(y[None, :] - knots[:, None]) / self.epsilon - log_partition[:, None]
        top = stop_gradient(jnp.max(jnp.where(masses.value[:, None] > 0, exponents, -jnp.inf), axis=0))
        # Numerics: the exponents are counted from the largest at a knot with mass. Only a knot without mass can exceed
        # it, and would overflow.
        limit = jnp.log(jnp.finfo(y.dtype).max) / 2
        column = jnp.exp(jnp.minimum(exponents - top[None, :], limit))
        column = _exponential_jet(column, y, *self._moments(self.at_knots.density(potential)), self.epsilon)
        total = contract(masses, column)
        return contract(sums, column) / with_axes(total, carried.ndim - 1)

    def _moments(self, density: Float[Array, "k r"]) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Returns E[y | x] and Var[y | x] for x at each knot."""
        weights, points = self.nodes.weights, self.nodes.points
        mean = matvec(density, weights * points)
        # Numerics: the variance is summed about the mean; the difference of E[y^2] and its square would cancel.
        return mean, matvec(density * jnp.square(points[None, :] - mean[:, None]), weights)


def _exponential_jet(
    value: Float[Array, "k l"],
    y: Float[Array, " l"],
    mean: Float[Array, " k"],
    variance: Float[Array, " k"],
    epsilon: Float[Array, ""],
) -> Jet:
    """Returns the jet in x of g(x) = c(y) exp(-(y - x)^2 / epsilon - L(x)) for each y.

    With L'(x) = 2 (E[y | x] - x) / epsilon and d = y - E[y | x], the logarithm of g has the slope 2 d / epsilon.
    E[y | x] has the slope 2 Var[y | x] / epsilon. So

        g' = g (2 d / epsilon),    g'' = g ((2 d / epsilon)^2 - (2 / epsilon)^2 Var[y | x]).

    Args:
        value: g at the knots.
        y: positions of the targets.
        mean: E[y | x] at the knots.
        variance: Var[y | x] at the knots.
        epsilon: regularisation.
    """
    # XLA: derivatives in closed form are products of what is known. Automatic differentiation, twice, would repeat the
    # evaluation of the density, and longer programs take longer to compile.
    rate = 2 / epsilon
    steepness = rate * (y[None, :] - mean[:, None])
    return Jet(value, value * steepness, value * (jnp.square(steepness) - rate**2 * variance[:, None]))


def contract(functional: Jet, function: Jet) -> Array:
    """Returns a functional, whose parts have shape `(k, *d)`, of jets of shape `(k, l)`: an array `(l, *d)`."""
    sums = (
        jnp.einsum("k...,kl->l...", weights, part, precision=jax.lax.Precision.HIGHEST)
        for weights, part in zip(functional, function, strict=True)
    )
    return functools.reduce(jnp.add, sums)
