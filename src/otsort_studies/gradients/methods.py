"""Computes soft ranks by each method after a fixed number of sweeps, from a start that programs take as argument."""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

import otsort

from ..common.solvers import with_budget
from ..common.verdict import Verdict
from .study import GRADIENT_METHODS


class Start(eqx.Module):
    """Start of the sweeps, chosen at run time: the exact potential, with its derivative, or a given constant."""

    exact: Bool[Array, ""]
    given: Float[Array, " m"]

    def __call__(self, problem: otsort.Problem) -> Float[Array, " m"]:
        return jnp.where(self.exact, otsort.exact_start(problem), self.given)


#: A function `(x, epsilon, start, m, sweeps) -> (verdict, ranks up to a constant, potential)`.
Ranks: TypeAlias = Callable[
    [Float[Array, " n"], Float[Array, ""], Start, int, int], tuple[Verdict, Float[Array, " n"], Float[Array, " m"]]
]


def dual_of(x: Float[Array, " n"], epsilon: Float[Array, ""], m: int) -> otsort.SemiDual:
    """Returns the problem that the solvers solve to compute the ranks of x."""
    a = jnp.full_like(x, 1 / x.size)
    problem = otsort.Problem(otsort.squash.logistic(x, a), a, otsort.UniformTarget(m, x.dtype), otsort.SquaredCost())
    return otsort.SemiDual(problem, epsilon)


def _ours(method: str) -> Ranks:
    solver, differentiation = method.split()

    def ranks(x, epsilon, start, m, sweeps):
        options = {} if solver == "Sinkhorn" else {"start": start}  # Sinkhorn has its own start
        budgeted = with_budget(solver, differentiation, epsilon, sweeps, **options)
        solution = otsort.solve(x, otsort.UniformTarget(m), solver=budgeted, throw=False)
        plan: Any = solution.plan
        answer = x.size * plan.level(0.5)
        return Verdict.of(solution, answer), answer, plan.potential

    return ranks


def _jaxopt(x, epsilon, start, m, sweeps):
    """Computes ranks by sweeps in `jaxopt.FixedPointIteration`, with its implicit derivative."""
    with warnings.catch_warnings():  # jaxopt warns at import that it is no longer developed
        warnings.simplefilter("ignore", DeprecationWarning)
        from jaxopt import FixedPointIteration

    def sweep(potential: Float[Array, " m"], dual: otsort.SemiDual) -> Float[Array, " m"]:
        return potential - dual.epsilon * dual.log_marginal_ratio(potential)

    dual = dual_of(x, epsilon, m)
    iteration = FixedPointIteration(sweep, maxiter=sweeps, tol=0.0, implicit_diff=True)
    potential = iteration.run(start(dual.problem), dual).params
    answer = x.size * otsort.EntropicPlan(dual, potential).level(0.5)
    return Verdict.without_solution(jnp.inf, answer), answer, potential


def _ott(implicit: bool) -> Ranks:
    """Returns `ott.tools.soft_sort.ranks`, which count from 0, after sweeps from its own start."""

    def ranks(x, epsilon, start, m, sweeps):
        from ott.solvers.linear.implicit_differentiation import ImplicitDiff
        from ott.tools import soft_sort

        # With min_iterations = max_iterations, the backward pass of ott-jax 0.6.0 would use the wrong states.
        budget = {"inner_iterations": 1, "min_iterations": sweeps - 1, "max_iterations": sweeps, "threshold": 0.0}
        how = ImplicitDiff() if implicit else None
        answer = soft_sort.ranks(x, num_targets=m, epsilon=epsilon, implicit_diff=how, **budget)
        return (
            Verdict.without_solution(jnp.inf, answer),
            answer,
            jnp.full(m, jnp.nan),
        )  # ott does not return this potential

    return ranks


_PEERS = {"jaxopt implicit": _jaxopt, "ott unrolled": _ott(False), "ott implicit": _ott(True)}
RANKS_BY_METHOD: dict[str, Ranks] = {name: _PEERS.get(name) or _ours(name) for name in GRADIENT_METHODS}
