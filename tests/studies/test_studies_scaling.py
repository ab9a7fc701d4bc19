"""What the report on scaling computes, on rows whose answers are known."""

import math

import jax.numpy as jnp
import pytest

import otsort
from otsort._solve import _default_solver
from otsort.studies._study.scaling import Cost, Scaling, _crossing, _power, _switch


def cost(n, solver, seconds, outcome="converged"):
    return Cost(n, n, 1, 1e-2, solver, n * n, outcome, seconds, seconds, 8.0 * n)


def test_exponents_are_those_of_the_last_three_points():
    line = [cost(n, "Newton", 1.0 if n == 10 else n**2.5) for n in (10, 100, 1000, 10_000)]
    assert _power(line, "n", "forward_seconds") == "2.5"
    assert _power(line, "n", "gradient_bytes") == "1.0"
    assert _power(line[:1], "n", "forward_seconds") == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("constant", "expected"), [(200**2, 200.0), (1.0, 0.0), (1e9, math.inf)], ids=["between", "always", "nowhere"]
)
def test_crossing(constant, expected):
    slower = [cost(n, "Newton", float(n**2)) for n in (10, 100, 1000)]
    faster = [cost(n, "Quadrature", constant) for n in (10, 100, 1000, 10_000)]
    assert _crossing(slower, faster, "forward_seconds")[0] == pytest.approx(expected)


def test_the_switch_is_that_of_the_default_solver():
    for m in (None, 16):
        n = _switch(1e-2, m)
        kinds = [
            type(_default_solver(1e-2, size, otsort.UniformTarget(m or size, jnp.float32), otsort.SquaredCost()))
            for size in (n - 1, n)
        ]
        assert kinds == [otsort.Newton, otsort.Quadrature]


def test_what_is_too_large_or_unsound_is_a_row():
    study = Scaling(
        solvers=("Sinkhorn", "NorthWestCorner", "jnp.sort"),
        n=8,
        epsilon=1e-4,
        sizes=(8, 64),
        many=(),
        targets=(),
        batches=(1,),
        length=8,
        epsilons=(1e-4,),
        largest=100,
    )
    rows = list(study.measure(study.cases()))
    assert [tuple(row.__dict__.values())[:5] for row in rows] == study.cases()
    outcomes = {(row.solver, row.n): row.outcome for row in rows}
    assert outcomes["Sinkhorn", 8] == "not finite"
    assert outcomes["Sinkhorn", 64] == "too large"
    assert outcomes["NorthWestCorner", 8] == outcomes["jnp.sort", 64] == "exact"
    text = study.report(rows).text
    assert "Outcome too large of Sinkhorn at (n 64, m 64, batch 1, epsilon 0.0001)" in text
