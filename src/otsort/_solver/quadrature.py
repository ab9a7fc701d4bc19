"""The solver for long lists: measures with few points in place of those with many."""

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Bool, Float

from .._cells import moments
from .._checks import require
from .._compression import ORDER, Panels, centroids, merged
from .._cost import SquaredCost
from .._knots import adapted_knots, num_lengths
from .._plan import AbstractPlan
from .._problem import Problem
from .._semidual import SemiDual
from .._solution import Found, Solution
from .._start import WarmStart, sorted_start
from .._table import Table
from .._tabulated import TabulatedDual, TabulatedPlan
from .._target import AbstractTarget, UniformTarget
from .._types import Cost, Scalar
from .base import AbstractSolver
from .newton import Newton

_MOST_POINTS = 2**12
#: Below it the nodes are so many that their matrices take minutes.
SMALLEST_EPSILON = 1e-5


class Sizes(NamedTuple):
    """How finely measures and functions are resolved; the powers are the orders of the errors.

    Attributes:
        panels: of the targets, `ORDER` nodes each.
        pieces: of a table, each a quintic polynomial.
        cells: of its regular grid, each a cubic polynomial.
    """

    panels: int
    pieces: int
    cells: int

    @classmethod
    def of(cls, epsilon: float, accuracy: float, target: AbstractTarget) -> "Sizes":
        """Sizes for a target: where its points are a gap apart, a plan changes within epsilon / gap."""
        gap = 1 / target.size if isinstance(target, UniformTarget) else 1
        lengths, finer = num_lengths(epsilon), (1 + 20 * gap) * 1e-6 / accuracy
        return cls(
            panels=math.ceil(1.3 * lengths / 4 * finer ** (1 / 16)),
            pieces=math.ceil(2 * lengths * finer ** (1 / 6)),
            cells=math.ceil(8 / epsilon * finer ** (1 / 4)),
        )


def compressible(target: AbstractTarget, cost: Cost) -> bool:
    """Whether `Quadrature` takes a target and a cost."""
    return isinstance(cost, SquaredCost) and (isinstance(target, UniformTarget) or target.size <= _MOST_POINTS)


class Compressed(NamedTuple):
    """A compressed problem.

    Attributes:
        dual: the problem.
        start: the exact potential of its nodes, where Newton's method starts.
        over_targets: the table for functions of the targets.
    """

    dual: TabulatedDual
    start: Float[Array, " r"]
    over_targets: Table


class Quadrature(AbstractSolver):
    """Newton's method on compressed measures: time and memory O(n + m), no sort and no n x m array.

    Inputs are known by their mass and three more moments in each of about 8 / epsilon cells, a `UniformTarget` is
    compressed to Gauss rules of 8 nodes in panels that follow the data, about 5 epsilon^(-1/2) nodes in all; other
    targets, of at most 4096 points, are taken as they are. Everything that is asked of all inputs or all targets is a
    smooth function given by the potential of the nodes, and is tabulated at knots that follow the data; so are the sums
    over inputs that the potential solves for. Derivatives are implicit, those of exactly these functions: forward and
    reverse mode, any order, though each order loses digits of the tables.

    Attributes:
        epsilon: > 0.
        accuracy: error of levels (ranks / n, the cdf) that the sizes are made for; 1e-6 in float64 and 1e-5 in
            float32 unless given. Sorted values, in units of their range, are about as good, relative
            derivatives about ten times worse.
        finest: the least epsilon that the sizes are made for; epsilon itself unless given, as it must be for a traced
            epsilon.
        tol: marginal error to reach, raised to 0.25 eps_machine / epsilon.
        max_steps: at most so many Newton steps.

    Raises:
        ValueError: epsilon, finest, accuracy or tol not positive, max_steps below 1, finest below 1e-5; on use,
            a cost that is not `SquaredCost`, or a target of more points.
        TypeError: a traced epsilon without finest.
        RuntimeError: on use, positions outside [0, 1], or a traced epsilon below finest.
    """

    epsilon: Scalar
    tol: Scalar
    max_steps: int
    accuracy: float | None = eqx.field(static=True)
    finest: float = eqx.field(static=True)

    order_only: ClassVar[bool] = False

    def __init__(
        self,
        epsilon: Scalar = 1e-2,
        accuracy: float | None = None,
        finest: float | None = None,
        tol: Scalar = 1e-6,
        max_steps: int = 100,
    ):
        if finest is None:
            if isinstance(epsilon, Tracer):
                raise TypeError("the sizes of Quadrature depend on epsilon: give finest, the least that it may be")
            finest = float(np.asarray(epsilon))
        if not finest >= SMALLEST_EPSILON:
            raise ValueError(
                f"Quadrature needs an epsilon of at least {SMALLEST_EPSILON}, got {finest}: use Newton() for a short "
                "list, or NorthWestCorner() for the exact operators"
            )
        if accuracy is not None and not accuracy > 0:
            raise ValueError(f"accuracy must be positive, got {accuracy}")
        Newton(epsilon, tol=tol, max_steps=max_steps)  # checks the three
        # Rounded, so that a small change of epsilon changes no size and does not recompile.
        self.finest = 2 ** (math.floor(4 * math.log2(finest)) / 4)
        self.epsilon, self.accuracy, self.tol, self.max_steps = epsilon, accuracy, tol, max_steps

    def solve(self, problem: Problem) -> Solution:
        """The plan; see `AbstractSolver.solve`. The marginal error is that of the compressed problem."""
        if not compressible(problem.target, problem.cost):
            raise ValueError(
                f"Quadrature is made for SquaredCost() and a UniformTarget, or at most {_MOST_POINTS} other points, "
                f"not for {problem.cost} and {problem.target.size} points: use solver=Newton(...) for other costs, "
                "LogSinkhorn(...) or NorthWestCorner() for other targets"
            )
        return self._solve(problem, self.accuracy_for(problem.target))

    def indicators(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """`discretisation_error`: the largest change of a level when the accuracy is made a hundred times finer.

        It sees the errors of both measures and all tables. It does not see rounding, which is the same in both, nor the
        error of derivatives.
        """
        finer = self._solve(problem, self.accuracy_for(problem.target) / 100).plan
        return {"discretisation_error": jnp.max(jnp.abs(plan.level(0.5) - finer.level(0.5)))}

    def entries(self, n: int, target: AbstractTarget) -> int:
        """Three for each node and piece of a table, and two for each of its cells; see `AbstractSolver.entries`."""
        sizes = Sizes.of(self.finest, self.accuracy_for(target), target)
        nodes = ORDER * sizes.panels if isinstance(target, UniformTarget) else target.size
        return 3 * sizes.pieces * min(nodes, target.size) + 2 * sizes.cells

    def accuracy_for(self, target: AbstractTarget) -> float:
        """The accuracy, or its default in the dtype of a target."""
        if self.accuracy is not None:
            return self.accuracy
        return 1e-5 if jnp.finfo(target.dtype).bits < 64 else 1e-6

    def _solve(self, problem: Problem, accuracy: float) -> Solution:
        sizes = Sizes.of(self.finest, accuracy, problem.target)
        x, weights = problem.positions, problem.weights
        inside = ~jnp.any((x < 0) | (x > 1))  # what is not a number shows in the result
        cells = moments(weights * weights.size, x, sizes.cells)  # sums of ones are exact
        compressed = self.compress(cells, problem.target, sizes, inside)
        found = self.find(compressed)
        plan = TabulatedPlan(compressed.dual, found.potential, x, weights, problem.target, compressed.over_targets)
        return Solution(plan, found.result, found.stats, found.state)

    def compress(
        self, cells: Float[Array, "cells 4"], target: AbstractTarget, sizes: Sizes, inside: Bool[ArrayLike, ""]
    ) -> Compressed:
        """The small problem, for inputs known by their moments alone.

        Args:
            cells: moments of the inputs in `sizes.cells` cells of [0, 1], up to a factor.
            target: to transport to.
            sizes: see there.
            inside: whether all inputs lie in [0, 1].
        """
        epsilon = jnp.asarray(self.epsilon, cells.dtype)
        epsilon = require(epsilon, ~(epsilon < 0.999 * self.finest), "epsilon is below Quadrature's finest: lower that")
        frozen_epsilon = stop_gradient(epsilon)

        # Where functions need resolution, from the exact potential: of the targets from few inputs ...
        inputs = centroids(stop_gradient(cells))
        grid = UniformTarget(ORDER * sizes.panels + 1, cells.dtype)
        few = merged(*inputs, math.ceil(sizes.cells / grid.size))
        coarse = SemiDual(Problem(*few, grid, SquaredCost()), frozen_epsilon)
        input_means = coarse.push(sorted_start(coarse.problem), coarse.problem.positions)
        nodes = target
        if isinstance(target, UniformTarget) and target.size > ORDER * sizes.panels:
            nodes = Panels(adapted_knots(input_means, frozen_epsilon, sizes.panels), target.size)
        # Behind this check the nodes are in memory; before it XLA would compute them anew for each pair with an input.
        message = "Quadrature needs positions in [0, 1]: squash them, or use Newton"
        inputs, nodes = require((inputs, nodes), inside, message)

        # ... and of the inputs.
        frozen_nodes = stop_gradient(nodes)
        start = sorted_start(Problem(*inputs, frozen_nodes, SquaredCost()))
        regular = SemiDual(Problem(grid.points, grid.weights, frozen_nodes, SquaredCost()), frozen_epsilon)
        target_means = regular.pull(start, frozen_nodes.points)
        over_inputs, over_targets = (
            Table(adapted_knots(means, frozen_epsilon, sizes.pieces), sizes.cells)
            for means in (target_means, input_means)
        )
        problem = Problem(over_inputs.knots, jnp.zeros_like(over_inputs.knots), nodes, SquaredCost())
        masses = over_inputs.functional(cells / jnp.sum(cells[:, 0]))
        return Compressed(TabulatedDual(problem, epsilon, over_inputs, masses), start, over_targets)

    def find(self, compressed: Compressed) -> Found:
        """The potential of the small problem, with its derivatives."""
        newton = Newton(self.epsilon, tol=self.tol, max_steps=self.max_steps, start=WarmStart(compressed.start))
        return newton.find(compressed.dual)
