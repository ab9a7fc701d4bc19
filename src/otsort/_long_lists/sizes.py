"""Sizes of the compressed problem: how finely measures and functions are resolved."""

import math
from typing import NamedTuple

import jax.numpy as jnp

from .._transport.target import AbstractGrid, AbstractTarget
from .knots import num_lengths
from .panels import ORDER

#: Inputs for each piece of a table, up to which evaluating them one by one is less work than the table.
_MAX_INPUTS_PER_PIECE = 4


class Sizes(NamedTuple):
    """The sizes of a compressed problem.

    They depend on shapes, dtype, epsilon and accuracy, never on the values, so they are known when a program is
    compiled.

    Attributes:
        tabulated: whether functions of the inputs are tabulated; few inputs are taken as they are.
        panels: number of panels of the targets, with `ORDER` nodes each.
        pieces: number of quintic polynomials of an interpolant.
        cells: number of cells of its regular grid, with a cubic polynomial each.
    """

    tabulated: bool
    panels: int
    pieces: int
    cells: int

    @classmethod
    def of(
        cls, epsilon: float, accuracy: float | None, n: int | float, target: AbstractTarget, finer: float = 1.0
    ) -> "Sizes":
        """Returns the sizes for a target.

        Where the points of the target are a gap apart, a plan changes within the distance epsilon / gap.

        Args:
            epsilon: the least epsilon that the sizes are made for.
            accuracy: of levels; None means 1e-6 in float64 and 1e-5 in float32.
            n: number of inputs.
            target: to transport to.
            finer: what the accuracy is divided by.
        """
        accuracy = accuracy or (1e-6 if jnp.finfo(target.dtype).bits == 64 else 1e-5)
        gap = 1 / target.size if isinstance(target, AbstractGrid) else 1
        # An error of order p falls with the p-th power of a size, so the size grows as accuracy^(-1/p): p is 6 for
        # quintic pieces, 16 for Gauss rules of 8 nodes, and 4 for cubic cells.
        lengths, finer = num_lengths(epsilon), (1 + 20 * gap) * 1e-6 * finer / accuracy
        pieces = math.ceil(2 * lengths * finer ** (1 / 6))
        tabulated = n > _MAX_INPUTS_PER_PIECE * pieces
        return cls(
            tabulated,
            # With tables there are more panels: tables have errors of their own, and the sketch that places the panels
            # sees the inputs as cells.
            panels=max(1, round((1.25 if tabulated else 1) * lengths / 4 * finer ** (1 / 16))),
            pieces=pieces,
            cells=math.ceil(8 / epsilon * finer ** (1 / 4)),
        )

    def nodes(self, target: AbstractTarget) -> int:
        """Returns the number of nodes that stand for a target."""
        if not isinstance(target, AbstractGrid):
            return target.size
        panels = self.panels + (target.extra_mass is not None)
        return min(ORDER * panels, target.size)
