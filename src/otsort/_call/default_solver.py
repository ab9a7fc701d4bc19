"""The solver that the options name, and the default solver."""

import functools
import math
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_array, checked, is_traced
from .._long_lists.sizes import Sizes
from .._solver import (
    MOST_TARGETS,
    SMALLEST_EPSILON,
    AbstractSolver,
    Newton,
    NorthWestCorner,
    Quadrature,
    Tolerances,
    compressible,
)
from .._transport.start import MAX_COMPARED
from .._transport.target import AbstractTarget
from .._types import Cost, Scalar

_Solver = TypeVar("_Solver", bound=AbstractSolver)


def as_solver(
    solver: AbstractSolver | None, epsilon: Scalar | None, n: int, target: AbstractTarget, cost: Cost, throw: bool
) -> AbstractSolver:
    """Returns the solver that the two options name, with arrays in place of numbers.

    Another value of an array does not recompile a program.

    Raises:
        TypeError: both options are given, or solver is not a solver.
        ValueError: epsilon is negative or not a scalar.
    """
    if solver is not None and epsilon is not None:
        raise TypeError("give either solver or epsilon: epsilon is short for the default solver at that epsilon")
    if solver is None:
        solver = default_solver(1e-2 if epsilon is None else epsilon, n, target, cost, throw)
    if not isinstance(solver, AbstractSolver):
        raise TypeError(f"solver must be a solver such as otsort.Newton(epsilon=1e-2), got {solver!r}")
    is_tolerances = lambda leaf: isinstance(leaf, Tolerances)
    number = lambda leaf: leaf.of(target.dtype) if isinstance(leaf, Tolerances) else leaf
    array = lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf
    return jax.tree.map(array, jax.tree.map(number, solver, is_leaf=is_tolerances))


def default_solver(epsilon: Scalar, n: int, target: AbstractTarget, cost: Cost, throw: bool) -> AbstractSolver:
    """Returns the exact solver for epsilon = 0; otherwise Newton, or Quadrature if it is estimated to be faster.

    Raises:
        ValueError: epsilon is negative, not finite or not a scalar.
        TypeError: epsilon is not a number.
    """
    given = as_array(epsilon, "epsilon")
    if given.ndim:
        raise ValueError(f"epsilon must be a scalar, got shape {given.shape}: use jax.vmap for several")
    if is_traced(given):
        remedy = "for exact operators make 0 static (static_argnames)"
        epsilon = checked(
            given,
            lambda epsilon: epsilon > 0,
            "epsilon",
            "must be positive where it is traced",
            remedy=remedy,
            throw=throw,
        )
        if target.size > MOST_TARGETS and compressible(target, cost):
            return Quadrature(epsilon, finest=SMALLEST_EPSILON)
        return Newton(epsilon)
    allowed = "epsilon must be a finite number, 0 for the exact operators or positive for soft ones"
    if not np.issubdtype(given.dtype, np.number):
        raise TypeError(f"{allowed}, got {epsilon!r}")
    epsilon = float(given)
    if not 0 <= epsilon < math.inf:
        raise ValueError(f"{allowed}, got {epsilon}")
    if epsilon == 0:
        return NorthWestCorner()
    newton = _made(Newton, epsilon)
    if newton.takes_lists_last(n, target) or not compressible(target, cost, epsilon):
        return newton
    quadrature = _made(Quadrature, epsilon)
    faster = _quadrature_time(n, target, quadrature.sizes(n, target)) < _newton_time(n, target.size)
    return quadrature if faster else newton


@functools.lru_cache
def _made(kind: Callable[[float], _Solver], epsilon: float) -> _Solver:
    """Returns a solver of a kind, cached, because making and checking it takes longer than many calls.

    It holds no arrays, which would belong to the trace and to the devices in which they were made.
    """
    return kind(epsilon)


# The two functions estimate the nanoseconds of ranks and their gradient for one list among many, in float32 on a CPU.
# Their constants are about those of the rows of benchmarks/scripts/default_solver.py. Only the comparison counts:
# single lists and float64 take longer with both solvers. Cells take even longer in float64, and have a term for it.

_COMPARISON = 0.3  # nanoseconds for each pair of inputs, where each is compared with each


def _newton_time(n: int, m: int) -> float:
    """Returns the estimate for Newton. Its start compares each of few inputs with each, or sorts many inputs."""
    return _steps_time(n, m) + (_COMPARISON * n**2 if n <= MAX_COMPARED else 6000 + 12 * n * math.log2(n))


def _steps_time(n: int, m: int) -> float:
    """Returns the estimate for the exponentials, and for the matrix product and the factorisation of each step."""
    return 3500 + 9 * n * m + 5 * m**2 + 0.04 * n * m**2 + 0.05 * m**3


def _quadrature_time(n: int, target: AbstractTarget, sizes: Sizes) -> float:
    """Returns the estimate for Quadrature: sums over the inputs, tables, and Newton's steps on the tables.

    Without tables, it is that of Newton's method with fewer targets, and a start that never sorts.
    """
    nodes = sizes.nodes(target)
    if not sizes.tabulated:
        return _steps_time(n, nodes) + _COMPARISON * n**2 + 4 * target.size
    cell = 8 + 3 * target.dtype.itemsize
    return 8500 + 14 * n + 4 * target.size + cell * sizes.cells + 40 * sizes.pieces * nodes + 0.02 * nodes**3
