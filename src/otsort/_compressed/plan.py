"""The plan of a compressed problem."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._averages import centred, within_range
from .._plan import AbstractPlan
from .._problem import Problem
from .._target import AbstractTarget
from .._threshold import log_upper_share
from .cells import moments
from .dual import TabulatedDual
from .interpolant import Interpolant, jet
from .panels import Panels


class TabulatedPlan(AbstractPlan):
    """A plan known through interpolants: no array has n m entries.

    Attributes:
        dual: the compressed problem.
        potential: at its nodes, shape `(r,)`.
        positions: of all inputs, shape `(n,)`.
        weights: of all inputs, shape `(n,)`.
        target: all targets.
        over_targets: the interpolant of functions of them.
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
        return centred(lambda values: self._pulled(project(values)), values)

    def log_upper(self) -> Float[Array, " n"]:
        of_inputs = Problem(self.positions, self.weights, self.target, self.dual.problem.cost)
        return log_upper_share(of_inputs, self.dual.epsilon, self.potential)

    def level(self, share: float) -> Float[Array, " n"]:
        levels = self.dual.nodes.levels(share)
        return within_range(self._pulled(levels), levels)

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return centred(self._pushed, values)

    def as_matrix(self) -> Float[Array, "n m"]:
        if isinstance(self.dual.nodes, Panels):
            raise ValueError("a compressed plan has no n x m matrix: use solver=otsort.Newton(...) for as_matrix()")
        return self.weights[:, None] * self.pull(jnp.eye(self.target.size, dtype=self.weights.dtype))

    def marginal_error(self) -> Float[Array, ""]:
        return self.dual.marginal_error(self.dual.marginal_ratio(self.potential))

    def guarded(self, guard: Callable[[Array], Array]) -> "TabulatedPlan":
        return eqx.tree_at(lambda plan: plan.potential, self, guard(self.potential))

    def _pulled(self, values: Float[Array, "r *d"]) -> Float[Array, "n *d"]:
        return self.dual.over_inputs.interpolate(self.dual.pulled(self.potential, values), self.positions)

    def _pushed(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        weighted = self.weights.reshape(-1, *[1] * (values.ndim - 1)) * values
        carried = moments(weighted, self.positions, self.dual.over_inputs.cells)
        mean = lambda y: self.dual.pushed(self.potential, carried, y)
        table, points = self.over_targets, self.target.points
        few = self.target.size <= table.knots.size
        return mean(points) if few else table.interpolate(jet(mean, table.knots), points)
