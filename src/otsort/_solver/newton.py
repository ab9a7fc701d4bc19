"""Newton's method on the semi-dual."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._dual import AbstractDual
from .._start import Start, exact_start
from .._types import Scalar
from .base import AbstractEntropicSolver

MOST_TARGETS = 2**14


class _State(AbstractState):
    potential: Float[Array, " m"]
    overlap: Float[Array, "m m"]
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
    max_steps: int = eqx.field(static=True, default=100)
    differentiation: AbstractDifferentiation = Implicit()
    start: Start = exact_start

    def init(self, dual: AbstractDual) -> tuple[AbstractDual, _State]:
        size = dual.problem.target.size
        if size > MOST_TARGETS:
            raise ValueError(
                f"Newton factorises an m x m matrix, and m = {size} is too large: give fewer targets (num_targets), or "
                "use Quadrature (SquaredCost, uniform targets, epsilon of 1e-5 and more) or the exact NorthWestCorner()"
            )
        return dual, _evaluate(dual, self.start(dual.problem))

    def step(self, constants: AbstractDual, state: _State) -> _State:
        change = constants.solve_linearised(state.overlap, 1 - state.ratio, refinements=0)
        weighted = constants.problem.target.weights > 0  # the others follow, and may move far
        low = jnp.min(jnp.where(weighted, change, jnp.inf))
        high = jnp.max(jnp.where(weighted, change, -jnp.inf))
        length = 4 / jnp.maximum(high - low, 4)
        return _evaluate(constants, state.potential + length * constants.epsilon * change)

    def potential(self, constants: AbstractDual, state: _State) -> Float[Array, " m"]:
        return constants.extend_to_weightless(state.potential, jnp.log(state.ratio))


def _evaluate(dual: AbstractDual, potential: Float[Array, " m"]) -> _State:
    overlap, ratio = dual.overlap(potential)
    return _State(potential, overlap, ratio, dual.marginal_error(ratio))
