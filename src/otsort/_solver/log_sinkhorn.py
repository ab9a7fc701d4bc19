"""Sinkhorn in the log domain."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._transport.semi_dual import SemiDual
from .._transport.start import Start, exact_start
from .._types import Scalar
from .base import AbstractEntropicSolver
from .epsilon_schedule import EpsilonSchedule
from .tolerance import Tolerance, default_tol


class _State(AbstractState):
    potential: Float[Array, " m"]
    log_ratio: Float[Array, " m"]  # at the epsilon of the next sweep, as the error
    marginal_error: Float[Array, ""]
    sweep: Int[Array, ""]


class LogSinkhorn(AbstractEntropicSolver):
    """Sinkhorn's method in the log domain, stable at every epsilon: equation (3) of Cuturi et al. (2019).

    Its steps are called sweeps. A sweep replaces the potential f by f - epsilon log s, with s the column sums of the
    plan divided by the weights of the target.

    Attributes:
        epsilon: regularisation of the answer, > 0. For an `EpsilonSchedule`, it is the epsilon that the schedule
            decreases to.
        tol: the marginal error to reach (the sum of the absolute errors of the column sums of the plan), 1e-6 in
            float32 and 1e-10 in float64 unless given; None for exactly max_steps sweeps.
        max_steps: the largest number of sweeps.
        differentiation: how derivatives are taken; `Implicit()` unless given.
        start: a function `problem -> f` that gives the first potential: `exact_start`, `zero_start`, or a `WarmStart`
            with an earlier potential.
        schedule: the epsilon of each sweep, if it varies.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.LogSinkhorn(0.05)))
        [1.35 2.71 2.22 3.99 4.74]
    """

    epsilon: Scalar
    tol: Tolerance
    max_steps: int = eqx.field(static=True)
    differentiation: AbstractDifferentiation
    start: Start
    schedule: EpsilonSchedule | None

    def __init__(
        self,
        epsilon: Scalar | EpsilonSchedule = 1e-2,
        tol: Tolerance = default_tol,
        max_steps: int = 10_000,
        differentiation: AbstractDifferentiation = Implicit(),
        start: Start = exact_start,
    ):
        varies = isinstance(epsilon, EpsilonSchedule)
        self.epsilon, self.schedule = (epsilon.target, epsilon) if varies else (epsilon, None)
        self.tol, self.max_steps, self.differentiation, self.start = tol, max_steps, differentiation, start

    def init(self, dual: SemiDual) -> tuple[SemiDual, _State]:
        return dual, self._evaluate(dual, self.start(dual.problem), jnp.zeros((), int))

    def step(self, constants: SemiDual, state: _State) -> _State:
        epsilon = self._epsilon(constants, state.sweep)
        return self._evaluate(constants, state.potential - epsilon * state.log_ratio, state.sweep + 1)

    def potential(self, constants: SemiDual, state: _State) -> Float[Array, " m"]:
        return constants.extend_to_weightless(state.potential, state.log_ratio)

    def _evaluate(self, dual: SemiDual, potential: Float[Array, " m"], sweep: Int[Array, ""]) -> _State:
        epsilon = self._epsilon(dual, sweep)
        log_ratio = SemiDual(dual.problem, epsilon).log_marginal_ratio(potential)
        # The error at a larger epsilon is not that of the answer, so it must not end the iteration.
        error = jnp.where(epsilon > dual.epsilon, jnp.inf, dual.marginal_error(jnp.exp(log_ratio)))
        return _State(potential, log_ratio, error, sweep)

    def _epsilon(self, dual: SemiDual, sweep: Int[Array, ""]) -> Float[Array, ""]:
        return dual.epsilon if self.schedule is None else self.schedule(sweep).astype(dual.epsilon.dtype)
