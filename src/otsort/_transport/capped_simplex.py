"""Quadratic regularisation with two targets: the projection on a capped simplex, one number to find.

The upper of two targets with weights b_0 and b_1 receives from input i the share

    Q_i = clip(b_1 + b_0 b_1 (t_i + c), 0, 1),    t_i = (h(y_0 - x_i) - h(y_1 - x_i)) / epsilon,

and c = (f_1 - f_0) / epsilon solves sum_i a_i Q_i = b_1. With equal weights of the inputs, the top-k mask Q is the
projection of an affine function of t on the vectors in [0, 1] with sum k (Sander et al., 2023, with p = 2).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._xla import anywhere, sum_along, varying_as
from .problem import Problem

_MAX_STEPS = 100  # of Newton's method and bisection, which need about five; bisection alone needs as many as bits


def two_target_potential(problem: Problem, epsilon: Float[Array, ""]) -> Float[Array, "2 *lists"]:
    """Returns the potential that solves a problem with two targets, up to rounding, without a derivative.

    The sum is an increasing, piecewise linear function of c. Newton's method finds c, and bisection takes over where a
    step would leave the interval that is known to hold c, or where the last step did not halve the missing mass.
    """
    x, a, points = problem.positions, problem.weights, problem.points
    low, high = problem.target_weights[:1], problem.target_weights[1:]
    advantage = (problem.cost(points[:1] - x) - problem.cost(points[1:] - x)) / epsilon
    # Where one target has no weight any c will do. Equal weights keep it finite.
    split = (low > 0) & (high > 0)
    low, high = jnp.where(split, low, 0.5), jnp.where(split, high, 0.5)
    slope = (low * high)[0]

    def missing(cut: Float[Array, "*lists"]) -> tuple[Float[Array, "*lists"], Float[Array, "*lists"]]:
        """Returns b_1 - sum_i a_i Q_i, and the derivative of that sum."""
        affine = high + slope[None] * (advantage + cut[None])
        between = jnp.where((affine > 0) & (affine < 1), a, 0)
        # Numerics: near the solution, the terms of each sign add up to at most b_0 b_1. So the sum keeps its digits
        # where a target has little weight.
        return sum_along(a * (high - jnp.clip(affine, 0, 1)), 0), slope * sum_along(between, 0)

    def step(search: _Search) -> _Search:
        lower = jnp.where(search.missing > 0, search.cut, search.lower)
        upper = jnp.where(search.missing < 0, search.cut, search.upper)
        newton = search.cut + search.missing / jnp.where(search.slope > 0, search.slope, 1)
        sound = search.halved & (search.slope > 0) & (lower < newton) & (newton < upper)
        cut = jnp.where(search.moving, jnp.where(sound, newton, lower / 2 + upper / 2), search.cut)
        found, found_slope = missing(cut)
        halved = jnp.abs(found) <= jnp.abs(search.missing) / 2
        # Numerics: the first term is the rounding of the sum, the second that of c.
        rounding = 4 * jnp.finfo(cut.dtype).eps * (slope + found_slope * jnp.abs(cut))
        moving = search.moving & (jnp.abs(found) > rounding) & (lower < cut) & (cut < upper)
        return _Search(cut, found, found_slope, lower, upper, halved, moving, search.steps + 1)

    weighted = a > 0
    lower = -1 / low[0] - jnp.max(jnp.where(weighted, advantage, -jnp.inf), axis=0)
    upper = 1 / high[0] - jnp.min(jnp.where(weighted, advantage, jnp.inf), axis=0)
    start = -sum_along(a * advantage, 0)  # the solution where no share is clipped
    yes = jnp.ones(start.shape, bool)
    begin = _Search(start, *missing(start), lower, upper, yes, yes, jnp.zeros((), int))
    going_on = lambda search: anywhere(search.moving) & (search.steps < _MAX_STEPS)
    cut = jax.lax.while_loop(going_on, step, varying_as(begin, (advantage, low, high))).cut
    return stop_gradient(jnp.stack([jnp.zeros_like(cut), epsilon * cut]))


class _Search(NamedTuple):
    """A number c, what is missing there, and an interval that holds the solution.

    Attributes:
        cut: c.
        missing: b_1 minus the mass that the upper target receives.
        slope: derivative of that mass with respect to c.
        lower: a number below the solution.
        upper: a number above the solution.
        halved: whether the last step halved the missing mass.
        moving: whether another step is due.
        steps: number of steps so far.
    """

    cut: Float[Array, "*lists"]
    missing: Float[Array, "*lists"]
    slope: Float[Array, "*lists"]
    lower: Float[Array, "*lists"]
    upper: Float[Array, "*lists"]
    halved: Bool[Array, "*lists"]
    moving: Bool[Array, "*lists"]
    steps: Int[Array, ""]
