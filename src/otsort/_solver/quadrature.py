"""The solver for long lists, which compresses inputs and targets to measures with few points."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._long_lists.cells import moments
from .._long_lists.compress import Compressed, compress
from .._long_lists.node_plan import NodePlan
from .._long_lists.panels import ORDER, Panels
from .._long_lists.plan import TabulatedPlan
from .._long_lists.sizes import Sizes
from .._long_lists.sketch import sketched
from .._transport.cost import SquaredCost
from .._transport.entropic_plan import EntropicPlan
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.solution import RESULTS, DualSolution, Solution
from .._transport.start import WarmStart
from .._transport.target import AbstractGrid, AbstractTarget
from .._types import Cost, Scalar
from .._xla import materialised
from .base import AbstractSolver
from .newton import Newton
from .tolerance import Tolerances, default_tol

_MAX_POINTS = 2**12
#: The smallest epsilon. Below it there are so many nodes that computing with their matrices takes minutes.
SMALLEST_EPSILON = 1e-5
_ROUNDING_OF_EPSILON = 0.999  # an epsilon of float32 may miss a bound by its rounding


def compressible(target: AbstractTarget, cost: Cost, epsilon: float = SMALLEST_EPSILON) -> bool:
    """Returns whether `Quadrature` accepts a target, a cost and an epsilon."""
    few = isinstance(target, AbstractGrid) or target.size <= _MAX_POINTS
    return isinstance(cost, SquaredCost) and few and epsilon >= _ROUNDING_OF_EPSILON * SMALLEST_EPSILON


class Quadrature(AbstractSolver):
    """Newton's method on a smaller problem that stands for a long list, in O(n + m): the default for long lists.

    It needs no sort and no n x m array. Inputs are compressed to their mass and three more moments in each of about 8 /
    epsilon cells. A `UniformTarget`, or the target of `otsort.top_k`, is cut into panels, which are runs of
    neighbouring points and follow the data. Each panel is compressed to a Gauss rule of 8 nodes, about 4 epsilon^(-1/2)
    nodes in all. Other targets, of at most 4096 points, are not compressed.

    The potential of the nodes defines smooth functions of inputs and targets, from which all answers are read. These
    functions are interpolated from tables, at knots that follow the data. The sums over inputs in the equations for the
    potential are computed from the same tables. A list of up to about 10 epsilon^(-1/2) inputs is not compressed,
    because the tables would be longer.

    Derivatives are implicit, and are exactly those of these functions. Forward and reverse mode are supported, at any
    order, although each order loses digits of the tables.

    Attributes:
        epsilon: the amount of smoothing (the regularisation), > 0, in units of the cost.
        accuracy: the error of levels (ranks / n, the cdf) that the sizes of cells and tables are made for; 1e-6 in
            float64 and 1e-5 in float32 unless given. Sorted values, in units of their range, are about as accurate.
            Derivatives have relative errors about ten times as large.
        finest: the smallest epsilon that the solver may be used with. The sizes of cells and tables follow from it. It
            is epsilon unless given, and must be given if epsilon is traced.
        tol: the marginal error to reach (the sum of the absolute errors of the column sums of the plan), 1e-6 in
            float32 and 1e-10 in float64 unless given. It is raised to 0.25 eps_machine / epsilon if it is smaller,
            because rounding allows no less.
        max_steps: the largest number of Newton steps.

    Raises:
        ValueError: epsilon, finest, accuracy or tol not positive, max_steps below 1, finest below 1e-5 or above
            epsilon; on use, a cost
            that is not `SquaredCost`, or an `otsort.TargetMeasure` of more than 4096 points.
        TypeError: a traced epsilon without finest.
        RuntimeError: on use, positions outside [0, 1], or a traced epsilon below finest.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (1000,))
        >>> solution = otsort.solve(x, otsort.UniformTarget(1000), solver=otsort.Quadrature(1e-2))
        >>> print(solution.stats["discretisation_error"] < 1e-5)
        True
    """

    epsilon: Scalar
    tol: Scalar | Tolerances
    max_steps: int = eqx.field(static=True)
    accuracy: float | None = eqx.field(static=True)
    finest: float = eqx.field(static=True)

    order_only: ClassVar[bool] = False

    def __init__(
        self,
        epsilon: Scalar = 1e-2,
        accuracy: float | None = None,
        finest: float | None = None,
        tol: Scalar | Tolerances = default_tol,
        max_steps: int = 100,
    ):
        if isinstance(epsilon, str):
            raise TypeError(f"epsilon must be a positive number, got {epsilon!r}")
        if shape := np.shape(epsilon):
            raise ValueError(f"epsilon must be a scalar, got shape {shape}: use jax.vmap for several")
        named = "epsilon" if finest is None else "finest"
        if finest is None:
            if isinstance(epsilon, Tracer):
                raise TypeError("the sizes of Quadrature depend on epsilon: give finest, the least that it may be")
            finest = float(np.asarray(epsilon))
        if not _ROUNDING_OF_EPSILON * SMALLEST_EPSILON <= finest < math.inf:
            raise ValueError(
                f"{named} of Quadrature must be finite and at least {SMALLEST_EPSILON}, got {finest}: use Newton() for "
                "a short list, or NorthWestCorner() for the exact operators"
            )
        if not isinstance(epsilon, Tracer) and np.any(np.asarray(epsilon) < _ROUNDING_OF_EPSILON * finest):
            raise ValueError(f"finest must be at most epsilon, got {finest} for epsilon = {epsilon}: lower finest")
        if accuracy is not None and not accuracy > 0:
            raise ValueError(f"accuracy must be positive, or None for that of the dtype, got {accuracy}")
        # `finest` is rounded down, so a small change of epsilon changes no size and does not recompile the program.
        self.finest = 2 ** (math.floor(4 * math.log2(finest)) / 4)
        self.epsilon, self.accuracy, self.tol, self.max_steps = epsilon, accuracy, tol, max_steps

    def __check_init__(self):
        Newton(self.epsilon, tol=self.tol, max_steps=self.max_steps)  # it checks the three

    def solve(self, problem: Problem) -> Solution:
        """Returns the plan; see `AbstractSolver.solve`. Its marginal error is that of the compressed problem."""
        if not compressible(problem.target, problem.cost):
            raise ValueError(
                f"Quadrature is made for SquaredCost() and a UniformTarget, or at most {_MAX_POINTS} other points, "
                f"not for {problem.cost} and {problem.target.size} points: use solver=Newton(...) for other costs, "
                "LogSinkhorn(...) or NorthWestCorner() for other targets"
            )
        return self._solve(problem, 1.0)

    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Returns `discretisation_error`, the largest change of a level when the accuracy is a hundred times finer.

        It includes the errors of both measures and of all tables. It does not include rounding, which is the same in
        both solves, nor the error of derivatives.
        """
        finer = self._solve(problem, 100.0).plan
        return {"discretisation_error": jnp.max(jnp.abs(plan.level(0.5) - finer.level(0.5)))}

    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """Returns the size of densities and tables, or of comparisons; see `AbstractSolver.peak_entries`."""
        sizes = self.sizes(n, target)
        if sizes.tabulated:
            return 3 * sizes.pieces * sizes.nodes(target) + 8 * sizes.cells + 4 * n
        return n * (n + sizes.nodes(target) + target.size)

    def sizes(self, n: int | float, target: AbstractTarget, finer: float = 1.0) -> Sizes:
        """Returns the sizes for n inputs and a target.

        Args:
            n: number of inputs.
            target: to transport to.
            finer: number by which the accuracy is divided.
        """
        return Sizes.of(self.finest, self.accuracy, n, target, finer)

    def _solve(self, problem: Problem, finer: float) -> Solution:
        x, weights, target = problem.positions, problem.weights, problem.target
        sizes = self.sizes(x.size, target, finer)
        epsilon = jnp.asarray(self.epsilon, x.dtype)
        if sizes.tabulated:
            # Numerics: uniform weights become ones, whose sums are exact. `compress` divides by the total mass.
            cells = moments(weights * weights.size, x, sizes.cells)
            small, found = self.solve_moments(cells, target, sizes)
            plan = TabulatedPlan(small.dual, found.potential, x, weights, target, small.over_targets)
        else:
            # XLA: all loops over pairs read the positions; unless they are stored, each would repeat the squash.
            x, weights = materialised((x, weights))
            sketch = sketched(x, weights, target, epsilon, ORDER * sizes.panels, sizes)
            dual = SemiDual(Problem(x, weights, sketch.nodes, problem.cost), epsilon)
            found = self._newton(sketch.start).solve_dual(dual)
            nodes = isinstance(sketch.nodes, Panels)
            plan = NodePlan(dual, found.potential, target) if nodes else EntropicPlan(dual, found.potential)
        # Comparisons with NaN are false, so a list that holds NaN keeps the result of Newton's method.
        result = RESULTS.where(jnp.any((x < 0) | (x > 1)), RESULTS.outside, found.result)
        result = RESULTS.where(epsilon < _ROUNDING_OF_EPSILON * self.finest, RESULTS.too_fine, result)
        return Solution(plan, result, found.stats, found.state)

    def solve_moments(
        self, cells: Float[Array, "cells 4"], target: AbstractTarget, sizes: Sizes
    ) -> tuple[Compressed, DualSolution]:
        """Returns the compressed problem of inputs that are known by their moments, and its solution.

        Args:
            cells: moments of the inputs, up to a factor, see `compress`.
            target: to transport to.
            sizes: of the compressed problem.
        """
        small = compress(cells, target, jnp.asarray(self.epsilon, cells.dtype), sizes)
        return small, self._newton(small.start).solve_dual(small.dual)

    def _newton(self, start: Float[Array, " r"]) -> Newton:
        return Newton(self.epsilon, tol=self.tol, max_steps=self.max_steps, start=WarmStart(start))
