"""Newton's method on the semi-dual."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._differentiation import AbstractDifferentiation, Implicit
from .._dual import AbstractDual
from .._problem import Problem
from .._start import exact_start
from .._types import Scalar
from .base import AbstractEntropicSolver, check_entropic

_MOST_TARGETS = 2**14


class _State(eqx.Module):
    potential: Float[Array, " m"]
    coupling: Float[Array, "m m"]
    ratio: Float[Array, " m"]
    marginal_error: Float[Array, ""]


class Newton(AbstractEntropicSolver):
    """Newton's method for the column residual, from the exact one-dimensional potentials: the default for short lists.

    Each step solves one symmetric m x m system and is shortened so that no difference of potentials moves by more than
    4 epsilon. From `exact_start` it needs no line search and no annealing; from elsewhere it may fail, and says so.

    Attributes:
        epsilon: > 0.
        tol: marginal error to reach, or None for exactly max_steps steps.
        max_steps: at most so many steps.
        differentiation: `Implicit()` unless given.
        start: `problem -> f`, the first potential.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1; on use, more than 16384 targets.
    """

    epsilon: Scalar = 1e-2
    tol: Scalar | None = 1e-6
    max_steps: int = 100
    differentiation: AbstractDifferentiation = Implicit()
    start: Callable[[Problem], Float[Array, " m"]] = exact_start

    def __check_init__(self):
        check_entropic(self)

    def init(self, dual: AbstractDual) -> tuple[AbstractDual, _State]:
        size = dual.problem.target.size
        if size > _MOST_TARGETS:
            raise ValueError(
                f"Newton factorises an m x m matrix, and m = {size} is too large: give fewer targets (num_targets), or "
                "use Quadrature (SquaredCost, uniform targets, epsilon of 1e-5 and more) or the exact NorthWestCorner()"
            )
        return dual, _evaluate(dual, self.start(dual.problem))

    def step(self, constants: AbstractDual, state: _State) -> _State:
        change = constants.solve_linearised(state.coupling, 1 - state.ratio, refinements=0)
        weighted = constants.problem.target.weights > 0  # the others follow, and may move far
        low = jnp.min(jnp.where(weighted, change, jnp.inf))
        high = jnp.max(jnp.where(weighted, change, -jnp.inf))
        length = 4 / jnp.maximum(high - low, 4)
        return _evaluate(constants, state.potential + length * constants.epsilon * change)

    def potential(self, constants: AbstractDual, state: _State) -> Float[Array, " m"]:
        return constants.settle(state.potential, jnp.log(state.ratio))


def _evaluate(dual: AbstractDual, potential: Float[Array, " m"]) -> _State:
    coupling, ratio = dual.coupling(potential)
    return _State(potential, coupling, ratio, dual.marginal_error(ratio))
