"""The semi-dual and the plan of a compressed problem: sums over the inputs become sums over the knots of a table."""

import functools

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from ._cells import moments
from ._compression import Panels
from ._cost import SquaredCost
from ._dual import AbstractDual
from ._plan import AbstractPlan
from ._problem import Problem
from ._semidual import SemiDual, within_range
from ._table import Jet, Table, jet
from ._target import AbstractTarget


class TabulatedDual(AbstractDual):
    """`SemiDual` with functions of the inputs interpolated in a table.

    Attributes:
        problem: from the knots of the table, without mass, to nodes that stand for all targets.
        epsilon: regularisation.
        table: of functions of the inputs.
        masses: what to multiply their jets with to sum them over the inputs, each part of shape `(knots,)`.
    """

    problem: Problem
    epsilon: Float[Array, ""]
    table: Table
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
        return jet(lambda x: self.at(x).density(potential, x), self.table.knots)

    def ratio(self, potential: Float[Array, " r"]) -> Float[Array, " r"]:
        return contract(self.masses, self.density(potential))

    def coupling(self, potential: Float[Array, " r"]) -> tuple[Float[Array, "r r"], Float[Array, " r"]]:
        density = self.density(potential)
        value, slope, curvature = (part[:, None] for part in self.masses)
        left = (
            value * density.value + slope * density.slope + curvature * density.curvature,
            slope * density.value + 2 * curvature * density.slope,
            curvature * density.value,
        )
        coupling = jnp.matmul(jnp.concatenate(left).T, jnp.concatenate(density), precision=jax.lax.Precision.HIGHEST)
        return coupling, jnp.sum(left[0], axis=0)

    def pulled(self, potential: Float[Array, " r"], values: Float[Array, "r *d"]) -> Jet:
        """Averages of values of the nodes for each input, as a function of its position: a jet at the knots."""
        return jet(lambda x: self.at(x).pull(potential, values), self.table.knots)

    def pushed(
        self, potential: Float[Array, " r"], carried: Float[Array, "cells 4 *d"], y: Float[Array, " l"]
    ) -> Float[Array, "l *d"]:
        """Averages at targets y of what inputs carry, from its moments in the cells of the table."""
        masses, sums = self.masses, self.table.functional(carried)

        def exponents(x):
            log_partition = self.at(x).log_partition(potential)
            return -jnp.square(y[None, :] - x[:, None]) / self.epsilon - log_partition[:, None]

        knots = self.table.knots
        top = jnp.max(jnp.where(masses.value[:, None] > 0, exponents(knots), -jnp.inf), axis=0)
        limit = jnp.log(jnp.finfo(y.dtype).max) / 2  # reached only where there is no mass
        column = jet(lambda x: jnp.exp(jnp.minimum(exponents(x) - stop_gradient(top)[None, :], limit)), knots)
        total = contract(masses, column)
        return contract(sums, column) / total.reshape(-1, *[1] * (carried.ndim - 2))


class TabulatedPlan(AbstractPlan):
    """A plan known through tables: no array has n m entries.

    Attributes:
        dual: the compressed problem.
        potential: at its nodes, shape `(r,)`.
        positions: of all inputs, shape `(n,)`.
        weights: of all inputs, shape `(n,)`.
        target: all targets.
        over_targets: the table for functions of them.
    """

    dual: TabulatedDual
    potential: Float[Array, " r"]
    positions: Float[Array, " n"]
    weights: Float[Array, " n"]
    target: AbstractTarget
    over_targets: Table

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        nodes = self.dual.nodes
        means = self._pulled(nodes.project(values) if isinstance(nodes, Panels) else values)
        return within_range(means, values)

    def level(self, share: float) -> Float[Array, " n"]:
        levels = self.dual.nodes.levels(share)
        return within_range(self._pulled(levels), levels)

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        weighted = self.weights.reshape(-1, *[1] * (values.ndim - 1)) * values
        carried = moments(weighted, self.positions, self.dual.table.cells)
        mean = lambda y: self.dual.pushed(self.potential, carried, y)
        table, points = self.over_targets, self.target.points
        few = self.target.size <= table.knots.size
        means = mean(points) if few else table.interpolate(jet(mean, table.knots), points)
        return within_range(means, values)

    def as_matrix(self) -> Float[Array, "n m"]:
        if isinstance(self.dual.nodes, Panels):
            raise ValueError("a compressed plan has no n x m matrix: use solver=otsort.Newton(...) for as_matrix()")
        return self.weights[:, None] * self.pull(jnp.eye(self.target.size, dtype=self.weights.dtype))

    def marginal_error(self) -> Float[Array, ""]:
        weights = self.dual.nodes.weights
        return jnp.sum(weights * jnp.abs(self.dual.ratio(self.potential) - 1))

    def _pulled(self, values: Float[Array, "r *d"]) -> Float[Array, "n *d"]:
        return self.dual.table.interpolate(self.dual.pulled(self.potential, values), self.positions)


def contract(functional: Jet, function: Jet) -> Array:
    """The functional `(k, *d)` of a function `(k, l)`, shape `(l, *d)`."""
    sums = (
        jnp.einsum("k...,kl->l...", weights, part, precision=jax.lax.Precision.HIGHEST)
        for weights, part in zip(functional, function, strict=True)
    )
    return functools.reduce(jnp.add, sums)
