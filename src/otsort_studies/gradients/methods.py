"""Soft ranks by each method after a fixed number of sweeps, from a start that is an argument of the program."""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

import otsort

from ..common.peers import jaxopt_potential, ott_ranks
from ..common.solvers import with_budget
from ..common.verdict import Verdict
from .study import STRATEGIES


class Start(eqx.Module):
    """All starts in one program: the exact potential, differentiable, or a given constant."""

    exact: Bool[Array, ""]
    given: Float[Array, " m"]

    def __call__(self, problem: otsort.Problem) -> Float[Array, " m"]:
        return jnp.where(self.exact, otsort.exact_start(problem), self.given)


#: `(x, epsilon, start, m, sweeps) -> how it went, ranks up to a constant, potential`.
Ranks: TypeAlias = Callable[
    [Float[Array, " n"], Float[Array, ""], Start, int, int], tuple[Verdict, Float[Array, " n"], Float[Array, " m"]]
]


def dual_of(x: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> otsort.SemiDual:
    """What the solvers solve for the ranks of x."""
    a = jnp.full_like(x, 1 / x.size)
    problem = otsort.Problem(otsort.squash.logistic(x, a), a, otsort.UniformTarget(m, x.dtype), otsort.SquaredCost())
    return otsort.SemiDual(problem, epsilon)


def _ours(method: str) -> Ranks:
    solver, differentiation = method.split()

    def ranks(x, epsilon, start, m, sweeps):
        options = {} if solver == "Sinkhorn" else {"start": start}  # that one has its own
        budgeted = with_budget(solver, differentiation, epsilon, sweeps, **options)
        solution = otsort.solve(x, otsort.UniformTarget(m), solver=budgeted, throw=False)
        plan: Any = solution.plan
        answer = x.size * plan.level(0.5)
        return Verdict.of(solution, answer), answer, plan.potential

    return ranks


def _jaxopt(x, epsilon, start, m, sweeps):
    dual = dual_of(x, epsilon, m)
    potential = jaxopt_potential(dual, start(dual.problem), sweeps)
    answer = x.size * otsort.EntropicPlan(dual, potential).level(0.5)
    return Verdict.without_solution(jnp.inf, answer), answer, potential


def _ott(implicit: bool) -> Ranks:
    def ranks(x, epsilon, start, m, sweeps):
        answer = ott_ranks(x, epsilon, m, sweeps, implicit)
        return Verdict.without_solution(jnp.inf, answer), answer, jnp.full(m, jnp.nan)  # its potential is its own

    return ranks


_SOLVERS = (*STRATEGIES, "Sinkhorn Unrolled", "AndersonSinkhorn Implicit", "Newton Implicit")

RANKS_BY_METHOD: dict[str, Ranks] = {
    **{method: _ours(method) for method in _SOLVERS},
    "jaxopt implicit": _jaxopt,
    "ott unrolled": _ott(False),
    "ott implicit": _ott(True),
}
