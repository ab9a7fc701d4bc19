"""Differentiation through all steps, with checkpoints: steps between two checkpoints are taken twice."""

import math

import jax
from jaxtyping import Array, Float

from .base import AbstractDifferentiation, AbstractIteration, Progress, run_stored


class Checkpointed(AbstractDifferentiation):
    """The derivative through the steps that were taken, with only a few of the states stored.

    The derivative is that of `Unrolled`. Memory grows with the square root of max_steps, at twice the work. Forward and
    reverse mode are supported, at any order.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.Sinkhorn(0.05, differentiation=otsort.Checkpointed())
        >>> print(jax.grad(lambda x: otsort.rank(x, solver=solver)[1])(x))
        [-0.03  0.29 -0.17 -0.08 -0.01]
    """

    def run(self, iteration: AbstractIteration) -> tuple[Float[Array, " m"], Progress]:
        constants, progress = iteration.begin()
        size = math.isqrt(iteration.max_steps)
        blocks, rest = divmod(iteration.max_steps, size)
        # There are about sqrt(max_steps) blocks of as many steps. The states between blocks are stored, and the steps
        # of one block at a time.
        block = jax.checkpoint(lambda progress, _: (run_stored(iteration, constants, progress, size), None))
        progress, _ = jax.lax.scan(block, progress, length=blocks)
        progress = run_stored(iteration, constants, progress, rest)
        return iteration.potential(constants, progress), progress
