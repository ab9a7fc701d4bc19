"""The transport problem."""

import equinox as eqx
from jaxtyping import Array, Float, Int

from .._types import Cost
from .._xla import per_target
from .target import AbstractTarget


class Problem(eqx.Module):
    """A transport problem: the transport of n weighted positions on the line to a target.

    Many short lists may be stacked in a last axis (`*lists` in the types) and share the target. A problem checks
    nothing. `solve` and the operators check their arguments before they make a problem.

    Attributes:
        positions: the inputs after the squash, in any order, shape `(n, *lists)`.
        weights: weights of the inputs, nonnegative, summing to 1, shape `(n, *lists)`.
        target: the target, m increasing points with weights.
        cost: even convex function of the displacement.
        order: integers that are ordered as the inputs are, shape `(n,)`. They are given if positions are rounded, or if
            equal values must be distinguished. None means the order of the positions. Only the exact solver reads them.

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
        """Returns the points of the target, in a shape that broadcasts against the lists."""
        return per_target(self.target.points, self.positions)

    @property
    def target_weights(self) -> Float[Array, "m *ones"]:
        """Returns the weights of the target, in a shape that broadcasts against the lists."""
        return per_target(self.target.weights, self.positions)
