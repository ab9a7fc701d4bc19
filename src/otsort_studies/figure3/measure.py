"""Measures the quantiles of Figure 3."""

from collections.abc import Iterator, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort
from otsort._transport.atoms import atom_weights, linear_centre

from ..common.data import values
from ..common.execution import Call, execute
from ..common.study import Row
from ..common.verdict import Verdict
from .study import CENTRED, Average, Figure3


def measure(study: Figure3, cases: Sequence[Average]) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    lists = {data: np.sort(values(data, study.n, study.seed)) for data in {case.data for case in cases}}
    uniform = jnp.full(study.n, 1 / study.n)
    positions = {data: otsort.squash.logistic(jnp.asarray(x), uniform).tolist() for data, x in lists.items()}
    targets = [_target(case, study.n) for case in cases]
    calls = [
        Call(_read, (jnp.asarray(lists[case.data]), target, _solver(case, study.tol)))
        for case, target in zip(cases, targets, strict=True)
    ]
    for case, target, done in zip(cases, targets, execute(calls), strict=True):
        x = lists[case.data]
        known = {
            "values": x.tolist(),
            "positions": positions[case.data],
            "weights": target.weights.tolist(),
            "exact": float(np.quantile(x, case.tau)),
        }
        if done.failure:
            yield case.row(done.failure, **known)
            continue
        verdict, shares, quantile = done.value
        yield case.row(
            verdict.outcome(),
            **known,
            shares=shares.tolist(),
            quantile=float(quantile),
            marginal_error=float(verdict.marginal_error),
        )


def _target(case: Average, n: int) -> otsort.TargetMeasure:
    target = otsort.TargetMeasure.quantile(case.tau, case.t)
    if case.atom == CENTRED:
        return otsort.TargetMeasure(target.points, atom_weights(linear_centre(jnp.asarray(case.tau), n), case.t))
    return target


def _solver(case: Average, tol: float) -> otsort.AbstractSolver:
    return otsort.Newton(jnp.asarray(case.epsilon), tol=tol) if case.epsilon > 0 else otsort.NorthWestCorner()


@eqx.filter_jit
def _read(
    x: Float[Array, " n"], target: otsort.TargetMeasure, solver: otsort.AbstractSolver
) -> tuple[Verdict, Float[Array, " n"], Float[Array, ""]]:
    """Returns the verdict on the plan, the shares of the values in its middle column, and the quantile."""
    solution = otsort.solve(x, target, solver=solver, throw=False)
    column = solution.plan.as_matrix()[:, 1]
    shares, quantile = column / jnp.sum(column), solution.plan.push(x)[1]
    return Verdict.of(solution, shares, quantile), shares, quantile
