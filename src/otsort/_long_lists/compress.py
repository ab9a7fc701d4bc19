"""A small problem that stands for a transport problem of any size.

**Inputs.** The inputs x_i with weights a_i are known by the moments of K equal cells of [0, 1],

    M_cq = sum over the inputs of cell c of a_i u_i^q,    q = 0 ... 3,    u_i = K x_i - c - 1/2.

A smooth function g of the position, such as a column of the density S, is evaluated with two derivatives (a *jet*) at
knots z_k. `Interpolant` turns the jet into a cubic polynomial sum_q C_cq u^q in each cell, and C is linear in the jet.
So the sum over all inputs is a linear functional of the jet:

    sum_i a_i g(x_i)  ~  sum_cq M_cq C_cq  =  sum_k (alpha_k g(z_k) + beta_k g'(z_k) + gamma_k g''(z_k)).

`Interpolant.functional` computes alpha, beta and gamma from M, by the transpose of the map from jets to polynomials.
They are called `masses`: they do for the knots what the weights a do for the inputs.

**Targets.** A uniform target of m points, or that of `top_k`, is cut into panels, runs of neighbouring points. In each
panel, 8 Gauss nodes t_r with weights b_r stand for its points: sums of polynomials up to degree 15 are exact
(`Panels`). Any other target, and one with no more points than there would be nodes, is its own set of nodes.

**The small problem.** With the density S(x, t_r) of the nodes, the marginal ratio of a potential f of the nodes is

    s_r = sum_k (alpha_k S(z_k, t_r) + beta_k S_x(z_k, t_r) + gamma_k S_xx(z_k, t_r)),

and the problem is solved when s = 1. Its size depends on epsilon, the accuracy and the target, not on the number of
inputs or their values.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._transport.cost import SquaredCost
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.target import AbstractTarget
from .._xla import kept
from .dual import TabulatedDual
from .interpolant import Interpolant
from .knots import adapted_knots
from .sizes import Sizes
from .sketch import sketched


class Compressed(NamedTuple):
    """A compressed problem.

    Attributes:
        dual: the small problem.
        start: the potential of the exact plan at its nodes, where Newton's method starts.
        over_targets: the interpolant for functions of the targets.
    """

    dual: TabulatedDual
    start: Float[Array, " r"]
    over_targets: Interpolant


def compress(
    cells: Float[Array, "cells 4"], target: AbstractTarget, epsilon: Float[Array, ""], sizes: Sizes
) -> Compressed:
    """Returns the small problem for inputs that are known only by their moments.

    Args:
        cells: moments M of the inputs in `sizes.cells` cells of [0, 1], up to a common factor.
        target: to transport to.
        epsilon: regularisation.
        sizes: number of cells, pieces and panels, chosen for the target and epsilon.
    """
    size = 3 * sizes.pieces // 2
    # The sketch compares each of its inputs with each, so neighbouring cells are merged into about as many points as
    # the grid has.
    few = _merged(*_centroids(stop_gradient(cells)), math.ceil(sizes.cells / size))
    sketch = sketched(*few, target, epsilon, size, sizes)

    # Knots resolve the inputs where E[y | x] is steep, and nodes resolve the targets where E[x | y] is. Both are
    # constants for derivatives, which are then those of exactly the tabulated functions.
    target_means = _target_means(*few, stop_gradient(sketch.nodes), size)
    over_inputs, over_targets = (
        Interpolant(adapted_knots(means, stop_gradient(epsilon), sizes.pieces), sizes.cells)
        for means in (target_means, sketch.input_means)
    )
    over_inputs, over_targets = kept((over_inputs, over_targets))
    problem = Problem(over_inputs.knots, jnp.zeros_like(over_inputs.knots), sketch.nodes, SquaredCost())
    sums, total = kept((over_inputs.functional(cells), jnp.sum(cells[:, 0])))
    masses = jax.tree.map(lambda part: part / total, sums)
    return Compressed(TabulatedDual(SemiDual(problem, epsilon), over_inputs, masses), sketch.start, over_targets)


def _target_means(
    points: Float[Array, " k"], masses: Float[Array, " k"], nodes: AbstractTarget, size: int
) -> Float[Array, " size"]:
    """Returns E[y | x] of the exact plan for x on a regular grid: the node at which as much mass is reached as at x."""
    grid = jnp.linspace(0, 1, size, dtype=points.dtype)
    reached = jnp.sum(jnp.where(points[None] <= grid[:, None], masses[None], 0), axis=1) / jnp.sum(masses)
    return jnp.min(jnp.where(nodes.cumulative[None] >= reached[:, None], nodes.points[None], nodes.points[-1]), axis=1)


def _centroids(moments: Float[Array, "cells 4"]) -> tuple[Float[Array, " cells"], Float[Array, " cells"]]:
    """Returns the mean of the inputs in each cell, and their mass.

    A cell without mass has its centre as its mean.
    """
    mass, first = moments[:, 0], moments[:, 1]
    cells = mass.size
    means = first / jnp.where(mass > 0, mass, 1)
    # Numerics: rounding may move the mean of a cell with little mass out of the cell.
    return (jnp.arange(cells, dtype=mass.dtype) + 0.5 + jnp.clip(means, -0.5, 0.5)) / cells, mass


def _merged(
    points: Float[Array, " n"], weights: Float[Array, " n"], count: int
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Returns the means and the masses of runs of `count` neighbouring points; the last run may have fewer."""
    size = -(-points.size // count)
    points = jnp.pad(points, (0, size * count - points.size), mode="edge").reshape(size, count)
    weights = jnp.pad(weights, (0, size * count - weights.size)).reshape(size, count)
    masses = jnp.sum(weights, axis=1)
    empty = masses == 0
    means = jnp.sum(weights * points, axis=1) / jnp.where(empty, 1, masses)
    return jnp.where(empty, points[:, 0], means), masses
