"""What all solvers share: the interface, and the one loop."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from equinox import AbstractClassVar, AbstractVar
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from .._differentiation import AbstractDifferentiation, Iteration, Loop
from .._dual import AbstractDual
from .._epsilon import EpsilonSchedule
from .._plan import AbstractPlan, EntropicPlan
from .._problem import Problem
from .._semidual import SemiDual
from .._solution import RESULTS, Found, Solution
from .._target import AbstractTarget
from .._types import Scalar


class AbstractSolver(eqx.Module):
    """Solves one transport problem.

    Attributes:
        order_only: whether the plan depends on the order of the inputs alone, so that they need no squash.
    """

    order_only: AbstractClassVar[bool]

    @abc.abstractmethod
    def solve(self, problem: Problem) -> Solution:
        """The plan and how good it is; never raises for a solve that failed."""

    @abc.abstractmethod
    def indicators(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """Further entries of `Solution.stats`, for `otsort.solve`: what costs as much as a solve to know."""

    @abc.abstractmethod
    def entries(self, n: int, target: AbstractTarget) -> int:
        """How many entries the matrices have that a solve with n inputs works on, at each step."""


class AbstractEntropicSolver(AbstractSolver):
    """An iteration for the potential of the entropic problem.

    A solver is `init`, `step` and `potential`; constants are what every step needs and no step changes, and a state
    has a field `marginal_error`, that of its potential (infinite where it does not count yet).

    Attributes:
        epsilon: regularisation, > 0, in units of the cost.
        tol: the marginal error to reach, raised to 0.25 eps_machine / epsilon where rounding allows no less;
            None for exactly max_steps steps.
        max_steps: at most so many steps.
        differentiation: how derivatives are taken.
    """

    epsilon: AbstractVar[Scalar | EpsilonSchedule]
    tol: AbstractVar[Scalar | None]
    max_steps: AbstractVar[int]
    differentiation: AbstractVar[AbstractDifferentiation]

    order_only: ClassVar[bool] = False

    @abc.abstractmethod
    def init(self, dual: SemiDual) -> tuple[Any, Any]:
        """Constants and first state."""

    @abc.abstractmethod
    def step(self, constants: Any, state: Any) -> Any:
        """The next state."""

    @abc.abstractmethod
    def potential(self, constants: Any, state: Any) -> Float[Array, " m"]:
        """The potential f of a state."""

    def indicators(self, problem: Problem, plan: AbstractPlan) -> dict[str, Array]:
        """None; see `AbstractSolver.indicators`."""
        return {}

    def entries(self, n: int, target: AbstractTarget) -> int:
        """n m; see `AbstractSolver.entries`."""
        return n * target.size

    def solve(self, problem: Problem) -> Solution:
        """The entropic plan; see `AbstractSolver.solve`."""
        epsilon = self.epsilon.target if isinstance(self.epsilon, EpsilonSchedule) else self.epsilon
        dual = SemiDual(problem, jnp.asarray(epsilon, problem.positions.dtype))
        found = self.find(dual)
        return Solution(EntropicPlan(dual, found.potential), found.result, found.stats, found.state)

    def find(self, dual: AbstractDual) -> Found:
        """The potential of a problem, at its epsilon; a dual that is not a `SemiDual` is for `Newton` alone."""
        dtype = dual.epsilon.dtype
        tol = jnp.maximum(jnp.asarray(jnp.inf if self.tol is None else self.tol, dtype), dual.rounding)

        def iterate(loop: Loop, operands: Any) -> tuple[Any, Int[Array, ""]]:
            solver, dual = operands
            constants, state = solver.init(dual)

            def keep_going(carry) -> Bool[Array, ""]:
                state, num_steps = carry
                # NaN compares false: a problem that holds one stops at once.
                return (num_steps < solver.max_steps) & (state.marginal_error > tol)

            def step(carry):
                state, num_steps = carry
                return solver.step(constants, state), num_steps + 1

            carry = (state, jnp.zeros((), int))
            return loop(None if solver.tol is None else keep_going, step, carry, solver.max_steps)

        def step(operands: Any, state: Any) -> Any:
            solver, dual = operands
            return solver.step(solver.init(dual)[0], state)

        def potential(operands: Any, state: Any) -> Float[Array, " m"]:
            solver, dual = operands
            return solver.potential(solver.init(dual)[0], state)

        found, state, num_steps = self.differentiation.potential(Iteration(iterate, step, potential), (self, dual))
        error = stop_gradient(state.marginal_error)
        result = RESULTS.where(error <= tol, RESULTS.successful, RESULTS.max_steps_reached)
        result = RESULTS.where(jnp.isnan(error) | ~jnp.all(jnp.isfinite(found)), RESULTS.nonfinite, result)
        return Found(found, result, {"num_steps": num_steps, "marginal_error": error, "tol": tol}, state)


def check_entropic(solver: AbstractEntropicSolver) -> None:
    """Checks the fields that every entropic solver has, as far as they are known.

    Raises:
        ValueError: epsilon or tol not positive, or max_steps below 1.
    """
    if isinstance(solver.epsilon, float | int) and not solver.epsilon > 0:
        raise ValueError(
            f"epsilon must be positive, got {solver.epsilon}: for the exact operators use NorthWestCorner()"
        )
    if isinstance(solver.tol, float | int) and not solver.tol > 0:
        raise ValueError(f"tol must be positive, got {solver.tol}: for a fixed budget of sweeps use tol=None")
    if solver.max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {solver.max_steps}")
