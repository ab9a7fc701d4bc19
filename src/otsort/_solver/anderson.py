"""Anderson acceleration of the Sinkhorn sweep."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._checks import is_traced
from .._differentiation import AbstractDifferentiation, AbstractState, Implicit
from .._transport.semi_dual import SemiDual
from .._transport.start import Start, exact_start
from .._types import Scalar
from .._xla import matvec
from .base import AbstractEntropicSolver
from .tolerance import Tolerance, default_tol


class _State(AbstractState):
    potential: Float[Array, " m"]
    swept: Float[Array, "h m"]  # the last potentials after one sweep each, the latest first
    changes: Float[Array, "h m"]  # by those sweeps
    num_seen: Int[Array, ""]
    marginal_error: Float[Array, ""]


class AndersonSinkhorn(AbstractEntropicSolver):
    """Anderson acceleration of log-domain Sinkhorn: Anderson (1965), in the form of Walker and Ni (2011).

    A Sinkhorn sweep replaces the potential f by f - epsilon log s, with s the column sums of the plan divided by the
    weights of the target. The method remembers the results of the last few sweeps. The next potential is a combination
    of these results, with weights that sum to 1. The weights make the same combination of the changes by these sweeps
    as small as possible. The method saves sweeps at loose tolerances, but may need more of them than `LogSinkhorn` at
    tight ones: measure both.

    Attributes:
        epsilon: the amount of smoothing (the regularisation), > 0, in units of the cost.
        tol: the marginal error to reach (the sum of the absolute errors of the column sums of the plan), 1e-6 in
            float32 and 1e-10 in float64 unless given; None for exactly max_steps sweeps.
        max_steps: the largest number of sweeps.
        differentiation: how derivatives are taken; `Implicit()` unless given.
        start: a function `problem -> f` that gives the first potential, one number for each target.
        history_size: number of sweeps that are combined, at least 2.
        ridge: regularisation of the weights, relative to the largest squared change, > 0.

    Raises:
        ValueError: epsilon, tol or ridge not positive, max_steps below 1, history_size below 2.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.AndersonSinkhorn(0.05)))
        [1.35 2.71 2.22 3.99 4.74]
    """

    epsilon: Scalar = 1e-2
    tol: Tolerance = default_tol
    max_steps: int = eqx.field(static=True, default=10_000)
    differentiation: AbstractDifferentiation = Implicit()
    start: Start = exact_start
    history_size: int = eqx.field(static=True, default=5)
    ridge: Scalar = 1e-5

    def __check_init__(self):
        if self.history_size < 2:
            raise ValueError(f"history_size must be at least 2, got {self.history_size}")
        if not (is_traced(self.ridge) or np.asarray(self.ridge) > 0):
            raise ValueError(f"ridge must be positive, got {self.ridge}: its default is 1e-5")

    def init(self, dual: SemiDual) -> tuple[SemiDual, _State]:
        start = self.start(dual.problem)
        none = jnp.zeros((self.history_size, start.size), start.dtype)
        return dual, self._evaluate(dual, start, none, none, jnp.zeros((), int))

    def step(self, constants: SemiDual, state: _State) -> _State:
        # Numerics: changes shrink as the iteration converges, and their products shrink faster. A ridge of fixed size
        # would soon outweigh the products, so it is relative to the largest one.
        products = jnp.matmul(state.changes, state.changes.T, precision="highest")
        scale = jnp.max(jnp.diagonal(products))
        dtype = products.dtype
        ridge = jnp.asarray(self.ridge, dtype) * jnp.where(scale > 0, scale, 1)
        seen = (jnp.arange(self.history_size) < state.num_seen).astype(dtype)
        # Sweeps that have not been made yet get the weight 0: their row is one of the identity, their right side is 0.
        matrix = products + jnp.diag(jnp.where(seen > 0, ridge, jnp.ones_like(seen)))
        weights = jnp.linalg.solve(matrix, seen)
        potential = matvec(state.swept.T, weights / jnp.sum(weights))
        return self._evaluate(constants, potential, state.swept, state.changes, state.num_seen)

    def potential(self, constants: SemiDual, state: _State) -> Float[Array, " m"]:
        return jnp.where(constants.problem.target.weights > 0, state.potential, state.swept[0])

    def _evaluate(
        self,
        dual: SemiDual,
        potential: Float[Array, " m"],
        swept: Float[Array, "h m"],
        changes: Float[Array, "h m"],
        num_seen: Int[Array, ""],
    ) -> _State:
        log_ratio = dual.log_marginal_ratio(potential)
        change = -dual.epsilon * log_ratio
        first = lambda row, rows: jnp.concatenate([row[None], rows[:-1]])
        return _State(
            potential,
            first(potential + change, swept),
            first(change, changes),
            num_seen + 1,
            dual.marginal_error(jnp.exp(log_ratio)),
        )
