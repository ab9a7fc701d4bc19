"""Sinkhorn in the log domain."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._differentiation import AbstractDifferentiation, Implicit
from .._epsilon import EpsilonSchedule
from .._problem import Problem
from .._semidual import SemiDual
from .._start import exact_start
from .._types import Scalar
from .base import AbstractEntropicSolver, check_entropic


class _State(eqx.Module):
    potential: Float[Array, " m"]
    log_ratio: Float[Array, " m"]  # at the epsilon of the next sweep, as the error
    marginal_error: Float[Array, ""]
    sweep: Int[Array, ""]


class LogSinkhorn(AbstractEntropicSolver):
    """Stabilised Sinkhorn sweeps: equation (3) of Cuturi et al. (2019), sound at every epsilon.

    Attributes:
        epsilon: > 0, or an `EpsilonSchedule` that decreases to it during the solve.
        tol: marginal error to reach, or None for exactly max_steps sweeps.
        max_steps: at most so many sweeps.
        differentiation: `Implicit()` unless given.
        start: `problem -> f`, the first potential: `exact_start` or `zero_start`, or a potential kept from before.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1.
    """

    epsilon: Scalar | EpsilonSchedule = 1e-2
    tol: Scalar | None = 1e-6
    max_steps: int = 10_000
    differentiation: AbstractDifferentiation = Implicit()
    start: Callable[[Problem], Float[Array, " m"]] = exact_start

    def __check_init__(self):
        check_entropic(self)

    def init(self, dual: SemiDual) -> tuple[SemiDual, _State]:
        return dual, self._evaluate(dual, self.start(dual.problem), jnp.zeros((), int))

    def step(self, constants: SemiDual, state: _State) -> _State:
        epsilon = self._epsilon(constants, state.sweep)
        return self._evaluate(constants, state.potential - epsilon * state.log_ratio, state.sweep + 1)

    def potential(self, constants: SemiDual, state: _State) -> Float[Array, " m"]:
        return constants.settle(state.potential, state.log_ratio)

    def _evaluate(self, dual: SemiDual, potential: Float[Array, " m"], sweep: Int[Array, ""]) -> _State:
        epsilon = self._epsilon(dual, sweep)
        log_ratio = SemiDual(dual.problem, epsilon).log_ratio(potential)
        error = jnp.where(epsilon > dual.epsilon, jnp.inf, dual.marginal_error(jnp.exp(log_ratio)))
        return _State(potential, log_ratio, error, sweep)

    def _epsilon(self, dual: SemiDual, sweep: Int[Array, ""]) -> Float[Array, ""]:
        if isinstance(self.epsilon, EpsilonSchedule):
            return self.epsilon(sweep).astype(dual.epsilon.dtype)
        return dual.epsilon
