"""Measures the curves of Figure 2."""

from collections.abc import Callable, Iterator, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort

from ..common.data import values
from ..common.execution import Call, execute
from ..common.study import Row
from ..common.verdict import Verdict
from .study import Curves, Figure2

#: Name of the weights -> function that creates the target.
_TARGETS: dict[str, Callable[[Figure2, int], otsort.TargetMeasure]] = {
    "uniform": lambda study, m: otsort.TargetMeasure.uniform(m),
    "random": lambda study, m: otsort.TargetMeasure(
        np.linspace(0, 1, m), np.random.default_rng(study.seed).dirichlet(np.ones(m))
    ),
    "quantile": lambda study, m: otsort.TargetMeasure.quantile(study.tau, study.t),
}


def measure(study: Figure2, cases: Sequence[Curves]) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    lists = {data: np.sort(values(data, study.n, study.seed)) for data in {case.data for case in cases}}
    targets = [_TARGETS[case.weights](study, case.m) for case in cases]
    calls = [
        Call(_read, (jnp.asarray(lists[case.data]), target, _solver(case)))
        for case, target in zip(cases, targets, strict=True)
    ]
    for case, target, done in zip(cases, targets, execute(calls), strict=True):
        known = {"values": lists[case.data].tolist(), "levels": target.cumulative.tolist()}
        if done.failure:
            yield case.row(done.failure, **known)
            continue
        verdict, cdf, quantiles = done.value
        error = float(verdict.marginal_error)
        yield case.row(verdict.outcome(), **known, cdf=cdf.tolist(), quantiles=quantiles.tolist(), marginal_error=error)


def _solver(case: Curves) -> otsort.LogSinkhorn:
    return otsort.LogSinkhorn(jnp.asarray(case.epsilon), tol=None, max_steps=case.sweeps, start=otsort.zero_start)


@eqx.filter_jit
def _read(
    x: Float[Array, " n"], target: otsort.TargetMeasure, solver: otsort.AbstractSolver
) -> tuple[Verdict, Float[Array, " n"], Float[Array, " m"]]:
    """Returns the verdict on the plan, the CDF at the values, and the quantiles at the levels of the target."""
    solution = otsort.solve(x, target, solver=solver, throw=False)
    cdf = solution.plan.pull(target.cumulative)
    quantiles = x @ solution.plan.as_matrix() / target.weights  # `push` divides by the column sums instead of b
    return Verdict.of(solution, cdf, quantiles), cdf, quantiles
