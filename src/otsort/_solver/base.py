"""The interface of all solvers, and the iteration that entropic solvers share."""

import abc
import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox import AbstractClassVar, AbstractVar
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._checks import is_traced
from .._differentiation import AbstractDifferentiation, AbstractIteration, AbstractState, Progress
from .._transport.dual import AbstractDual
from .._transport.entropic_plan import EntropicPlan
from .._transport.plan import AbstractPlan
from .._transport.problem import Problem
from .._transport.semi_dual import SemiDual
from .._transport.solution import RESULTS, DualSolution, Solution
from .._transport.start import counted_entries
from .._transport.target import AbstractTarget
from .._types import Scalar
from .._xla import materialised, varying_as
from .epsilon_schedule import EpsilonSchedule
from .tolerance import Tolerance, Tolerances


class AbstractSolver(eqx.Module):
    """A method that solves one transport problem.

    Attributes:
        order_only: whether the plan depends only on the order of the inputs, so that no squash is needed.

    Example:
        See :doc:`/how_to/extending`.
    """

    order_only: AbstractClassVar[bool]

    @abc.abstractmethod
    def solve(self, problem: Problem) -> Solution:
        """Returns the plan, how the solve ended, and how accurate the plan is; a failed solve does not raise."""

    @abc.abstractmethod
    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Returns further entries of `Solution.stats`.

        They may cost as much as a solve, so only `otsort.solve` asks for them.
        """

    @abc.abstractmethod
    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """Returns about how many numbers a solve with n inputs holds in memory at once.

        This number limits how many lists are solved together.
        """

    def takes_lists_last(self, n: int, target: AbstractTarget) -> bool:
        """Returns whether `solve` accepts many lists of n inputs in a last axis, and is faster that way."""
        return False


class AbstractIterativeSolver(AbstractSolver):
    """An iteration on the potential of a regularised problem, defined by `init`, `step` and `potential`.

    This class has the loop, and the field `differentiation` says how its derivative is taken.

    Attributes:
        epsilon: regularisation, > 0, in units of the cost.
        tol: the marginal error to reach, > 0, for a total mass of 1, or `Tolerances` for each precision. It is raised
            to 0.25 eps_machine / epsilon if it is smaller, because rounding allows no less. None means exactly
            max_steps steps.
        max_steps: the largest number of steps.
        differentiation: how derivatives are taken.

    Raises:
        ValueError: epsilon not positive and finite, tol not positive, or max_steps below 1.
        TypeError: epsilon is not a number.

    Example:
        See :doc:`/how_to/extending`.
    """

    epsilon: AbstractVar[Scalar]
    tol: AbstractVar[Tolerance]
    max_steps: AbstractVar[int]
    differentiation: AbstractVar[AbstractDifferentiation]

    order_only: ClassVar[bool] = False

    def __check_init__(self):
        if isinstance(self.epsilon, EpsilonSchedule):
            raise TypeError(f"{type(self).__name__} takes a number as epsilon: an EpsilonSchedule is for LogSinkhorn")
        allowed = "epsilon must be a positive number (the exact operators take epsilon=0 or NorthWestCorner())"
        if isinstance(self.epsilon, str) or self.epsilon is None:
            raise TypeError(f"{allowed}, got {self.epsilon!r}")
        if shape := np.shape(self.epsilon):
            raise ValueError(f"epsilon must be a scalar, got shape {shape}: use jax.vmap for several")
        if not (is_traced(self.epsilon) or np.all((np.asarray(self.epsilon) > 0) & np.isfinite(self.epsilon))):
            raise ValueError(f"{allowed}, got {self.epsilon}")
        if not all(is_traced(tol) or np.all(np.asarray(tol) > 0) for tol in jax.tree.leaves(self.tol)):
            raise ValueError(f"tol must be positive, got {self.tol}: for a fixed budget of steps use tol=None")
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")

    @abc.abstractmethod
    def dual(self, problem: Problem) -> AbstractDual:
        """Returns the problem with its regularisation."""

    @abc.abstractmethod
    def plan(self, dual: Any, potential: Float[Array, "m *lists"]) -> AbstractPlan:
        """Returns the plan that belongs to a potential."""

    @abc.abstractmethod
    def init(self, dual: Any) -> tuple[Any, AbstractState]:
        """Returns the constants that every step needs, and the first state."""

    @abc.abstractmethod
    def step(self, constants: Any, state: Any) -> AbstractState:
        """Returns the next state."""

    def undifferentiated_step(self, constants: Any, state: Any, tol: Float[Array, ""]) -> AbstractState:
        """Returns the next state if it will not be differentiated.

        This is the state of `step`, unless a solver has a faster way to the tolerance.
        """
        return self.step(constants, state)

    @abc.abstractmethod
    def potential(self, constants: Any, state: Any) -> Float[Array, "m *lists"]:
        """Returns the potential f of a state."""

    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Returns no entries; see `AbstractSolver.diagnostics`."""
        return {}

    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """Returns the size of the start, the plan and the m x m system together; see `AbstractSolver.peak_entries`."""
        return counted_entries(n) + n * target.size + 2 * target.size**2

    def solve(self, problem: Problem) -> Solution:
        """Returns the regularised plan; see `AbstractSolver.solve`."""
        # XLA: all loops over pairs read the positions. Lists are moved to the last axis lazily, by a change of indices.
        # Without a copy, every loop would read the positions in their former order.
        problem = dataclasses.replace(problem, positions=materialised(problem.positions))
        dual = self.dual(problem)
        found = self.solve_dual(dual)
        return Solution(self.plan(dual, found.potential), found.result, found.stats, found.state)

    def solve_dual(self, dual: AbstractDual) -> DualSolution:
        """Returns the potential of a problem at the epsilon of the dual.

        Only `Newton` and `SparseNewton` accept a dual that is not a `SemiDual`.
        """
        # Within `jax.shard_map`, constants of the solver such as epsilon must vary over the mesh as the problem does.
        iteration = varying_as(_Iteration(dual=dual, solver=self), dual)
        potential, (state, num_steps) = self.differentiation.run(iteration)
        tol, error = iteration.tol, stop_gradient(state.marginal_error)
        finite = jnp.all(jnp.isfinite(potential), axis=0) & ~jnp.isnan(error)
        # With a fixed number of steps, the tolerance is infinite. So is the error while a schedule is above its target.
        reached = (error <= tol) & (error < jnp.inf)
        result = (jax.vmap(_result) if error.ndim else _result)(reached, finite)
        return DualSolution(potential, result, {"num_steps": num_steps, "marginal_error": error, "tol": tol}, state)


class AbstractEntropicSolver(AbstractIterativeSolver):
    """An iteration on the potential of the entropic problem, defined by `init`, `step` and `potential`.

    Example:
        See :doc:`/how_to/extending`.
    """

    def dual(self, problem: Problem) -> SemiDual:
        """Returns the problem with entropic regularisation."""
        return SemiDual(problem, jnp.asarray(self.epsilon, problem.positions.dtype))

    def plan(self, dual: SemiDual, potential: Float[Array, "m *lists"]) -> EntropicPlan:
        """Returns the entropic plan that belongs to a potential."""
        return EntropicPlan(dual, potential)


def _result(reached: Bool[Array, ""], finite: Bool[Array, ""]) -> RESULTS:
    result = RESULTS.where(reached, RESULTS.successful, RESULTS.max_steps_reached)
    return RESULTS.where(finite, result, RESULTS.nonfinite)


class _Iteration(AbstractIteration):
    """The iteration of a solver on one problem."""

    solver: AbstractIterativeSolver
    dual: AbstractDual

    @property
    def takes_lists_last(self) -> bool:
        positions, target = self.dual.problem.positions, self.dual.problem.target
        return positions.ndim == 1 and self.solver.takes_lists_last(positions.size, target)

    @property
    def max_steps(self) -> int:
        return self.solver.max_steps

    @property
    def fixed_budget(self) -> bool:
        return self.solver.tol is None

    @property
    def tol(self) -> Float[Array, ""]:
        """Returns the marginal error to reach.

        It is no less than rounding allows, and infinite for a fixed number of steps.
        """
        tol, dtype = self.solver.tol, self.dual.epsilon.dtype
        tol = tol.of(dtype) if isinstance(tol, Tolerances) else tol
        return jnp.maximum(jnp.asarray(jnp.inf if tol is None else tol, dtype), self.dual.noise_floor)

    def begin(self) -> tuple[Any, Progress]:
        constants, state = self.solver.init(self.dual)
        num_steps = jnp.zeros(state.marginal_error.shape, int)
        return constants, varying_as(Progress(state, num_steps), self.dual)

    def step(self, constants: Any, progress: Progress) -> Progress:
        return Progress(self.solver.step(constants, progress.state), progress.num_steps + 1)

    def undifferentiated_step(self, constants: Any, progress: Progress) -> Progress:
        state = self.solver.undifferentiated_step(constants, progress.state, self.tol)
        return Progress(state, progress.num_steps + 1)

    def unfinished(self, progress: Progress) -> Bool[Array, "*lists"]:
        left = progress.num_steps < self.solver.max_steps
        # A comparison with NaN is false, so a problem that holds NaN stops at once.
        return left if self.fixed_budget else left & (progress.state.marginal_error > self.tol)

    def potential(self, constants: Any, progress: Progress) -> Float[Array, "m *lists"]:
        return self.solver.potential(constants, progress.state)
