"""What is taken for the truth: the gradient at the solution, in float64."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

import otsort
from otsort._differentiation import solution_of

from ..common import outcome
from ..common.data import REFERENCE_TOL, rank_weights, values
from ..common.verdict import Verdict
from .methods import dual_of


class Truth(eqx.Module):
    """A problem in float64, of numbers that float32 holds so that both precisions see the same one, and its solution.

    Attributes:
        x: the values.
        weights: of the sum of ranks that is differentiated.
        epsilon: of the solvers.
        gradient: of that sum; NaN where the solve does not reach `REFERENCE_TOL`.
        potential: that solves the problem.
        rate: second largest eigenvalue of the derivative of a sweep.
        verdict: on the solve.
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
        """Solves for seeded values by name."""
        x = jnp.asarray(values(data, n, seed))
        return _solve(x, jnp.asarray(rank_weights(n)), jnp.asarray(epsilon, jnp.float32).astype(float), m)

    @property
    def outcome(self) -> str:
        """Of the solve; a solver may raise its tolerance, and has not converged then."""
        word = self.verdict.outcome()
        exceeded = word == outcome.CONVERGED and self.verdict.marginal_error > REFERENCE_TOL
        return outcome.NOT_CONVERGED if exceeded else word

    @eqx.filter_jit
    def at(self, potential: Float[Array, " m"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        """The gradient read at a potential whose derivative is that of the solution, and its marginal error."""

        def total(x):
            dual = dual_of(x, self.epsilon, potential.size)
            right = solution_of(self.potential, dual)
            plan = otsort.EntropicPlan(dual, potential + right - stop_gradient(right))
            return x.size * jnp.vdot(self.weights, plan.level(0.5)), plan.marginal_error()

        return jax.grad(total, has_aux=True)(self.x)

    def distance(self, one: Float[Array, " n"], other: Float[Array, " n"]) -> float:
        """Between gradients: l2, over the norm of that at the solution."""
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
    # A sweep is f - epsilon log s, its derivative at the solution W diag(b), with b = 1 / m.
    rate = jnp.linalg.eigvalsh(overlap / m)[-2]
    gradient = jnp.where(verdict.marginal_error <= REFERENCE_TOL, gradient, jnp.nan)
    return Truth(x, weights, epsilon, gradient, plan.potential, rate, verdict)
