"""The transport problem."""

import equinox as eqx
from jaxtyping import Array, Float

from ._layout import per_target
from ._target import AbstractTarget
from ._types import Cost


class Problem(eqx.Module):
    """Transport of n weighted positions on the line to a target measure.

    Many short lists may lie side by side, see `otsort._layout`; they share the target.

    Attributes:
        positions: the squashed inputs, in any order, shape `(n, *lists)`.
        weights: their weights, nonnegative, summing to 1, shape `(n, *lists)`.
        target: m increasing points with weights.
        cost: even convex function of the displacement.
    """

    positions: Float[Array, "n *lists"]
    weights: Float[Array, "n *lists"]
    target: AbstractTarget
    cost: Cost

    @property
    def points(self) -> Float[Array, "m *ones"]:
        """Those of the target, as they broadcast against lists."""
        return per_target(self.target.points, self.positions)

    @property
    def target_weights(self) -> Float[Array, "m *ones"]:
        """Those of the target, likewise."""
        return per_target(self.target.weights, self.positions)
