"""A rough transport, from which the nodes, the knots and the start of the compressed problem follow.

How finely a plan has to be resolved depends on the data: its functions vary on the scale of epsilon / (2 sd), where sd
is a conditional deviation of the plan (see `knots`). The sketch therefore estimates E[x | y], whose slope is 2/epsilon
times the conditional variance. It uses the potential f of the exact plan, which has a closed form (`exact_start`):

    f_{j+1} - f_j = h(y_{j+1} - X_j) - h(y_j - X_j),

with X_j the quantile of the inputs at the cumulative target weight B_j. The density S of f is evaluated between a few
inputs x_i with weights a_i and a regular grid of targets y_j, and

    E[x | y_j] = sum_i a_i S_ij x_i / sum_i a_i S_ij.

This costs one evaluation of the density and no solve: S normalises the rows of the plan, and the average its columns.

The panels of the target are narrow where E[x | y] is steep. Newton's method starts from the potential of the exact plan
to the nodes of these panels.
"""

from typing import NamedTuple

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.cost import SquaredCost
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.start import counted_levels, start_from
from .._transport.target import AbstractGrid, AbstractTarget, UniformTarget
from .._xla import kept, materialised, matvec
from .knots import adapted_knots
from .panels import Panels
from .sizes import Sizes


class Sketch(NamedTuple):
    """Estimates of an entropic transport from the exact transport of few inputs.

    Attributes:
        nodes: the points that stand for the target: Gauss rules of panels, or the target itself if it has no more
            points than these.
        start: the exact potential at the nodes, where Newton's method starts.
        input_means: E[x | y] for y on a regular grid of [0, 1], shape `(grid,)`.
    """

    nodes: AbstractTarget
    start: Float[Array, " r"]
    input_means: Float[Array, " grid"]


def sketched(
    points: Float[Array, " k"],
    masses: Float[Array, " k"],
    target: AbstractTarget,
    epsilon: Float[Array, ""],
    size: int,
    sizes: Sizes,
) -> Sketch:
    """Returns the sketch of a transport from few inputs.

    It is a constant for derivatives, except that a target which is its own nodes keeps its derivative.

    Args:
        points: positions of the inputs, in any order.
        masses: of the inputs, up to a common factor.
        target: to transport to.
        epsilon: regularisation.
        size: number of points of the regular grid on which E[x | y] is estimated.
        sizes: says how many panels the target gets.
    """
    points, masses, epsilon = stop_gradient((points, masses, epsilon))
    levels = counted_levels(points, masses)
    grid = target.coarse(size) if isinstance(target, AbstractGrid) else UniformTarget(size, points.dtype)
    coarse = SemiDual(Problem(points, masses, grid, SquaredCost()), epsilon)
    # No column underflows: the density is 1 or more at the target that an input goes to in the exact plan.
    density = coarse.density(start_from(levels, coarse.problem))
    input_means = matvec(density.T, masses * points) / matvec(density.T, masses)
    nodes = target
    if isinstance(target, AbstractGrid) and sizes.nodes(target) < target.size:
        nodes = Panels(adapted_knots(input_means, epsilon, sizes.panels), target)
    # XLA: the start compares each level with each node. Unless they are stored, the compiler fuses their computation
    # into that loop and computes it anew for each pair.
    points, levels, nodes = materialised((points, levels, nodes))
    start = start_from(levels, Problem(points, masses, stop_gradient(nodes), SquaredCost()))
    return kept(Sketch(nodes, start, input_means))
