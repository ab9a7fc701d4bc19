"""Newton's method for quadratic regularisation, whose plans have exact zeros."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._transport.capped_simplex import two_target_potential
from .._transport.dual import AbstractDual
from .._transport.linearised import Linearised
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.sparse_dual import SparseDual
from .._transport.sparse_plan import SparsePlan
from .._transport.start import ExactStart, Start, exact_start
from .._transport.target import AbstractTarget, UniformTarget
from .._types import Scalar
from .._xla import anywhere, lists_last, select_lists
from .base import AbstractIterativeSolver
from .newton import check_size
from .tolerance import Tolerance, default_tol

_DAMPING = 1e-3  # of Newton's system, times the marginal error
_MAX_HALVINGS = 20


class _State(AbstractState):
    """A potential, and the thresholds of the inputs, the marginal ratios and the marginal error that belong to it."""

    potential: Float[Array, "m *lists"]
    thresholds: Float[Array, "n *lists"]
    ratio: Float[Array, "m *lists"]
    marginal_error: Float[Array, "*lists"]


class SparseNewton(AbstractIterativeSolver):
    """Newton's method with quadratic instead of entropic regularisation, for plans with exact zeros.

    The plan minimises the cost plus (epsilon / 2) sum_ij P_ij^2 / (a_i b_j) (Blondel et al., 2018). Its entries are
    exactly zero where a target is too far from a value. Gates and masks therefore have exact zeros too: see
    :doc:`/how_to/sparse`. The method starts from the exact potential, and halves a step that goes too far. With two
    targets, as in a mask, the solution is found directly, in O(n). With `tol=None`, max_steps steps follow even then.

    Derivatives are implicit, with the set of positive entries of the plan held fixed. Where an entry reaches zero, the
    first derivative jumps, and second derivatives leave out the jump. Memory is O(n m).

    Attributes:
        epsilon: the amount of smoothing (the regularisation), > 0, in units of the cost.
        tol: the marginal error to reach (the sum of the absolute errors of the column sums of the plan), 1e-6 in
            float32 and 1e-10 in float64 unless given; None for exactly max_steps steps.
        max_steps: the largest number of steps.
        differentiation: `Implicit()`, which is the only choice.
        start: a function `problem -> f` that gives the first potential. It is not used with two targets.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1; on use, more than 16384 targets.
        TypeError: another differentiation.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.SparseNewton(0.1)))
        [1.64 2.58 2.18 4.06 4.54]
    """

    epsilon: Scalar = 1e-2
    tol: Tolerance = default_tol
    max_steps: int = eqx.field(static=True, default=100)
    differentiation: AbstractDifferentiation = Implicit()
    start: Start = exact_start

    def __check_init__(self):
        if not isinstance(self.differentiation, Implicit):
            raise TypeError(f"differentiation of SparseNewton must be Implicit(), got {self.differentiation}")

    def takes_lists_last(self, n: int, target: AbstractTarget) -> bool:
        """Returns whether lists and target are short, and the start accepts lists in the last axis."""
        return isinstance(self.start, ExactStart) and lists_last(n, target.size)

    def dual(self, problem: Problem) -> SparseDual:
        return SparseDual(problem, jnp.asarray(self.epsilon, problem.positions.dtype))

    def plan(self, dual: AbstractDual, potential: Float[Array, "m *lists"]) -> AbstractPlan:
        assert isinstance(dual, SparseDual)
        return SparsePlan(dual, potential)

    def init(self, dual: SparseDual) -> tuple[SparseDual, _State]:
        check_size(dual.problem.target, "SparseNewton", "give fewer targets (num_targets)")
        start = (
            two_target_potential(dual.problem, dual.epsilon)
            if dual.problem.target.size == 2
            else self.start(dual.problem)
        )
        return dual, _state(dual, start, dual.row_thresholds(start))

    def step(self, constants: SparseDual, state: _State) -> _State:
        problem, epsilon, error = constants.problem, constants.epsilon, state.marginal_error
        overlap = constants.overlap_above(state.thresholds, state.potential)
        # Numerics: without damping, targets that exchange nothing would move by any amount.
        damping = jnp.maximum(_DAMPING * jnp.minimum(error, 1), 32 * jnp.finfo(error.dtype).eps)
        together = lists_last(len(problem.positions), problem.target.size)
        change = Linearised(overlap, problem.target_weights, damping[None], together).damped_direction(state.ratio)
        slope = lambda ratio: jnp.sum(problem.target_weights * (1 - ratio) * change, axis=0)
        first = slope(state.ratio)
        least_change = jnp.min(jnp.where(problem.target_weights > 0, change, jnp.inf), axis=0)

        def trial(length: Float[Array, "*lists"]) -> tuple[_State, Bool[Array, "*lists"]]:
            potential = state.potential + length[None] * epsilon * change
            # A threshold rises by no less than the least rise of the exponents.
            at_least = state.thresholds + (length * least_change)[None]
            found = _state(constants, potential, constants.row_thresholds(potential, at_least))
            # The dual is concave. A step is too long if the slope along it turns around, to more than half of its size.
            # A comparison of values of the dual would be limited by their rounding.
            return found, slope(found.ratio) < -first / 2

        def halve(search: _Search) -> _Search:
            length = jnp.where(search.too_long, search.length / 2, search.length)
            found, too_long = trial(length)
            found = select_lists(search.too_long, found, search.state)
            return _Search(found, length, search.too_long & too_long, search.halvings + 1)

        length = jnp.ones_like(error)
        found, too_long = trial(length)
        search = _Search(found, length, too_long, jnp.zeros((), int))
        due = lambda search: anywhere(search.too_long) & (search.halvings < _MAX_HALVINGS)
        return jax.lax.while_loop(due, halve, search).state

    def potential(self, constants: SparseDual, state: _State) -> Float[Array, "m *lists"]:
        target = constants.problem.target
        if isinstance(target, UniformTarget) and target.count is None:
            return state.potential  # all targets have weight
        return constants.extend_to_weightless(state.potential, jnp.zeros_like(state.potential))


def _state(dual: SparseDual, potential: Float[Array, "m *lists"], thresholds: Float[Array, "n *lists"]) -> _State:
    ratio = dual.ratio_above(thresholds, potential)
    return _State(potential, thresholds, ratio, dual.marginal_error(ratio))


class _Search(NamedTuple):
    """A step that is halved until it is not too long."""

    state: _State
    length: Float[Array, "*lists"]
    too_long: Bool[Array, "*lists"]
    halvings: Int[Array, ""]
