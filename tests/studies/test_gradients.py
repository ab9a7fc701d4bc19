"""The study of gradients: what it takes for errors, the laws it fits, and methods that fail."""

import itertools
from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import otsort
from otsort_studies.common.outcome import CONVERGED, FIXED_BUDGET, NOT_CONVERGED, NOT_FINITE, NOT_INSTALLED
from otsort_studies.common.run import measured
from otsort_studies.common.verdict import Verdict
from otsort_studies.gradients import measure as measuring
from otsort_studies.gradients import methods
from otsort_studies.gradients.laws import law, pairs
from otsort_studies.gradients.measure import Truth
from otsort_studies.gradients.report import report
from otsort_studies.gradients.study import GRADIENT_METHODS, MAIN, STARTS, Gradient, Gradients

from .frames import frames

TINY = Gradients(
    data=("normal", "digits ink"), n=6, epsilons=(), sweeps=(2,), few_sweeps=(2,), budget=2, sizes=(), seed=3
)

CENTRE = Gradient(9, 9, "float64", 1, "normal", 0.1, "zero", MAIN[0])


@pytest.fixture(scope="module")
def rows():
    """Of the main methods, in float64 on one list."""
    cases = [case for case in TINY.cases() if (case.dtype, case.data) == ("float64", "normal") and case.method in MAIN]
    found = list(measured(TINY, cases))
    assert [Gradient.of(row) for row in found] == cases
    return found


def test_parts_of_the_error(rows):
    found = {(row["start"], row["method"]): row for row in rows}
    for start in STARTS:
        unrolled, implicit = (found[start, method] for method in MAIN)
        for row in (unrolled, implicit):
            assert (row["outcome"], row["reference"]) == (FIXED_BUDGET, CONVERGED)
            assert row["gradient_error"] <= row["point_error"] + row["derivative_error"] + 1e-12
            assert min(row["forward_seconds"], row["gradient_seconds"], row["scratch_bytes"]) > 0
        assert unrolled["point_error"] == pytest.approx(implicit["point_error"], rel=1e-6, abs=1e-12)
    unrolled, implicit = (found["solution", method] for method in MAIN)
    assert max(implicit["gradient_error"], implicit["marginal_error"], unrolled["point_error"]) < 1e-9
    assert unrolled["gradient_error"] == pytest.approx(unrolled["derivative_error"], rel=1e-6)
    assert unrolled["gradient_error"] > 1e-4


def test_unrolled_from_the_exact_start(rows):
    """The same number through the public interface: the start has a derivative."""
    truth = Truth.of("normal", 6, 6, TINY.epsilon, TINY.seed)
    solver = otsort.LogSinkhorn(truth.epsilon, tol=None, max_steps=2, differentiation=otsort.Unrolled())
    gradient = jax.grad(lambda x: jnp.vdot(truth.weights, otsort.rank(x, solver=solver)))(truth.x)
    (row,) = (row for row in rows if (row["start"], row["method"]) == ("exact", MAIN[0]))
    assert row["gradient_error"] == pytest.approx(truth.distance(gradient, truth.gradient), rel=1e-6)


def test_the_truth_is_a_gradient():
    """Of ranks by the public interface, by central differences; and its rate is that of the sweeps."""
    truth = Truth.of("normal", 6, 5, 0.1, 3)
    solver = otsort.Newton(0.1, tol=1e-12)
    target = otsort.UniformTarget(5)

    def total(x):
        return x.size * jnp.vdot(truth.weights, otsort.solve(x, target, solver=solver).plan.level(0.5))

    steps = 1e-5 * np.eye(6)
    slope = [(total(truth.x + step) - total(truth.x - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(truth.gradient, slope, rtol=1e-5, atol=1e-7)
    dual = methods.dual_of(truth.x, truth.epsilon, 5)
    sweep = jax.jacobian(lambda f: f - dual.epsilon * dual.log_marginal_ratio(f))(truth.potential)
    assert np.sort(np.linalg.eigvals(sweep).real)[-2] == pytest.approx(float(truth.rate))


def test_all_methods_are_there():
    assert tuple(methods.RANKS_BY_METHOD) == GRADIENT_METHODS
    assert {case.method for case in Gradients().cases()} == set(GRADIENT_METHODS)


def test_without_a_reference_there_is_no_error(monkeypatch):
    """As where rounding lets no solver reach the tolerance."""
    monkeypatch.setattr(measuring, "REFERENCE_TOL", 1e-300)
    (row,) = measured(TINY, [Gradient(7, 8, "float64", 2, "normal", 0.01, "exact", MAIN[1])])
    assert (row["outcome"], row["reference"]) == (FIXED_BUDGET, NOT_CONVERGED)
    assert np.isnan([row[f"{kind}_error"] for kind in ("gradient", "point", "derivative")]).all()


def test_what_fails_is_a_row(rows, monkeypatch):
    def absent(*_):
        raise ModuleNotFoundError

    def broken(*_):
        raise MemoryError

    def infinite(x, epsilon, start, m, sweeps):
        return Verdict.without_solution(jnp.inf, x / 0), x / 0, jnp.zeros(m)

    failing = {"ott implicit": absent, "ott unrolled": broken, "jaxopt implicit": infinite}
    for method, ranks in failing.items():
        monkeypatch.setitem(methods.RANKS_BY_METHOD, method, ranks)
    cases = [case for case in TINY.cases() if case.data == "normal" and case.method in failing]
    failed = list(measured(TINY, cases))
    assert [Gradient.of(row) for row in failed] == cases
    assert {row["method"]: row["outcome"] for row in failed} == {
        "ott implicit": NOT_INSTALLED,
        "ott unrolled": "raised MemoryError",
        "jaxopt implicit": NOT_FINITE,
    }
    assert not any(np.isfinite(row.get("gradient_error", np.nan)) for row in failed)
    text = report(replace(TINY, data=("normal",)), frames(Gradients, [*rows, *failed])).text
    assert all(outcome in text for outcome in (NOT_INSTALLED, "raised MemoryError", NOT_FINITE))
    assert "nan" not in text


def test_a_report_without_references(tmp_path):
    study = replace(Gradients.quick(), sizes=((5, 7),))
    rows = [case.row(FIXED_BUDGET, reference=NOT_CONVERGED) for case in study.cases()]
    found = report(study, frames(Gradients, rows))
    assert "clearly more accurate than the implicit one in 0 of 0 cases" in found.text
    assert FIXED_BUDGET in found.text
    assert "nan" not in found.text
    assert set(found.figures) == {"gradients-errors", "gradients-cost"}
    for figure, _ in found.figures.values():
        figure.savefig(tmp_path / "figure.png")


def costed(case, outcome=FIXED_BUDGET, reference=CONVERGED):
    """A row whose answers are known: unrolling is better at 8 sweeps from zero, at 1 sweep faster, and dearer."""
    unrolled = case.method == MAIN[0]
    error = 0.9**case.sweeps * (0.5 if unrolled and (case.sweeps, case.start) == (8, "zero") else 1)
    seconds = 1e-3 * (case.sweeps if unrolled else 2)
    errors = dict.fromkeys(("gradient_error", "point_error", "derivative_error", "marginal_error"), error)
    costs = {"forward_seconds": seconds / 2, "gradient_seconds": seconds, "scratch_bytes": 2.0**20 * case.sweeps}
    return case.row(outcome, reference=reference, rate=0.9, **errors, **costs)


def test_answers_are_those_of_the_rows():
    study = Gradients.quick()
    rows = [costed(case) for case in study.cases()]
    text = report(study, frames(Gradients, rows)).text
    # Two lists, two epsilons and three budgets.
    assert "The unrolled gradient is clearly more accurate than the implicit one in 4 of 24 cases." in text
    assert "smaller by more than 10%." in text
    assert "With the start *zero*, it is more accurate in 4 of 12 cases (8 to 8 sweeps), by at most 50.0%." in text
    assert "With the start *exact*, it is more accurate in 0 of 12 cases. Its error is 1 times" in text
    assert "32 sweeps, forward and backward pass of unrolling take 16.0 times as long" in text
    assert "Numbers of sweeps at which unrolling is faster: 1." in text
    assert "the marginal error is smaller by a factor of 1 in the median" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("small", "said"),
    [((1, 32), "from 32 sweeps on"), ((8, 32), "from 8 sweeps on"), ((1, 8), "for no number of sweeps")],
)
def test_small_errors_from_a_warm_start_stay_small(small, said):
    study = Gradients.quick()
    rows = [{**costed(case), "gradient_error": 1e-6 if case.sweeps in small else 0.1} for case in study.cases()]
    assert f"over the lists is at most 0.001 {said}." in report(study, frames(Gradients, rows)).text


def test_only_what_is_sound_counts():
    study = Gradients.quick()
    rows = [
        costed(case, *((NOT_FINITE, CONVERGED) if case.start == "zero" else (FIXED_BUDGET, NOT_CONVERGED)))
        if case.epsilon == study.epsilon
        else costed(case)
        for case in study.cases()
    ]
    text = report(study, frames(Gradients, rows)).text
    assert "clearly more accurate than the implicit one in 2 of 12 cases." in text
    assert "With the start *exact*, it is more accurate in 0 of 6 cases." in text


def test_pairs_are_of_one_point():
    cases = [
        replace(CENTRE, method=method, start=start, sweeps=sweeps)
        for start, sweeps, method in itertools.product(("zero", "exact"), (1, 2), MAIN)
    ]
    errors = [0.5, 0.25, 1e-12, 1e-11, 0.3, 0.6]
    rows = [case.row(FIXED_BUDGET, gradient_error=error) for case, error in zip(cases, errors, strict=False)]
    found = pairs(frames(Gradients, rows)["gradient"])
    # No pair where both errors may be those of the reference, or where one method is missing.
    assert found.select("start", "sweeps", "ratio").rows() == [("zero", 1, 2.0), ("exact", 1, 0.5)]


def test_law():
    rows = [
        asdict(replace(CENTRE, sweeps=sweeps)) | {"rate": 0.9, "gradient_error": 0.3 * sweeps**1.5 * 0.9**sweeps}
        for sweeps in (1, 4, 16, 32, 64)
    ]
    curve = pl.DataFrame(rows, schema=Gradient.schema())
    found = law(curve, "gradient_error")
    assert found is not None
    slope, power, constant = found
    assert (power, constant) == pytest.approx((1.5, 0.3))
    assert 0.5 < slope < 1
    assert law(curve.head(3), "gradient_error") is None
