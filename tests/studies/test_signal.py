"""The study of the gradient of ranks: its closed form, what it counts, and the text of its report."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort._operator.suggest_epsilon import OWN, SUPPORT
from otsort_studies.common import outcome
from otsort_studies.common.run import measured
from otsort_studies.signal import study as names
from otsort_studies.signal.measure import (
    SQUASHES,
    jacobian_of_ranks,
    linearised,
    participation,
    participation_of_others,
)
from otsort_studies.signal.report import report
from otsort_studies.signal.study import Signal, Suggested, Sweep

from .frames import frames

TINY = Signal(families=("normal", "rounded"), real=("diabetes bmi",), n=(80,), epsilon=(1e-3,), neighbours=(3,), m=())


@pytest.mark.parametrize(("m", "epsilon"), [(12, 1e-1), (12, 1e-3)])
def test_closed_form_is_the_jacobian(m, epsilon):
    x = jnp.asarray(np.random.default_rng(0).uniform(size=20))
    options = {"num_targets": m, "squash": otsort.squash.identity, "solver": otsort.Newton(epsilon, tol=1e-9)}
    expected = jax.jacrev(lambda x: otsort.rank(x, **options))(x)
    verdict, jacobian = jax.jit(jacobian_of_ranks, static_argnums=1)(x, m, jnp.asarray(epsilon), 1e-9)
    assert verdict.outcome() == outcome.CONVERGED
    assert verdict.marginal_error < 1e-9
    np.testing.assert_allclose(jacobian, expected, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("squash", SQUASHES)
def test_slopes_are_the_derivative_at_fixed_normalisation(squash):
    x = jnp.asarray(np.sort(np.random.default_rng(0).normal(size=9)))
    found = linearised(x, squash, 9, jnp.asarray(1e-2), 1e-9)
    # What is left has the derivative of mean and deviation, or of both ends: rank two.
    assert np.linalg.matrix_rank(found.inner - jnp.diag(found.slopes), tol=1e-9) == 2
    assert np.all(found.slopes > 0)


def test_the_chain_of_squash_and_ranks_is_the_derivative_in_the_values():
    x = jnp.asarray(np.random.default_rng(0).normal(size=9))
    found = linearised(x, "logistic", 9, jnp.asarray(1e-2), 1e-9)
    expected = jax.jacrev(lambda x: otsort.rank(x, solver=otsort.Newton(1e-2, tol=1e-9)))(x)
    np.testing.assert_allclose(found.jacobian @ found.inner, expected, atol=1e-8)


def test_participation_counts():
    matrix = np.array([[9.0, 1, -1, 1], [1, 5, 0, 0], [0, 0, 0, 0], [1e-300, 0, 1e-300, 0]])
    np.testing.assert_allclose(participation_of_others(matrix), [3, 1, 0, 2])
    np.testing.assert_allclose(participation(matrix), [144 / 84, 36 / 26, 0, 2])


def test_theory_is_that_of_the_library():
    assert (names.SUPPORT, names.OWN) == (SUPPORT, OWN)
    assert tuple(SQUASHES) == names.SQUASHES
    assert otsort.Newton().epsilon == names.DEFAULT_EPSILON


def test_lists_longer_than_a_column_are_left_out():
    study = Signal(families=("normal",), real=("wine proline",), n=(178, 179), m=(10,))
    sizes = {(case.data, case.n) for case in study.cases()}
    assert sizes == {("normal", 178), ("normal", 179), ("wine proline", 178)}
    assert all(case.neighbours < case.n for case in study.cases() if isinstance(case, Suggested))
    assert {case.n for case in study.cases() if isinstance(case, Suggested) and case.m == 10} == {179}


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.ci
def test_rows_of_a_tiny_study(rows):
    assert [type(case).of(row) for case, row in zip(TINY.cases(), rows, strict=True)] == TINY.cases()
    for row in rows:
        assert row["outcome"] == outcome.CONVERGED
        assert row["marginal_error"] <= TINY.tol
        assert row["support_low"] <= row["support"] <= row["support_high"] <= row["n"]
        assert row["row"] <= row["spectral"]
        assert row["frobenius"] <= row["spectral"]
        assert 0 <= row["silent"] <= 1
    suggested = [row for row in rows if row["part"] == "suggested" and row["data"] != "rounded"]
    assert all(2.5 < row["support"] < 4 for row in suggested)


def test_the_report_says_where_the_rule_fails(rows):
    found = report(TINY, frames(TINY, rows))
    assert "differ from the request by more than a factor of 1.5: rounded (6 of 6)." in found.text
    assert "too few rows for the exponents" in found.text
    assert "Fewer target points" not in found.text
    assert f"All {len(rows)} solves converged" in found.text
    assert set(found.figures) == {"signal", "signal-rule"}


def test_what_did_not_converge_is_told_and_left_out(rows):
    cut = [
        {**row, "outcome": outcome.NOT_CONVERGED, "support": 1e9} if row["data"] == "rounded" else row for row in rows
    ]
    text = report(TINY, frames(TINY, cut)).text
    assert "differ from the request by more than a factor of 1.5. Equal values" in text
    assert "1000000000" not in text
    count = sum(row["data"] == "rounded" for row in rows)
    assert f"{count} of {len(rows)} solves did not converge and are left out: rounded" in text


@pytest.mark.parametrize("exponent", [0.5, 0.25])
def test_exponents_and_targets_of_made_rows(exponent):
    """Of rows that follow a law, the report finds it, and from how many neighbours on fewer targets do not matter."""
    study = Signal(families=("normal",), real=(), n=(100, 400), epsilon=(1e-3, 5e-3), m=(10, 100), seeds=(0,))
    some = dict.fromkeys(("whole_support", "support_of_values", "support_low", "support_high"), 4.0)
    some |= dict.fromkeys(("dense", "silent", "marginal_error"), 0.0)

    def row(case):
        sees = case.n * (case.epsilon if isinstance(case, Sweep) else 1e-2) ** exponent
        fades = isinstance(case, Suggested) and case.neighbours < case.n / case.m
        norms = {"row": 0.1 if fades else 1.0, "frobenius": 1.0, "spectral": 2.0, "density": 1.0, "support": sees}
        suggested = {} if isinstance(case, Sweep) else {"epsilon": 1e-2}
        return case.row(outcome.CONVERGED, **norms, **some, **suggested)

    text = " ".join(report(study, frames(study, list(map(row, study.cases())))).text.split()).replace("-0.00", "0.00")
    found = f"{exponent:.2f} ({exponent:.2f} to {exponent:.2f})"
    assert f"| support | {found} | 0.5 | 1.00 (1.00 to 1.00) | 1 | 2 |" in text
    assert "| Frobenius norm | 0.00 (0.00 to 0.00) | 0 | 1.50 (1.50 to 1.50) | 1.5 | 2 |" in text
    assert "neighbours: from 100 at n/m = 40.0, from 5 at n/m = 4.0, from 3 at n/m = 1.0." in text
