"""Differentiation through the last steps only."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import with_jvp
from .base import AbstractDifferentiation, AbstractIteration, Progress, run_undifferentiated, undifferentiated


class OneStep(AbstractDifferentiation):
    """The derivative through only k steps, which are taken once more from the converged state.

    One-step differentiation is due to Bolte, Pauwels and Vaiter (2023). Its error is the rate of convergence to the
    power k. Forward and reverse mode are supported. Second derivatives would miss terms of the same order, so they
    raise an error.

    Attributes:
        k: number of steps, at least 1; a smaller one raises ValueError.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.LogSinkhorn(0.05, differentiation=otsort.OneStep(k=20))
        >>> print(jax.grad(lambda x: otsort.rank(x, solver=solver)[1])(x))
        [-0.03  0.29 -0.17 -0.08 -0.01]
    """

    k: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if self.k < 1:
            raise ValueError(f"OneStep needs at least one step, got k={self.k}")

    def run(self, iteration: AbstractIteration) -> tuple[Float[Array, " m"], Progress]:
        _, progress = run_undifferentiated(iteration)
        constants, _ = iteration.begin()
        # One step more than k is taken. The first one moves by the error in the frozen state, which has no derivative;
        # the error that it measures afterwards has one.
        step = lambda progress, _: (iteration.step(constants, progress), None)
        progress, _ = jax.lax.scan(step, undifferentiated(progress), length=self.k + 1)
        return _first_order(iteration.potential(constants, progress)), progress


def _first_order(potential: Float[Array, " m"]) -> Float[Array, " m"]:
    """Returns the potential, and raises where a second derivative is taken of it."""
    return with_jvp(lambda potential: potential, _first_order_jvp, potential)


def _first_order_jvp(primals, tangents):
    (potential,), (change,) = primals, tangents
    ones = with_jvp(jnp.ones_like, _refuse, potential)
    return _first_order(potential), ones * change


def _refuse(primals, tangents):
    raise NotImplementedError("OneStep has no second derivative: use Implicit() or Unrolled().")
