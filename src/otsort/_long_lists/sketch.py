"""A rough transport, from which a fine one is laid out."""

from typing import NamedTuple

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.cost import SquaredCost
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.start import counted_levels, start_from
from .._transport.target import AbstractTarget, UniformTarget
from .._xla import materialised, matvec
from .knots import adapted_knots
from .panels import Panels
from .sizes import Sizes


class Sketch(NamedTuple):
    """What the exact transport of few inputs says of the entropic one.

    Attributes:
        nodes: that stand for the target: Gauss rules of panels, or the target itself if it has no more points.
        start: the exact potential of the nodes, where Newton's method starts.
        input_means: the average input of each point of a regular grid of [0, 1], shape `(grid,)`.
    """

    nodes: AbstractTarget
    start: Float[Array, " r"]
    input_means: Float[Array, " grid"]


def sketched(
    points: Float[Array, " k"],
    masses: Float[Array, " k"],
    target: AbstractTarget,
    epsilon: Float[Array, ""],
    grid: UniformTarget,
    sizes: Sizes,
) -> Sketch:
    """From few inputs and their masses, no derivative of which is taken."""
    points, masses, epsilon = stop_gradient((points, masses, epsilon))
    levels = counted_levels(points, masses)
    coarse = SemiDual(Problem(points, masses, grid, SquaredCost()), epsilon)
    density = coarse.density(start_from(levels, coarse.problem))  # 1 and more at the target that an input goes to
    input_means = matvec(density.T, masses * points) / matvec(density.T, masses)
    nodes = target
    if isinstance(target, UniformTarget) and sizes.nodes(target) < target.size:
        nodes = Panels(adapted_knots(input_means, epsilon, sizes.panels), target)
    points, levels, nodes = materialised((points, levels, nodes))
    start = start_from(levels, Problem(points, masses, stop_gradient(nodes), SquaredCost()))
    return Sketch(nodes, start, input_means)
