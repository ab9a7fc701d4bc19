"""The plan of a compressed problem."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._transport.averages import centred, within_range
from .._transport.cost import SquaredCost
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.target import AbstractTarget
from .._transport.threshold import check_two, log_upper_share
from .._xla import with_axes
from .cells import moments
from .dual import TabulatedDual
from .interpolant import Interpolant, jet
from .node_plan import NO_MATRIX, WITH_SHARES
from .panels import Panels

# Numerics: values near the largest number would overflow in the coefficients of their polynomials. They are scaled by a
# power of two, which changes no digit.
_SMALLER = 2.0**-6


class TabulatedPlan(AbstractPlan):
    """A plan whose averages are read from tables: no array has n m entries.

    Attributes:
        dual: the compressed problem.
        potential: f at its nodes, shape `(r,)`.
        positions: of all inputs, shape `(n,)`.
        weights: of all inputs, shape `(n,)`.
        target: all targets.
        over_targets: the interpolant for functions of the targets.
    """

    dual: TabulatedDual
    potential: Float[Array, " r"]
    positions: Float[Array, " n"]
    weights: Float[Array, " n"]
    target: AbstractTarget
    over_targets: Interpolant

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        nodes = self.dual.nodes
        project = nodes.project if isinstance(nodes, Panels) else lambda values: values
        return centred(lambda values: self._pulled(project(values), self.positions), values)

    def log_upper(self) -> Float[Array, " n"]:
        check_two(self.target, WITH_SHARES)
        dual = self._at_inputs()
        return log_upper_share(dual.problem, dual.epsilon, self.potential)

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        levels = self.dual.nodes.levels(share)
        return within_range(self._pulled(levels, self.positions if at is None else jnp.clip(at, 0, 1)), levels)

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return centred(lambda values: self._pushed(_SMALLER * values) / _SMALLER, values)

    def as_matrix(self) -> Float[Array, "n m"]:
        return self._at_inputs().as_matrix(self.potential)

    def log_shares(self) -> Float[Array, "n m"]:
        return self._at_inputs().log_shares(self.potential)

    def marginal_error(self) -> Float[Array, ""]:
        return self.dual.marginal_error(self.dual.marginal_ratio(self.potential))

    def transport_cost(self) -> Float[Array, ""]:
        return self.dual.transport_cost(self.potential)

    def _at_inputs(self) -> SemiDual:
        """Returns the problem without tables, because these do not resolve the smallest entries of the plan."""
        if isinstance(self.dual.nodes, Panels):
            raise ValueError(NO_MATRIX)
        return SemiDual(Problem(self.positions, self.weights, self.target, SquaredCost()), self.dual.epsilon)

    def _pulled(self, values: Float[Array, "r *d"], positions: Float[Array, " k"]) -> Float[Array, "k *d"]:
        return self.dual.over_inputs.interpolate(self.dual.pull_at(self.potential, values), positions)

    def _pushed(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        weighted = with_axes(self.weights, values.ndim) * values
        carried = moments(weighted, self.positions, self.dual.over_inputs.cells)
        mean = lambda y: self.dual.push_at(self.potential, carried, y)
        table, points = self.over_targets, self.target.points
        # Evaluating few targets one by one is less work than a table, and has no error of interpolation.
        few = self.target.size <= table.knots.size
        return mean(points) if few else table.interpolate(jet(mean, table.knots), points)
