"""The study of gradients: what it takes for errors, the laws it fits, and methods that fail."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort.studies._study import gradients
from otsort.studies._study.gradients import MAIN, METHODS, Gradient, Gradients

TINY = Gradients(
    data=("normal", "digits ink"), n=6, epsilons=(), sweeps=(2,), few_sweeps=(2,), budget=2, sizes=(), seed=3
)


@pytest.fixture(scope="module")
def rows():
    """Of the main methods, in float64 on one list."""
    cases = [case for case in TINY.cases() if case[2] == "float64" and case[4] == "normal" and case[-1] in MAIN]
    return list(TINY.measure(cases))


def test_parts_of_the_error(rows):
    found = {(row.start, row.method): row for row in rows}
    for start in gradients.STARTS:
        unrolled, implicit = (found[start, method] for method in MAIN)
        assert unrolled.outcome == implicit.outcome == "finite"
        assert unrolled.point_error == pytest.approx(implicit.point_error, rel=1e-6, abs=1e-12)
        for row in (unrolled, implicit):
            assert row.gradient_error <= row.point_error + row.derivative_error + 1e-12
    unrolled, implicit = (found["solution", method] for method in MAIN)
    assert max(implicit.gradient_error, implicit.marginal_error, unrolled.point_error) < 1e-9
    assert unrolled.gradient_error == pytest.approx(unrolled.derivative_error, rel=1e-6)
    assert unrolled.gradient_error > 1e-4


def test_unrolled_from_the_exact_start(rows):
    """The same number through the public interface: the start has a derivative."""
    x, weights, epsilon, truth = TINY._truth("normal", 6, 6, TINY.epsilon)
    solver = otsort.LogSinkhorn(epsilon, tol=None, max_steps=2, differentiation=otsort.Unrolled())
    gradient = jax.grad(lambda x: jnp.vdot(weights, otsort.rank(x, solver=solver)))(x)
    error = jnp.linalg.norm(gradient - truth.gradient) / jnp.linalg.norm(truth.gradient)
    (row,) = (row for row in rows if (row.start, row.method) == ("exact", MAIN[0]))
    assert row.gradient_error == pytest.approx(float(error), rel=1e-6)


def test_law():
    row = Gradient(9, 9, "float64", 1, "normal", 0.1, "zero", MAIN[0], "finite", rate=0.9)
    curve = [
        replace(row, sweeps=sweeps, gradient_error=0.3 * sweeps**1.5 * 0.9**sweeps) for sweeps in (1, 4, 16, 32, 64)
    ]
    slope, exponent, constant = gradients._law(curve, "gradient_error")
    assert (exponent, constant) == pytest.approx((1.5, 0.3))
    assert 0.5 < slope < 1
    assert gradients._law(curve[:3], "gradient_error") is None


def test_what_fails_is_a_row(rows, monkeypatch):
    def absent(*_):
        raise ModuleNotFoundError

    def broken(*_):
        raise MemoryError

    def infinite(x, epsilon, start, m, sweeps):
        return x / 0, jnp.zeros(m)

    for method, ranks in zip(
        ("ott implicit", "ott unrolled", "jaxopt implicit"), (absent, broken, infinite), strict=True
    ):
        monkeypatch.setitem(METHODS, method, ranks)
    cases = [case for case in TINY.cases() if case[4] == "normal" and case[-1].startswith(("ott", "jaxopt"))]
    failed = list(TINY.measure(cases))
    assert {row.method: row.outcome for row in failed} == {
        "ott implicit": "not installed",
        "ott unrolled": "raised MemoryError",
        "jaxopt implicit": "not finite",
    }
    assert not any(np.isfinite(row.gradient_error) for row in failed)
    text = replace(TINY, data=("normal",)).report([*rows, *failed]).text
    assert all(outcome in text for outcome in ("not installed", "raised MemoryError", "not finite"))
