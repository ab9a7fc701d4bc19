"""What all solvers share: the interface, and the iteration of those that search for a potential."""

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
from .._transport.plan import AbstractPlan, EntropicPlan
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
    """Solves one transport problem.

    Attributes:
        order_only: whether the plan depends on the order of the inputs alone, so that they need no squash.

    Example:
        See :doc:`/how_to/extending`.
    """

    order_only: AbstractClassVar[bool]

    @abc.abstractmethod
    def solve(self, problem: Problem) -> Solution:
        """The plan and how good it is; never raises for a solve that failed."""

    @abc.abstractmethod
    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Further entries of `Solution.stats`, for `otsort.solve`: what costs as much as a solve to know."""

    @abc.abstractmethod
    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """How many numbers a solve with n inputs holds at once, about: it limits how many lists are solved together."""

    def takes_lists_last(self, n: int, target: AbstractTarget) -> bool:
        """Returns whether `solve` takes many lists of n inputs in a last axis, and is faster so."""
        return False


class AbstractEntropicSolver(AbstractSolver):
    """An iteration for the potential of the entropic problem: `init`, `step` and `potential`; the loop is not theirs.

    Attributes:
        epsilon: regularisation, > 0, in units of the cost.
        tol: the marginal error to reach, > 0, of a mass of 1, or `Tolerances` for each precision; raised to
            0.25 eps_machine / epsilon where rounding allows no less; None for exactly max_steps steps.
        max_steps: at most so many steps.
        differentiation: how derivatives are taken.

    Raises:
        ValueError: epsilon not positive and finite, tol not positive, or max_steps below 1.
        TypeError: an epsilon that is no number.

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
        if not (is_traced(self.epsilon) or np.all((np.asarray(self.epsilon) > 0) & np.isfinite(self.epsilon))):
            raise ValueError(f"{allowed}, got {self.epsilon}")
        if not all(is_traced(tol) or np.all(np.asarray(tol) > 0) for tol in jax.tree.leaves(self.tol)):
            raise ValueError(f"tol must be positive, got {self.tol}: for a fixed budget of steps use tol=None")
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")

    @abc.abstractmethod
    def init(self, dual: SemiDual) -> tuple[Any, AbstractState]:
        """What every step needs and no step changes, and the first state."""

    @abc.abstractmethod
    def step(self, constants: Any, state: Any) -> AbstractState:
        """The next state."""

    def undifferentiated_step(self, constants: Any, state: Any, tol: Float[Array, ""]) -> AbstractState:
        """The next state, no derivative of which is taken: `step`, or what is faster on the way to the tolerance."""
        return self.step(constants, state)

    @abc.abstractmethod
    def potential(self, constants: Any, state: Any) -> Float[Array, "m *lists"]:
        """The potential f of a state."""

    def diagnostics(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """None; see `AbstractSolver.diagnostics`."""
        return {}

    def peak_entries(self, n: int, target: AbstractTarget) -> int:
        """The start, the plan, and the matrix of the implicit derivative; see `AbstractSolver.peak_entries`."""
        return counted_entries(n) + n * target.size + 2 * target.size**2

    def solve(self, problem: Problem) -> Solution:
        """The entropic plan; see `AbstractSolver.solve`."""
        # All loops over pairs read the positions. Those of many lists are in the last axis by their indices alone,
        # until they are stored.
        problem = dataclasses.replace(problem, positions=materialised(problem.positions))
        dual = SemiDual(problem, jnp.asarray(self.epsilon, problem.positions.dtype))
        found = self.solve_dual(dual)
        return Solution(EntropicPlan(dual, found.potential), found.result, found.stats, found.state)

    def solve_dual(self, dual: AbstractDual) -> DualSolution:
        """The potential of a problem, at its epsilon; a dual that is not a `SemiDual` is for `Newton` alone."""
        iteration = varying_as(_Iteration(dual=dual, solver=self), dual)
        potential, (state, num_steps) = self.differentiation.run(iteration)
        tol, error = iteration.tol, stop_gradient(state.marginal_error)
        finite = jnp.all(jnp.isfinite(potential), axis=0) & ~jnp.isnan(error)
        result = (jax.vmap(_result) if error.ndim else _result)(error <= tol, finite)
        return DualSolution(potential, result, {"num_steps": num_steps, "marginal_error": error, "tol": tol}, state)


def _result(reached: Bool[Array, ""], finite: Bool[Array, ""]) -> RESULTS:
    result = RESULTS.where(reached, RESULTS.successful, RESULTS.max_steps_reached)
    return RESULTS.where(finite, result, RESULTS.nonfinite)


class _Iteration(AbstractIteration):
    """A solver at work on a problem."""

    solver: AbstractEntropicSolver
    dual: AbstractDual

    @property
    def gather_lists(self) -> bool:
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
        """What the marginal error has to reach: no less than rounding allows; infinite for a fixed budget."""
        tol, dtype = self.solver.tol, self.dual.epsilon.dtype
        tol = tol.of(dtype) if isinstance(tol, Tolerances) else tol
        return jnp.maximum(jnp.asarray(jnp.inf if tol is None else tol, dtype), self.dual.noise_floor)

    def begin(self) -> tuple[Any, Progress]:
        constants, state = self.solver.init(self.dual)  # pyright: ignore[reportArgumentType]: see solve_dual
        num_steps = jnp.zeros(state.marginal_error.shape, int)
        return constants, varying_as(Progress(state, num_steps), self.dual)

    def step(self, constants: Any, progress: Progress) -> Progress:
        return Progress(self.solver.step(constants, progress.state), progress.num_steps + 1)

    def undifferentiated_step(self, constants: Any, progress: Progress) -> Progress:
        state = self.solver.undifferentiated_step(constants, progress.state, self.tol)
        return Progress(state, progress.num_steps + 1)

    def unfinished(self, progress: Progress) -> Bool[Array, "*lists"]:
        left = progress.num_steps < self.solver.max_steps
        # NaN compares false: a problem that holds one stops at once.
        return left if self.fixed_budget else left & (progress.state.marginal_error > self.tol)

    def potential(self, constants: Any, progress: Progress) -> Float[Array, "m *lists"]:
        return self.solver.potential(constants, progress.state)
