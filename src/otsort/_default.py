"""The solver when none is named."""

import jax.numpy as jnp
import numpy as np

from ._checks import is_traced, require
from ._solver import SMALLEST_EPSILON, AbstractSolver, Newton, NorthWestCorner, Quadrature, compressible
from ._target import AbstractTarget
from ._types import Cost, Scalar


def default_solver(epsilon: Scalar, n: int, target: AbstractTarget, cost: Cost, throw: bool) -> AbstractSolver:
    """The exact solver for epsilon = 0, else Newton, or Quadrature where that is estimated to be faster.

    Raises:
        ValueError: an epsilon that is negative, or not a scalar.
    """
    if np.ndim(epsilon):
        raise ValueError(f"epsilon must be a scalar, got shape {np.shape(epsilon)}: use jax.vmap for several")
    if is_traced(epsilon):
        epsilon = jnp.asarray(epsilon, float)
        return Newton(epsilon=require(epsilon, epsilon > 0, "a traced epsilon must be positive", throw))
    epsilon = float(np.asarray(epsilon))
    if epsilon == 0:
        return NorthWestCorner()
    newton = Newton(epsilon=epsilon)
    if epsilon < SMALLEST_EPSILON or not compressible(target, cost):
        return newton
    quadrature = Quadrature(epsilon=epsilon)
    return quadrature if quadrature.entries(n, target) < n * target.size else newton
