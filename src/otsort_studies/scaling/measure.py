"""Measures time and memory of soft ranks and their gradient."""

import bisect
import itertools
from collections.abc import Iterator, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort
from otsort._call.default_solver import default_solver

from ..common import outcome
from ..common.data import values
from ..common.execution import Call, execute, in_turn
from ..common.methods import EXACT_SOLVER
from ..common.solvers import SOLVERS
from ..common.study import Row
from ..common.verdict import Verdict
from .study import SORT, Cost, Scaling, Switch


def measure(study: Scaling, cases: Sequence[Cost | Switch]) -> Iterator[Row]:
    """Yields the rows of some of the cases. Solvers on the same values are timed in turn."""
    kinds = {Cost: _costs, Switch: _switches}
    for kind, group in itertools.groupby(cases, key=type):
        yield from kinds[kind](study, list(group))


def _costs(study: Scaling, cases: Sequence[Cost]) -> Iterator[Row]:
    for (n, m, batch), group in itertools.groupby(cases, key=lambda case: (case.n, case.m, case.batch)):
        group = list(group)
        shape = (batch, n) if batch > 1 else (n,)
        x = jnp.asarray(values("normal", batch * n, study.seed).reshape(shape), jnp.float32)
        weights = jnp.asarray(np.random.default_rng(study.seed + 1).normal(size=shape), jnp.float32)
        solvers = [_solver(case) for case in group]
        entries = [batch * _entries(n, m, solver) for solver in solvers]
        pairs = [
            (Call(_ranks, (x, solver, m)), Call(_gradient, (x, solver, m, weights)))
            for solver, each in zip(solvers, entries, strict=True)
            if each <= study.largest
        ]
        done = list(execute([call for pair in pairs for call in pair]))
        measured = iter(zip(done, in_turn(done), strict=True))
        for case, each in zip(group, entries, strict=True):
            if each > study.largest:
                yield case.row(outcome.TOO_LARGE, entries=each)
                continue
            (forward, forward_seconds), (gradient, gradient_seconds) = next(measured), next(measured)
            row = {"entries": each, "forward_seconds": forward_seconds, "gradient_seconds": gradient_seconds}
            row["gradient_bytes"] = gradient.scratch_bytes
            if case.solver == EXACT_SOLVER:  # the gradient of exact ranks is zero
                row |= dict.fromkeys(("gradient_seconds", "gradient_bytes"), np.nan)
            if failed := forward.failure or gradient.failure:
                yield case.row(failed, **row)
            else:
                verdict, _ = forward.value
                yield case.row(verdict.outcome(gradient.value), tol=float(np.max(verdict.tol)), **row)


def _switches(study: Scaling, cases: Sequence[Switch]) -> Iterator[Row]:
    """Finds the changes of the default solver by bisection, up to the largest number of values of the study."""
    largest = max((*study.sizes, *study.many))
    for case in cases:

        def changed(n: int, m: int = case.m) -> bool:
            target, cost = otsort.UniformTarget(m or n, jnp.float32), otsort.SquaredCost()
            return isinstance(default_solver(study.epsilon, n, target, cost, True), otsort.Quadrature)

        n = 1 + bisect.bisect_left(range(1, largest + 1), True, key=changed)
        yield case.row(outcome.EXACT, **({} if n > largest else {"n": n}))


def _solver(case: Cost) -> otsort.AbstractSolver | None:
    """Creates the solver of a case; None for jnp.sort."""
    return None if case.solver == SORT else SOLVERS[case.solver](jnp.asarray(case.epsilon, jnp.float32))


def _entries(n: int, m: int, solver: otsort.AbstractSolver | None) -> int:
    return n if solver is None else solver.peak_entries(n, otsort.UniformTarget(m, jnp.float32))


@eqx.filter_jit
def _ranks(
    x: Float[Array, "*batch n"], solver: otsort.AbstractSolver | None, m: int
) -> tuple[Verdict, Float[Array, "*batch n"]]:
    """Returns the verdict on the solves and the ranks, or sorted values if there is no solver."""

    def one(x: Float[Array, " n"]) -> tuple[Verdict, Float[Array, " n"]]:
        if solver is None:
            return Verdict.without_solution(0.0, x), jnp.sort(x)
        solution = otsort.solve(x, otsort.UniformTarget(m, x.dtype), solver=solver, throw=False)
        ranks = 0.5 + x.size * solution.plan.level(0.5)
        return Verdict.of(solution, ranks), ranks

    return one(x) if x.ndim == 1 else jax.vmap(one)(x)


@eqx.filter_jit
def _gradient(
    x: Float[Array, "*batch n"], solver: otsort.AbstractSolver | None, m: int, weights: Float[Array, "*batch n"]
) -> Float[Array, "*batch n"]:
    return jax.grad(lambda x: jnp.vdot(weights, _ranks(x, solver, m)[1]))(x)
