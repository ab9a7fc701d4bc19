"""Annealing within a solve, by the marginal error."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

import otsort


class _State(otsort.AbstractState):
    potential: Float[Array, " m"]
    log_ratio: Float[Array, " m"]  # at the epsilon of the next sweep
    epsilon: Float[Array, ""]
    error: Float[Array, ""]  # at that epsilon
    marginal_error: Float[Array, ""]  # infinite above the last epsilon


class Annealed(otsort.AbstractEntropicSolver):
    """Log-domain sweeps; epsilon falls by a factor once the marginal error at the present one is small.

    Attributes:
        epsilon: the last one.
        first: the first one.
        factor: of one fall, in (0, 1).
        threshold: on the marginal error.
        start: first potential, `otsort.exact_start` or `otsort.zero_start`.
        tol, max_steps, differentiation: as in `otsort.LogSinkhorn`.
    """

    epsilon: Float[Array, ""]
    first: Float[Array, ""]
    factor: Float[Array, ""]
    threshold: Float[Array, ""]
    start: otsort.ExactStart | otsort.ZeroStart
    tol: float
    max_steps: int = eqx.field(static=True)
    differentiation: otsort.AbstractDifferentiation = otsort.Implicit()

    def init(self, dual: otsort.SemiDual) -> tuple[otsort.SemiDual, _State]:
        return dual, self._evaluate(dual, self.start(dual.problem), jnp.maximum(self.first, dual.epsilon))

    def step(self, constants: otsort.SemiDual, state: _State) -> _State:
        lower = jnp.maximum(self.factor * state.epsilon, constants.epsilon)
        epsilon = jnp.where(state.error < self.threshold, lower, state.epsilon)
        return self._evaluate(constants, state.potential - state.epsilon * state.log_ratio, epsilon)

    def potential(self, constants: otsort.SemiDual, state: _State) -> Float[Array, " m"]:
        return constants.extend_to_weightless(state.potential, state.log_ratio)

    def _evaluate(self, dual: otsort.SemiDual, potential: Float[Array, " m"], epsilon: Float[Array, ""]) -> _State:
        log_ratio = otsort.SemiDual(dual.problem, epsilon).log_marginal_ratio(potential)
        error = dual.marginal_error(jnp.exp(log_ratio))
        return _State(potential, log_ratio, epsilon, error, jnp.where(epsilon > dual.epsilon, jnp.inf, error))
