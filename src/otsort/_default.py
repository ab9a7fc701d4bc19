"""The solver when none is named."""

import math

import numpy as np

from ._checks import checked, is_traced
from ._compressed.compress import Sizes
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
    faster = _quadrature_time(n, target, quadrature.sizes(target)) < _newton_time(n, target.size)
    return quadrature if faster else newton


# Nanoseconds of ranks of one list among many, float32 on a CPU, fitted to the rows of benchmarks/default_solver.py.
# What counts is which is less: single lists take longer with both, and so do float64 and gradients.


def _newton_time(n: int, m: int) -> float:
    """By the start's sort, exponentials, and a product and a factorisation a step."""
    return 1400 + 9 * n * math.log2(n) + 10 * n * m + 12 * m**2 + 0.03 * n * m**2 + 0.01 * m**3


def _quadrature_time(n: int, target: AbstractTarget, sizes: Sizes) -> float:
    """By the sums over inputs and targets, tables, and the jets and the matrix of a step."""
    nodes = sizes.nodes(target)
    return 8000 + 5 * n + 10 * target.size + 25 * sizes.cells + 40 * sizes.pieces * nodes + 10 * nodes**2
