"""Two targets: the plan is one threshold, and is known to relative accuracy.

The upper of two targets receives from input i the share Q_i = sigmoid(t_i + c), t_i = (h(y_0 - x_i) - h(y_1 - x_i)) /
epsilon, and c solves sum_i a_i Q_i = b_1. Where a gap parts the inputs, that sum hardly depends on c: a potential which
meets every tolerance may be far off, and so are the logarithms of shares near zero, and their derivatives. What does
depend on c is the mass that crosses the gap. With E_i = 1 for inputs that belong to the upper target and 0 for others,

    sum_i a_i (1 - E_i) Q_i - sum_i a_i E_i (1 - Q_i) = b_1 - sum_i a_i E_i =: d,

and the logarithms of both sides of (mass moved up) + max(-d, 0) = (mass moved down) + max(d, 0) have in c a difference
of slope 1/2 to 2, however small they are.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._xla import anywhere, with_jvp
from .problem import Problem
from .semi_dual import log_sum_exp
from .target import AbstractTarget

_MAX_STEPS = 50  # a few are needed


def check_two(target: AbstractTarget) -> None:
    """Raises ValueError if there are not two targets."""
    if target.size != 2:
        raise ValueError(f"log_upper is for two targets, got {target.size}")


def log_upper_share(
    problem: Problem, epsilon: Float[Array, ""], potential: Float[Array, "2 *lists"]
) -> Float[Array, "n *lists"]:
    """log Q of a problem with two targets, from a potential that is about right; all of its derivatives are exact."""
    check_two(problem.target)
    x, cost = problem.positions, problem.cost
    points, masses = problem.points, problem.target_weights
    split = jnp.all(masses > 0, axis=0)
    low, high = jnp.where(split[None], masses, 0.5)  # where one target has all, there is no c
    start = stop_gradient((potential[1] - potential[0]) / epsilon + jnp.log(high) - jnp.log(low))
    advantage = (cost(points[:1] - x) - cost(points[1:] - x)) / epsilon
    arguments = advantage, problem.weights, low, high
    cut = _newton(functools.partial(_balance, *map(stop_gradient, arguments)), start)
    share = _log_sigmoid(advantage + _root(cut, arguments)[None])
    return jnp.where(split[None], share, jnp.where(masses[1:] > 0, 0, -jnp.inf))


def _root(cut: Float[Array, "*lists"], arguments: tuple[Array, ...]) -> Float[Array, "*lists"]:
    """Returns c, as a function of the arguments of `_balance` that it solves."""
    return with_jvp(lambda cut, arguments: cut, _root_jvp, cut, arguments)


def _root_jvp(primals, tangents):
    cut, arguments = primals
    cut = _root(cut, arguments)  # called again: higher derivatives see the root, not a constant
    balance = lambda arguments: functools.partial(_balance, *arguments)(cut)
    _, change = eqx.filter_jvp(lambda arguments: balance(arguments)(cut), (arguments,), (tangents[1],))
    _, slope = jax.jvp(balance(arguments), (cut,), (jnp.ones_like(cut),))
    return cut, -change / slope


def _log_sigmoid(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns log(1 / (1 + exp(-x))), whose derivatives are right at 0 too: those of its formula have a kink there."""
    return with_jvp(jax.nn.log_sigmoid, lambda x, dx: (_log_sigmoid(x[0]), jax.nn.sigmoid(-x[0]) * dx[0]), x)


def _balance(
    advantage: Float[Array, "n *lists"],
    weights: Float[Array, "n ..."],
    low: Float[Array, "..."],
    high: Float[Array, "..."],
    cut: Float[Array, "*lists"],
) -> Callable[[Float[Array, "*lists"]], Float[Array, "*lists"]]:
    """The difference of the logarithms as a function of c, with the E of a c: all have the same zero."""
    upper = stop_gradient(advantage + cut[None] >= 0)
    up, down = jnp.where(upper, 0, weights), jnp.where(upper, weights, 0)
    # By the smaller of the two masses, which has the finer digits; what is left of them after rounding is nothing.
    few = high <= low
    missing = jnp.where(few, high - jnp.sum(down, axis=0), jnp.sum(up, axis=0) - low)
    noise = 16 * jnp.finfo(weights.dtype).eps * jnp.minimum(low, high)
    missing = missing - stop_gradient(jnp.where(jnp.abs(missing) <= noise, missing, 0))
    more = missing >= 0
    up = jnp.concatenate([up, jnp.where(more, 0, -missing)[None]])
    down = jnp.concatenate([down, jnp.where(more, missing, 0)[None]])

    def balance(cut: Float[Array, "*lists"]) -> Float[Array, "*lists"]:
        exponents = advantage + cut[None]
        of_all = lambda share: jnp.concatenate([share, jnp.zeros_like(share[:1])])
        moved_up, moved_down = (of_all(jax.nn.log_sigmoid(side)) for side in (exponents, -exponents))
        return (log_sum_exp(moved_up[None], up) - log_sum_exp(moved_down[None], down))[0]

    return balance


class _Search(NamedTuple):
    cut: Float[Array, "*lists"]
    change: Float[Array, "*lists"]
    step: Array


def _newton(balance_around, start):
    """Newton's method, until the next step would be lost in rounding; E is that of each step."""
    machine = jnp.finfo(start.dtype).eps
    small = jnp.sqrt(machine) + 4 * machine * jnp.abs(start)

    def moving(search: _Search) -> Bool[Array, ""]:
        return anywhere(jnp.abs(search.change) > small) & (search.step < _MAX_STEPS)

    def step(search: _Search) -> _Search:
        value, slope = jax.jvp(balance_around(search.cut), (search.cut,), (jnp.ones_like(search.cut),))
        change = -value / slope
        return _Search(search.cut + change, change, search.step + 1)

    return jax.lax.while_loop(moving, step, _Search(start, jnp.full_like(start, jnp.inf), jnp.asarray(0))).cut
