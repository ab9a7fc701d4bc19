"""Plans with two targets: a plan is then one threshold, and its small shares are known to relative accuracy.

The upper of two targets receives from input i the share Q_i = sigmoid(t_i + c), with
t_i = (h(y_0 - x_i) - h(y_1 - x_i)) / epsilon. The threshold c solves sum_i a_i Q_i = b_1. Where a gap separates the
inputs, that sum hardly depends on c. A potential that meets every tolerance may then be far off, and with it the
logarithms of shares near zero and their derivatives.

The mass that crosses the gap does depend on c. With E_i = 1 for inputs that belong to the upper target and 0 for the
others,

    sum_i a_i (1 - E_i) Q_i - sum_i a_i E_i (1 - Q_i) = b_1 - sum_i a_i E_i =: d.

So (mass moved up) + max(-d, 0) = (mass moved down) + max(d, 0). The logarithms of both sides are compared: their
difference, as a function of c, has a slope between 1/2 and 2, however small the two sides are.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._xla import anywhere, kept, with_jvp
from .problem import Problem
from .target import AbstractTarget
from .weighted_exp import log_sum_exp

_MAX_STEPS = 50  # of Newton's method, which needs a few


def check_two(target: AbstractTarget, remedy: str = "take log_shares() instead") -> None:
    """Raises ValueError if there are not two targets."""
    if target.size != 2:
        raise ValueError(f"log_upper needs a plan to two targets, got {target.size}: {remedy}")


def log_upper_share(
    problem: Problem, epsilon: Float[Array, ""], potential: Float[Array, "2 *lists"]
) -> Float[Array, "n *lists"]:
    """Returns log Q of a problem with two targets; derivatives of all orders are those of the exact solution.

    Args:
        problem: with two targets.
        epsilon: regularisation.
        potential: an approximate solution, where the search for c starts.
    """
    check_two(problem.target)
    x, cost = problem.positions, problem.cost
    points, masses = problem.points, problem.target_weights
    split = jnp.all(masses > 0, axis=0)
    # Where one target has all of the mass, no c solves the equation. Equal masses keep the unused branch finite.
    low, high = jnp.where(split[None], masses, 0.5)
    start = stop_gradient((potential[1] - potential[0]) / epsilon + jnp.log(high) - jnp.log(low))
    advantage = (cost(points[:1] - x) - cost(points[1:] - x)) / epsilon
    arguments = advantage, problem.weights, low, high
    cut = kept(_newton(functools.partial(_balance, *map(stop_gradient, arguments)), start))
    share = _log_sigmoid(advantage + _root(cut, arguments)[None])
    return jnp.where(split[None], share, jnp.where(masses[1:] > 0, 0, -jnp.inf))


def _root(cut: Float[Array, "*lists"], arguments: tuple[Array, ...]) -> Float[Array, "*lists"]:
    """Returns c, with the derivative that the implicit function theorem gives in the arguments of `_balance`."""
    return with_jvp(lambda cut, arguments: cut, _root_jvp, cut, arguments)


def _root_jvp(primals, tangents):
    cut, arguments = primals
    cut = _root(cut, arguments)  # called again: higher derivatives see the root, not a constant
    balance = lambda arguments: functools.partial(_balance, *arguments)(cut)
    _, change = eqx.filter_jvp(lambda arguments: balance(arguments)(cut), (arguments,), (tangents[1],))
    _, slope = jax.jvp(balance(arguments), (cut,), (jnp.ones_like(cut),))
    return cut, -change / slope


def _log_sigmoid(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns log(1 / (1 + exp(-x))).

    Numerics: the formula that avoids overflow has a kink at 0, where its second derivative would be wrong.
    """
    return with_jvp(jax.nn.log_sigmoid, lambda x, dx: (_log_sigmoid(x[0]), jax.nn.sigmoid(-x[0]) * dx[0]), x)


def _balance(
    advantage: Float[Array, "n *lists"],
    weights: Float[Array, "n ..."],
    low: Float[Array, "..."],
    high: Float[Array, "..."],
    cut: Float[Array, "*lists"],
) -> Callable[[Float[Array, "*lists"]], Float[Array, "*lists"]]:
    """Returns the difference of the two logarithms as a function of c.

    E is that of the threshold `cut`. The functions of different cuts have the same zero.

    Args:
        advantage: t.
        weights: a.
        low: b_0.
        high: b_1.
        cut: decides which inputs belong to the upper target.
    """
    upper = stop_gradient(advantage + cut[None] >= 0)
    up, down = jnp.where(upper, 0, weights), jnp.where(upper, weights, 0)
    # Numerics: d is computed from the smaller of the two masses, which has the finer digits. A difference within the
    # rounding of the masses counts as zero.
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
    """Returns the zero by Newton's method, which ends when the next step would be lost in rounding.

    Each step uses the balance around its own c.
    """
    machine = jnp.finfo(start.dtype).eps
    # Numerics: the method converges quadratically, so after a step of the root of the machine epsilon none is due.
    small = jnp.sqrt(machine) + 4 * machine * jnp.abs(start)

    def moving(search: _Search) -> Bool[Array, ""]:
        return anywhere(jnp.abs(search.change) > small) & (search.step < _MAX_STEPS)

    def step(search: _Search) -> _Search:
        value, slope = jax.jvp(balance_around(search.cut), (search.cut,), (jnp.ones_like(search.cut),))
        change = -value / slope
        return _Search(search.cut + change, change, search.step + 1)

    return jax.lax.while_loop(moving, step, _Search(start, jnp.full_like(start, jnp.inf), jnp.asarray(0))).cut
