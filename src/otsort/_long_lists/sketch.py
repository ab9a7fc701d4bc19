"""A rough transport, from which the nodes, the knots and the start of the compressed problem follow.

How finely a plan has to be resolved depends on the data: its functions vary on the scale of epsilon / (2 sd), where sd
is a conditional deviation of the plan, and E[x | y] has the slope 2 sd^2 / epsilon (see `knots`). The sketch takes
E[x | y] from the exact plan (epsilon = 0). There the target y_j receives the inputs between the corners X_{j-1} and
X_j, the quantiles of the inputs at the cumulative target weights B_{j-1} and B_j. So, on a regular grid of targets,

    E[x | y_j]  ~  (X_{j-1} + X_j) / 2.

The entropic plan spreads inputs over neighbouring targets. That makes E[x | y] smoother, but how much it rises over a
longer distance stays the same, and the resolution follows from the rise. So neither a density nor a solve is needed.

The panels of the target are narrow where E[x | y] is steep. Newton's method starts from the potential of the exact plan
to the nodes of these panels (`exact_start`).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.cost import SquaredCost
from .._transport.problem import Problem
from .._transport.start import counted_levels, counted_quantiles, start_from
from .._transport.target import AbstractGrid, AbstractTarget, UniformTarget
from .._xla import kept, materialised
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
    corners = counted_quantiles(levels, points, grid.cumulative[:-1])
    with_mass = masses > 0
    low = jnp.min(points, where=with_mass, initial=jnp.inf, keepdims=True)
    high = jnp.max(points, where=with_mass, initial=-jnp.inf, keepdims=True)
    corners = jnp.concatenate([low, jnp.minimum(corners, high), high])
    input_means = (corners[1:] + corners[:-1]) / 2
    nodes = target
    if isinstance(target, AbstractGrid) and sizes.nodes(target) < target.size:
        nodes = Panels(adapted_knots(input_means, epsilon, sizes.panels), target)
    # XLA: the start compares each level with each node. Unless they are stored, the compiler fuses their computation
    # into that loop and computes it anew for each pair.
    points, levels, nodes = materialised((points, levels, nodes))
    start = start_from(levels, Problem(points, masses, stop_gradient(nodes), SquaredCost()))
    return kept(Sketch(nodes, start, input_means))
