"""Differentiation through all steps."""

from jaxtyping import Array, Float

from .base import AbstractDifferentiation, AbstractIteration, Progress, run_stored


class Unrolled(AbstractDifferentiation):
    """The derivative through the steps that were taken, each of which is stored: memory grows with max_steps.

    The derivative is exactly that of the computed answer, whether it converged or not. The one exception is the matrix
    of a step of `Newton`, which counts as a constant; this makes no difference in the limit. With a tolerance, all
    max_steps steps are compiled, and steps after convergence are skipped (under `jax.vmap`, masked). Forward and
    reverse mode are supported, at any order.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.LogSinkhorn(0.05, tol=None, max_steps=30, differentiation=otsort.Unrolled())
        >>> print(jax.grad(lambda x: otsort.rank(x, solver=solver)[1])(x))
        [-0.03  0.29 -0.17 -0.08 -0.01]
    """

    def run(self, iteration: AbstractIteration) -> tuple[Float[Array, " m"], Progress]:
        constants, progress = iteration.begin()
        progress = run_stored(iteration, constants, progress, iteration.max_steps)
        return iteration.potential(constants, progress), progress
