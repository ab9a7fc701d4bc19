"""A transport problem of any size as a small one."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.cost import SquaredCost
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.target import AbstractTarget, UniformTarget
from .dual import TabulatedDual
from .interpolant import Interpolant
from .knots import adapted_knots
from .sizes import Sizes
from .sketch import sketched


class Compressed(NamedTuple):
    """A compressed problem.

    Attributes:
        dual: the problem.
        start: the exact potential of its nodes, where Newton's method starts.
        over_targets: the interpolant of functions of the targets.
    """

    dual: TabulatedDual
    start: Float[Array, " r"]
    over_targets: Interpolant


def compress(
    cells: Float[Array, "cells 4"], target: AbstractTarget, epsilon: Float[Array, ""], sizes: Sizes
) -> Compressed:
    """The small problem, for inputs known by their moments alone.

    Args:
        cells: moments of the inputs in `sizes.cells` cells of [0, 1], up to a factor.
        target: to transport to.
        epsilon: regularisation.
        sizes: made for it.
    """
    grid = UniformTarget(3 * sizes.pieces // 2, cells.dtype)
    few = _merged(*_centroids(stop_gradient(cells)), math.ceil(sizes.cells / grid.size))
    sketch = sketched(*few, target, epsilon, grid, sizes)

    # The inputs are resolved by knots as the targets are by nodes.
    nodes = stop_gradient(sketch.nodes)
    regular = SemiDual(Problem(grid.points, grid.weights, nodes, SquaredCost()), stop_gradient(epsilon))
    target_means = regular.pull(sketch.start, nodes.points)
    over_inputs, over_targets = (
        Interpolant(adapted_knots(means, stop_gradient(epsilon), sizes.pieces), sizes.cells)
        for means in (target_means, sketch.input_means)
    )
    problem = Problem(over_inputs.knots, jnp.zeros_like(over_inputs.knots), sketch.nodes, SquaredCost())
    masses = over_inputs.functional(cells / jnp.sum(cells[:, 0]))
    return Compressed(TabulatedDual(SemiDual(problem, epsilon), over_inputs, masses), sketch.start, over_targets)


def _centroids(moments: Float[Array, "cells 4"]) -> tuple[Float[Array, " cells"], Float[Array, " cells"]]:
    """The mass in each of equal cells of [0, 1] as one point, its mean, and the masses.

    A cell without mass has its point in the centre.
    """
    mass, first = moments[:, 0], moments[:, 1]
    cells = mass.size
    means = first / jnp.where(mass > 0, mass, 1)
    return (jnp.arange(cells, dtype=mass.dtype) + 0.5 + jnp.clip(means, -0.5, 0.5)) / cells, mass


def _merged(
    points: Float[Array, " n"], weights: Float[Array, " n"], count: int
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Each `count` neighbours as one point, their mean; the last may be of fewer."""
    size = -(-points.size // count)
    points = jnp.pad(points, (0, size * count - points.size), mode="edge").reshape(size, count)
    weights = jnp.pad(weights, (0, size * count - weights.size)).reshape(size, count)
    masses = jnp.sum(weights, axis=1)
    empty = masses == 0
    means = jnp.sum(weights * points, axis=1) / jnp.where(empty, 1, masses)
    return jnp.where(empty, points[:, 0], means), masses
