"""The solver when none is named."""

import numpy as np

from ._checks import checked, is_traced
from ._solver import (
    MOST_TARGETS,
    SMALLEST_EPSILON,
    AbstractSolver,
    Newton,
    NorthWestCorner,
    Quadrature,
    compressible,
)
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
        positive = lambda epsilon: epsilon > 0
        epsilon = checked(epsilon, positive, "a traced epsilon must be positive", throw=throw)
        if target.size > MOST_TARGETS and compressible(target, cost):
            return Quadrature(epsilon, finest=SMALLEST_EPSILON)
        return Newton(epsilon)
    epsilon = float(np.asarray(epsilon))
    if epsilon == 0:
        return NorthWestCorner()
    newton = Newton(epsilon)
    if not compressible(target, cost, epsilon):
        return newton
    quadrature = Quadrature(epsilon)
    return quadrature if quadrature.entries(n, target) < n * target.size else newton
