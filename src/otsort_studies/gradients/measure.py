"""Measures gradients of soft ranks and their distances from the gradient at the solution."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

import otsort
from otsort._differentiation import solution_of

from ..common import outcome
from ..common.data import REFERENCE_TOL, rank_weights, values
from ..common.execution import Call, Execution, execute, in_turn
from ..common.study import Row
from ..common.verdict import Verdict
from .methods import RANKS_BY_METHOD, Ranks, Start, dual_of
from .study import Gradient, Gradients


class Truth(eqx.Module):
    """A problem in float64 and its solution.

    Its numbers are rounded to float32 numbers, so that both precisions use the same problem.

    Attributes:
        x: the values.
        weights: weights of the sum of ranks that is differentiated.
        epsilon: epsilon of the solvers.
        gradient: gradient of that sum; NaN if the solve does not reach `REFERENCE_TOL`.
        potential: potential that solves the problem.
        rate: second largest eigenvalue of the derivative of a sweep.
        verdict: verdict on the solve.
    """

    x: Float[Array, " n"]
    weights: Float[Array, " n"]
    epsilon: Float[Array, ""]
    gradient: Float[Array, " n"]
    potential: Float[Array, " m"]
    rate: Float[Array, ""]
    verdict: Verdict

    @classmethod
    @functools.cache
    def of(cls, data: str, n: int, m: int, epsilon: float, seed: int) -> "Truth":
        """Solves the problem for named values with a seed."""
        x = jnp.asarray(values(data, n, seed))
        return _solve(x, jnp.asarray(rank_weights(n)), jnp.asarray(epsilon, jnp.float32).astype(float), m)

    @property
    def outcome(self) -> str:
        """Returns the outcome of the solve, which must reach the tolerance of references and not only its own."""
        word = self.verdict.outcome()
        exceeded = word == outcome.CONVERGED and self.verdict.marginal_error > REFERENCE_TOL
        return outcome.NOT_CONVERGED if exceeded else word

    @eqx.filter_jit
    def at(self, potential: Float[Array, " m"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        """Returns the gradient at a potential, with the derivative of the solution, and the marginal error there."""

        def total(x):
            dual = dual_of(x, self.epsilon, potential.size)
            right = solution_of(self.potential, dual)
            plan = otsort.EntropicPlan(dual, potential + right - stop_gradient(right))
            return x.size * jnp.vdot(self.weights, plan.level(0.5)), plan.marginal_error()

        return jax.grad(total, has_aux=True)(self.x)

    def distance(self, one: Float[Array, " n"], other: Float[Array, " n"]) -> float:
        """Returns the l2 distance of two gradients, divided by the norm of the gradient at the solution."""
        return float(jnp.linalg.norm(one - other) / jnp.linalg.norm(self.gradient))


@eqx.filter_jit
def _solve(x: Float[Array, " n"], weights: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> Truth:
    solver = otsort.Newton(epsilon, tol=REFERENCE_TOL, differentiation=otsort.Implicit())

    def total(x):
        solution = otsort.solve(x, otsort.UniformTarget(m), solver=solver, throw=False)
        ranks = x.size * solution.plan.level(0.5)
        return jnp.vdot(weights, ranks), (Verdict.of(solution, ranks), solution.plan)

    gradient, (verdict, plan) = jax.grad(total, has_aux=True)(x)
    overlap, _ = plan.dual.overlap(plan.potential)
    # A sweep maps f to f - epsilon log s. Its derivative at the solution is W diag(b), with b = 1 / m.
    rate = jnp.linalg.eigvalsh(overlap / m)[-2]
    known = jnp.where(verdict.marginal_error <= REFERENCE_TOL, 1, jnp.nan)
    return Truth(x, weights, epsilon, known * gradient, plan.potential, rate, verdict)


def measure(study: Gradients, cases: Sequence[Gradient]) -> Iterator[Row]:
    """Yields the rows of some of the cases. Programs with equal size, dtype and number of sweeps are timed in turn."""
    for _, group in itertools.groupby(cases, key=lambda case: case.program):
        yield from _alike(list(group), study.seed)


def _alike(cases: Sequence[Gradient], seed: int) -> Iterator[Row]:
    """Yields the rows of cases that share their programs.

    The time of a program does not depend on its input, so only one case of each method is timed.
    """
    truths = [Truth.of(case.data, case.n, case.m, case.epsilon, seed) for case in cases]
    arguments = [_arguments(case, truth) for case, truth in zip(cases, truths, strict=True)]
    timed = {case.method: index for index, case in enumerate(cases)}
    gradient_calls = [Call(_gradient, each) for each in arguments]
    forward_calls = [Call(_total, arguments[index]) for index in timed.values()]
    done = list(execute([*gradient_calls, *forward_calls]))
    gradients, forwards = done[: len(cases)], done[len(cases) :]
    times = iter(in_turn([*forwards, *(gradients[index] for index in timed.values())]))
    forward_seconds, gradient_seconds = ({method: next(times) for method in timed} for _ in range(2))
    for case, truth, gradient in zip(cases, truths, gradients, strict=True):
        yield _row(case, truth, gradient, forward_seconds[case.method], gradient_seconds[case.method])


def _arguments(case: Gradient, truth: Truth) -> tuple:
    given = truth.potential if case.start == "solution" else jnp.zeros_like(truth.potential)
    x, weights, epsilon, given = (array.astype(case.dtype) for array in (truth.x, truth.weights, truth.epsilon, given))
    start = Start(jnp.asarray(case.start == "exact"), given)
    return x, weights, RANKS_BY_METHOD[case.method], epsilon, start, case.m, case.sweeps


def _row(case: Gradient, truth: Truth, gradient: Execution, forward_seconds: float, gradient_seconds: float) -> Row:
    if gradient.failure:
        return case.row(gradient.failure, reference=truth.outcome)
    slope, (verdict, potential) = gradient.value
    point, marginal_error = truth.at(potential.astype(truth.x.dtype))
    return case.row(
        verdict.outcome(slope),
        reference=truth.outcome,
        rate=float(truth.rate),
        marginal_error=float(marginal_error),
        gradient_error=truth.distance(slope, truth.gradient),
        point_error=truth.distance(point, truth.gradient),
        derivative_error=truth.distance(slope, point),
        forward_seconds=forward_seconds,
        gradient_seconds=gradient_seconds,
        scratch_bytes=gradient.scratch_bytes,
    )


@eqx.filter_jit
def _total(x: Float[Array, " n"], weights: Float[Array, " n"], ranks: Ranks, *how: Any) -> Float[Array, ""]:
    """Computes the weighted sum of the ranks."""
    return jnp.vdot(weights, ranks(x, *how)[1])


@eqx.filter_jit
def _gradient(
    x: Float[Array, " n"], weights: Float[Array, " n"], ranks: Ranks, *how: Any
) -> tuple[Float[Array, " n"], tuple[Verdict, Float[Array, " m"]]]:
    """Computes the gradient of this sum with respect to x, and returns the verdict and the potential as well."""

    def total(x):
        verdict, answer, potential = ranks(x, *how)
        return jnp.vdot(weights, answer), (verdict, potential)

    return jax.grad(total, has_aux=True)(x)
