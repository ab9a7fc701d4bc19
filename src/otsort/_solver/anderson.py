"""Anderson acceleration of the Sinkhorn sweep."""

import warnings
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._semidual import SemiDual
from .._start import Start, exact_start
from .._types import Scalar
from .base import AbstractEntropicSolver


class _State(AbstractState):
    potential: Float[Array, " m"]
    swept: Float[Array, " m"]  # one sweep after the potential
    history: Any
    marginal_error: Float[Array, ""]


class AndersonSinkhorn(AbstractEntropicSolver):
    """Log-domain sweeps extrapolated from the last few: jaxopt's AndersonAcceleration.

    It saves sweeps at loose tolerances and may need more than `LogSinkhorn` at tight ones: measure.

    Attributes:
        epsilon: > 0.
        tol: marginal error to reach, or None for exactly max_steps sweeps.
        max_steps: at most so many sweeps.
        differentiation: `Implicit()` unless given.
        start: `problem -> f`, the first potential.
        history_size: number of sweeps extrapolated from, at least 2.
        ridge: regularisation of the extrapolation, relative to the largest squared residual, > 0.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1, history_size below 2.
    """

    epsilon: Scalar = 1e-2
    tol: Scalar | None = 1e-6
    max_steps: int = eqx.field(static=True, default=10_000)
    differentiation: AbstractDifferentiation = Implicit()
    start: Start = exact_start
    history_size: int = eqx.field(static=True, default=5)
    ridge: Scalar = 1e-5

    def __check_init__(self):
        if self.history_size < 2:
            raise ValueError(f"history_size must be at least 2, got {self.history_size}")

    def init(self, dual: SemiDual) -> tuple[SemiDual, _State]:
        start = self.start(dual.problem)
        history = self._anderson(dual).init_state(_wide(start))
        return dual, _State(start, start, history, jnp.asarray(jnp.inf, start.dtype))

    def step(self, constants: SemiDual, state: _State) -> _State:
        # jaxopt's ridge is absolute; residuals shrink as the iteration converges, and their Gram matrix faster.
        scale = jnp.max(jnp.diagonal(state.history.residual_gram))
        ridge = self.ridge * jnp.maximum(scale, jnp.finfo(scale.dtype).tiny / self.ridge)
        swept, history = self._anderson(constants, ridge).update(_wide(state.swept), state.history)
        potential, error = history.aux
        return _State(potential, swept.astype(potential.dtype), history, error)

    def potential(self, constants: SemiDual, state: _State) -> Float[Array, " m"]:
        return jnp.where(constants.problem.target.weights > 0, state.potential, state.swept)

    def _anderson(self, dual: SemiDual, ridge: Any = 1.0):
        with warnings.catch_warnings():  # jaxopt announces at import that it is no longer developed
            warnings.simplefilter("ignore", DeprecationWarning)
            from jaxopt import AndersonAcceleration

        def sweep(potential):
            potential = potential.astype(dual.epsilon.dtype)
            log_ratio = dual.log_marginal_ratio(potential)
            return _wide(potential - dual.epsilon * log_ratio), (potential, dual.marginal_error(jnp.exp(log_ratio)))

        return AndersonAcceleration(
            sweep, history_size=self.history_size, ridge=ridge, has_aux=True, implicit_diff=False
        )


def _wide(potential: Array) -> Array:
    """In the default dtype, the only one that jaxopt's history takes."""
    return potential.astype(jnp.zeros(()).dtype)
