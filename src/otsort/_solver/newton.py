"""Newton's method on the semi-dual."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._transport.dual import AbstractDual
from .._transport.linearised import Linearised
from .._transport.start import ExactStart, Start, exact_start
from .._transport.target import AbstractTarget
from .._types import Scalar
from .._xla import anywhere, lists_last, select_lists
from .base import AbstractEntropicSolver
from .tolerance import Tolerance, default_tol

MOST_TARGETS = 2**14  # a step factorises an m x m matrix, of 1 GiB in float32 for so many targets


class _State(AbstractState):
    potential: Float[Array, "m *lists"]
    ratio: Float[Array, "m *lists"]
    marginal_error: Float[Array, "*lists"]


class Newton(AbstractEntropicSolver):
    """Newton's method on the semi-dual: the default for short lists.

    The semi-dual is the entropic problem as a function of its potential. Each step solves one symmetric m x m system,
    so that the column sums of the plan approach the weights of the target. Steps are shortened so that no difference of
    two entries of the potential changes by more than 4 epsilon. The method starts from the exact potential of
    one-dimensional transport, `exact_start`. From there it needs no line search and no annealing. From another start it
    may fail, and reports that.

    Attributes:
        epsilon: the amount of smoothing (the regularisation), > 0, in units of the cost.
        tol: the marginal error to reach (the sum of the absolute errors of the column sums of the plan), 1e-6 in
            float32 and 1e-10 in float64 unless given; None for exactly max_steps steps.
        max_steps: the largest number of steps.
        differentiation: how derivatives are taken; `Implicit()` unless given.
        start: a function `problem -> f` that gives the first potential, one number for each target.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1; on use, more than 16384 targets.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.Newton(0.05)))
        [1.35 2.71 2.22 3.99 4.74]
    """

    epsilon: Scalar = 1e-2
    tol: Tolerance = default_tol
    max_steps: int = eqx.field(static=True, default=100)
    differentiation: AbstractDifferentiation = Implicit()
    start: Start = exact_start

    def takes_lists_last(self, n: int, target: AbstractTarget) -> bool:
        """Returns whether list and target are short, and start and derivative accept lists in the last axis."""
        kinds = isinstance(self.start, ExactStart) and isinstance(self.differentiation, Implicit)
        return kinds and lists_last(n, target.size)

    def init(self, dual: AbstractDual) -> tuple[AbstractDual, _State]:
        check_size(
            dual.problem.target,
            "Newton",
            "give fewer targets (num_targets), or use Quadrature (SquaredCost, uniform targets, epsilon of 1e-5 and "
            "more), LogSinkhorn (slow) or the exact NorthWestCorner()",
        )
        start = self.start(dual.problem)
        unknown = jnp.full(start.shape[1:], jnp.inf, start.dtype)  # the first step computes the error
        return dual, _State(start, jnp.ones_like(start), unknown)

    def step(self, constants: AbstractDual, state: _State) -> _State:
        linearised, ratio = constants.linearised(state.potential)
        return _move(constants, linearised, state.potential, ratio)

    def undifferentiated_step(self, constants: AbstractDual, state: _State, tol: Float[Array, ""]) -> _State:
        """Returns the state after a Newton step and further moves with its matrix, as long as each halves the error.

        A further move reuses the factorisation, so it costs only a few products of matrices with vectors. A new step
        costs a factorisation and exponentials.
        """
        dual = constants.with_cached_kernel(state.potential)
        linearised, ratio = dual.linearised(state.potential)

        def due(search: _Search) -> Bool[Array, "*lists"]:
            error = search.state.marginal_error
            # Moves are cheap and converge linearly. They continue to a tenth of the tolerance, so that no answer has an
            # error just below the tolerance.
            return search.first | ((error > 0.1 * tol) & (error < 0.5 * search.before))

        def correct(search: _Search) -> _Search:
            state, more = search.state, due(search)
            moved = _move(dual, linearised, state.potential, state.ratio)
            better = search.first | (moved.marginal_error < state.marginal_error)
            before = select_lists(more, state.marginal_error, search.before)
            return _Search(select_lists(more & better, moved, state), before, jnp.zeros_like(search.first))

        state = _State(state.potential, ratio, state.marginal_error)
        search = _Search(state, state.marginal_error, jnp.ones((), bool))
        return jax.lax.while_loop(lambda search: anywhere(due(search)), correct, search).state

    def potential(self, constants: AbstractDual, state: _State) -> Float[Array, "m *lists"]:
        return constants.extend_to_weightless(state.potential, jnp.log(state.ratio))


def check_size(target: AbstractTarget, solver: str, remedy: str) -> None:
    """Raises ValueError if an m x m matrix of the targets would be too large for a solver."""
    if target.size > MOST_TARGETS:
        raise ValueError(
            f"{solver} factorises an m x m matrix, and m = {target.size} is above {MOST_TARGETS}: {remedy}"
        )


class _Search(NamedTuple):
    """The state of a loop of moves with one matrix.

    Attributes:
        state: after the last move.
        before: the marginal error before the last move.
        first: whether no move was made yet.
    """

    state: _State
    before: Float[Array, "*lists"]
    first: Bool[Array, ""]


def _move(
    dual: AbstractDual, linearised: Linearised, potential: Float[Array, "m *lists"], ratio: Float[Array, "m *lists"]
) -> _State:
    change = linearised.newton_direction(ratio)
    # Targets without weight follow the others and may move far, so they do not shorten a step.
    weighted = dual.problem.target_weights > 0
    low = jnp.min(jnp.where(weighted, change, jnp.inf), axis=0)
    high = jnp.max(jnp.where(weighted, change, -jnp.inf), axis=0)
    # Numerics: longer moves may leave the region in which the method converges. With at most 8 epsilon in place of 4,
    # 29 of 2000 random problems failed; with 4, none did (`pytest -m slow -k hard_problems` runs some).
    length = 4 / jnp.maximum(high - low, 4)
    potential = potential + length[None] * dual.epsilon * change
    ratio = dual.marginal_ratio(potential)
    return _State(potential, ratio, dual.marginal_error(ratio))
