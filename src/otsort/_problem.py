"""The transport problem."""

import equinox as eqx
from jaxtyping import Array, Float

from ._target import AbstractTarget
from ._types import Cost


class Problem(eqx.Module):
    """Transport of n weighted positions on the line to a target measure.

    Attributes:
        positions: the squashed inputs, in any order, shape `(n,)`.
        weights: their weights, nonnegative, summing to 1, shape `(n,)`.
        target: m increasing points with weights.
        cost: even convex function of the displacement.
    """

    positions: Float[Array, " n"]
    weights: Float[Array, " n"]
    target: AbstractTarget
    cost: Cost
