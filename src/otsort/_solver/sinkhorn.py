"""Sinkhorn in the kernel domain."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._differentiation import AbstractDifferentiation, AbstractState, Unrolled
from .._transport.semi_dual import SemiDual
from .._types import Scalar
from .._xla import matvec
from .base import AbstractEntropicSolver
from .tolerance import Tolerance


class _Constants(eqx.Module):
    dual: SemiDual
    kernel: Float[Array, "n m"]


class _State(AbstractState):
    denominator: Float[Array, " m"]  # v = b / denominator
    received: Float[Array, " m"]  # K^T u, the next denominator
    marginal_error: Float[Array, ""]


class Sinkhorn(AbstractEntropicSolver):
    """Sinkhorn's method in the kernel domain: Algorithm 1 of Cuturi et al. (2019) as it is written, from u_0 = 1.

    Its steps are called sweeps. A sweep consists of two matrix-vector products with the n x m kernel exp(-C / epsilon),
    which is stored. It is the fastest sweep, for moderate epsilon and a fixed number of sweeps. At small epsilon (below
    about 1e-2 in float32), the kernel underflows or its derivative overflows. Such a solve is reported as not finite.

    Attributes:
        epsilon: the amount of smoothing (the regularisation), > 0, in units of the cost.
        tol: None for exactly max_steps sweeps, as in the paper, or a marginal error to reach.
        max_steps: the number of sweeps; with a tolerance, the largest number.
        differentiation: how derivatives are taken; `Unrolled()` unless given.

    Raises:
        ValueError: epsilon or tol not positive, max_steps below 1.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.Sinkhorn(0.05, max_steps=50)))
        [1.35 2.71 2.22 3.99 4.74]
    """

    epsilon: Scalar = 1e-2
    tol: Tolerance = None
    max_steps: int = eqx.field(static=True, default=100)
    differentiation: AbstractDifferentiation = Unrolled()

    def init(self, dual: SemiDual) -> tuple[_Constants, _State]:
        problem = dual.problem
        kernel = jnp.exp(-problem.cost(problem.target.points[None, :] - problem.positions[:, None]) / dual.epsilon)
        received = matvec(kernel.T, jnp.ones_like(problem.positions))
        infinite = jnp.asarray(jnp.inf, received.dtype)
        return _Constants(dual, kernel), _State(jnp.full_like(received, infinite), received, infinite)  # v_0 = 0

    def step(self, constants: _Constants, state: _State) -> _State:
        problem, kernel = constants.dual.problem, constants.kernel
        b = problem.target.weights
        sent = matvec(kernel, b / state.received)
        received = matvec(kernel.T, problem.weights / sent)
        # Numerics: the derivative divides by the squares of these numbers. It overflows where they are below the square
        # root of the least number.
        least = jnp.sqrt(jnp.finfo(b.dtype).tiny)
        sound = jnp.all(sent > least) & jnp.all(state.received > least)
        error = constants.dual.marginal_error(received / state.received)
        return _State(state.received, received, jnp.where(sound, error, jnp.nan))

    def potential(self, constants: _Constants, state: _State) -> Float[Array, " m"]:
        """Returns f = epsilon log(v / b)."""
        potential = -constants.dual.epsilon * jnp.log(state.denominator)
        return constants.dual.extend_to_weightless(potential, jnp.log(state.received / state.denominator))
