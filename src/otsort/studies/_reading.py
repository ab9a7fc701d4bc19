"""What one solve says: ranks, sorted values and how good they are; and the derivative of its ranks."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

import otsort


class Reading(eqx.Module):
    """Ranks and sorted values read from one plan, with what the solver says about it."""

    ranks: Float[Array, " n"]
    sorted_values: Float[Array, " n"]
    successful: Bool[Array, ""]
    steps: Int[Array, ""]
    marginal_error: Float[Array, ""]
    tol: Float[Array, ""]


@eqx.filter_jit
def read(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> Reading:
    """Solves and reads; never raises for a solve that failed."""
    solution, ranks = _solve(x, solver)
    return Reading(
        ranks,
        solution.plan.push(x),
        solution.result == otsort.RESULTS.successful,
        solution.stats["num_steps"],
        solution.stats["marginal_error"],
        solution.stats["tol"],
    )


@eqx.filter_jit
def rank_gradient(
    x: Float[Array, " n"], solver: otsort.AbstractSolver, weights: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Gradient in x of the weighted sum of the ranks."""
    return jax.grad(lambda x: jnp.vdot(weights, _solve(x, solver)[1]))(x)


def lowered(function: Any, *arguments: Any) -> Any:
    """The program of a call, still to be compiled."""
    return function.lower(*arguments)


def compiled(programs: Iterable[Any]) -> Iterator[Any]:
    """Programs that were lowered, compiled side by side: it is what most of the time goes into."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda program: program.compile(), programs)


def _solve(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> tuple[otsort.Solution, Float[Array, " n"]]:
    """The solution, and n times the soft cumulative distribution function: the ranks, as targets are uniform."""
    target = otsort.TargetMeasure.uniform(x.size)
    solution = otsort.solve(x, target, solver=solver, throw=False)
    return solution, x.size * solution.plan.pull(target.cumulative.astype(x.dtype))
