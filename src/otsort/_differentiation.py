"""How a solve is differentiated: strategies that know iterations, and nothing of solvers.

An iteration is `init / step / potential` on operands `(solver, dual)`; `iterate(loop, operands)` runs it to its end
with one of the loops below and returns the last state and the number of steps.
"""

import abc
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ._dual import AbstractDual

Carry: TypeAlias = Any
#: `(keep_going, step, carry, max_steps) -> carry`; keep_going is None for exactly max_steps steps.
Loop: TypeAlias = Callable[[Callable[[Carry], Array] | None, Callable[[Carry], Carry], Carry, int], Carry]


class Iteration(eqx.Module):
    """An iteration, each function of operands `(solver, dual)` that are all it depends on."""

    iterate: Callable[[Loop, Any], tuple[Any, Int[Array, ""]]]
    step: Callable[[Any, Any], Any]
    potential: Callable[[Any, Any], Float[Array, " m"]]


class AbstractDifferentiation(eqx.Module):
    """Turns an iteration into a potential that has a derivative."""

    @abc.abstractmethod
    def potential(self, iteration: Iteration, operands: Any) -> tuple[Float[Array, " m"], Any, Int[Array, ""]]:
        """The potential, the last state and the number of steps."""


class Unrolled(AbstractDifferentiation):
    """The derivative of the steps that were taken, each stored: memory grows with max_steps.

    Forward and reverse mode, any order. It is the exact derivative of what was computed, converged or not. With a
    tolerance all max_steps are compiled; steps after convergence are skipped (under vmap, masked).
    """

    def potential(self, iteration: Iteration, operands: Any) -> tuple[Float[Array, " m"], Any, Int[Array, ""]]:
        state, num_steps = iteration.iterate(_scan, operands)
        return iteration.potential(operands, state), state, num_steps


class Checkpointed(AbstractDifferentiation):
    """The derivative of the steps that were taken, in memory of the square root of max_steps and twice the work.

    Forward and reverse mode, any order; the numbers are those of `Unrolled`.
    """

    def potential(self, iteration: Iteration, operands: Any) -> tuple[Float[Array, " m"], Any, Int[Array, ""]]:
        state, num_steps = iteration.iterate(_checkpointed_scan, operands)
        return iteration.potential(operands, state), state, num_steps


class Implicit(AbstractDifferentiation):
    """The derivative of the solution by the implicit function theorem: one symmetric m x m solve.

    Forward and reverse mode, any order. Its error is that of the potential: exact at convergence, of the order of the
    marginal error otherwise. Memory does not depend on the number of steps.
    """

    def potential(self, iteration: Iteration, operands: Any) -> tuple[Float[Array, " m"], Any, Int[Array, ""]]:
        frozen = _freeze(operands)
        state, num_steps = iteration.iterate(_while, frozen)
        _, dual = operands
        return solution_of(iteration.potential(frozen, state), dual), state, num_steps


class OneStep(AbstractDifferentiation):
    """The derivative of the last k steps alone, taken once more from the converged state.

    One-step differentiation, Bolte, Pauwels and Vaiter (2023): forward and reverse mode; the error is the rate of
    convergence to the power k. Second derivatives miss terms of the same order, so they are refused.

    Attributes:
        k: number of steps, at least 1 (ValueError below).
    """

    k: int = 1

    def __check_init__(self):
        if self.k < 1:
            raise ValueError(f"OneStep needs at least one step, got k={self.k}")

    def potential(self, iteration: Iteration, operands: Any) -> tuple[Float[Array, " m"], Any, Int[Array, ""]]:
        state, num_steps = iteration.iterate(_while, _freeze(operands))
        # The first of these steps moves as the frozen state says: only what it measures afterwards has a derivative.
        state, _ = jax.lax.scan(
            lambda state, _: (iteration.step(operands, state), None), _freeze(state), length=self.k + 1
        )
        return _first_order(iteration.potential(operands, state)), state, num_steps + self.k + 1


def _freeze(tree: Any) -> Any:
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.lax.stop_gradient(arrays), rest)


def _while(keep_going, step, carry, max_steps):
    if keep_going is None:
        return jax.lax.fori_loop(0, max_steps, lambda _, carry: step(carry), carry)
    return jax.lax.while_loop(keep_going, step, carry)


def _scan(keep_going, step, carry, max_steps):
    def body(carry, _):
        return (
            step(carry) if keep_going is None else jax.lax.cond(keep_going(carry), step, lambda same: same, carry)
        ), None

    return jax.lax.scan(body, carry, length=max_steps)[0]


def _checkpointed_scan(keep_going, step, carry, max_steps):
    block = math.isqrt(max_steps)
    blocks, rest = divmod(max_steps, block)
    run = jax.checkpoint(lambda carry, _: (_scan(keep_going, step, carry, block), None))
    carry, _ = jax.lax.scan(run, carry, length=blocks)
    return _scan(keep_going, step, carry, rest)


@eqx.filter_custom_jvp
def solution_of(potential: Float[Array, " m"], dual: AbstractDual) -> Float[Array, " m"]:
    """The potential, as a function of the problem that it solves."""
    del dual
    return potential


@solution_of.def_jvp
def _solution_of_jvp(primals, tangents):
    potential, dual = primals
    _, dual_tangent = tangents
    potential = solution_of(potential, dual)  # called again: higher derivatives see the solution, not a constant
    _, drift = eqx.filter_jvp(lambda dual: dual.ratio(potential), (dual,), (dual_tangent,))
    coupling, _ = dual.coupling(potential)
    return potential, -dual.epsilon * dual.solve_linearised(coupling, drift, refinements=2)


@jax.custom_jvp
def _first_order(potential):
    """The potential, whose derivative has no derivative."""
    return potential


@_first_order.defjvp
def _first_order_jvp(primals, tangents):
    return _first_order(*primals), _undifferentiable_ones(*primals) * tangents[0]


@jax.custom_jvp
def _undifferentiable_ones(potential):
    return jnp.ones_like(potential)


@_undifferentiable_ones.defjvp
def _undifferentiable_ones_jvp(primals, tangents):
    raise NotImplementedError("OneStep has no second derivative: use Implicit() or Unrolled().")
