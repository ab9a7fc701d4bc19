"""The transport problem."""

import equinox as eqx
from jaxtyping import Array, Float, Int

from .._types import Cost
from .._xla import per_target
from .target import AbstractTarget


class Problem(eqx.Module):
    """Transport of n weighted positions on the line to a target measure.

    Many short lists may stand in a last axis; they share the target. Nothing is checked here: `solve` and the operators,
    which make problems, do that.

    Attributes:
        positions: the squashed inputs, in any order, shape `(n, *lists)`.
        weights: their weights, nonnegative, summing to 1, shape `(n, *lists)`.
        target: m increasing points with weights.
        cost: even convex function of the displacement.
        order: integers in the order of the inputs, shape `(n,)`, where positions are rounded or equal values are to be
            told apart; None for the order of the positions. Only the exact solver asks for it.

    Example:
        >>> positions, weights = jnp.array([0.1, 0.9, 0.4]), jnp.full(3, 1 / 3)
        >>> problem = otsort.Problem(positions, weights, otsort.UniformTarget(3), otsort.SquaredCost())
        >>> print(otsort.NorthWestCorner().solve(problem).plan.push(positions))
        [0.1 0.4 0.9]
    """

    positions: Float[Array, "n *lists"]
    weights: Float[Array, "n *lists"]
    target: AbstractTarget
    cost: Cost
    order: Int[Array, " n"] | None = None

    @property
    def points(self) -> Float[Array, "m *ones"]:
        """Those of the target, as they broadcast against lists."""
        return per_target(self.target.points, self.positions)

    @property
    def target_weights(self) -> Float[Array, "m *ones"]:
        """Those of the target, likewise."""
        return per_target(self.target.weights, self.positions)
