"""How finely a transport is resolved."""

import math
from typing import NamedTuple

import jax.numpy as jnp

from .._transport.target import AbstractTarget, UniformTarget
from .knots import num_lengths
from .panels import ORDER

_FEW = 4  # inputs for each piece of a table, that are less work without it


class Sizes(NamedTuple):
    """How finely measures and functions are resolved; the powers are the orders of the errors.

    Attributes:
        tabulated: whether functions of the inputs are; few are taken as they are.
        panels: of the targets, `ORDER` nodes each.
        pieces: of an interpolant, each a quintic polynomial.
        cells: of its regular grid, each a cubic polynomial.
    """

    tabulated: bool
    panels: int
    pieces: int
    cells: int

    @classmethod
    def of(
        cls, epsilon: float, accuracy: float | None, n: int | float, target: AbstractTarget, finer: float = 1.0
    ) -> "Sizes":
        """Sizes for a target: where its points are a gap apart, a plan changes within epsilon / gap.

        Args:
            epsilon: the least that they are made for.
            accuracy: of levels; 1e-6 in float64 and 1e-5 in float32 for None.
            n: how many inputs.
            target: to transport to.
            finer: what to divide the accuracy by.
        """
        accuracy = accuracy or (1e-6 if jnp.finfo(target.dtype).bits == 64 else 1e-5)
        gap = 1 / target.size if isinstance(target, UniformTarget) else 1
        lengths, finer = num_lengths(epsilon), (1 + 20 * gap) * 1e-6 * finer / accuracy
        pieces = math.ceil(2 * lengths * finer ** (1 / 6))
        tabulated = n > _FEW * pieces
        return cls(
            tabulated,
            # Tables have errors of their own, and see the inputs as cells when they place panels.
            panels=max(1, round((1.25 if tabulated else 1) * lengths / 4 * finer ** (1 / 16))),
            pieces=pieces,
            cells=math.ceil(8 / epsilon * finer ** (1 / 4)),
        )

    def nodes(self, target: AbstractTarget) -> int:
        """The number of points that stand for a target."""
        return min(ORDER * self.panels, target.size) if isinstance(target, UniformTarget) else target.size
