"""The study of the gradient of ranks: its closed form, and what it counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort.studies._study.signal import GradientSignal, _squash, jacobian_of_ranks, participation


@pytest.mark.parametrize(("m", "epsilon"), [(12, 1e-1), (12, 1e-3)])
def test_closed_form_is_the_jacobian(m, epsilon):
    x = np.random.default_rng(0).uniform(size=20)
    options = {"num_targets": m, "squash": otsort.squash.identity, "solver": otsort.Newton(epsilon, tol=1e-9)}
    expected = jax.jacrev(lambda x: otsort.rank(x, **options))(jnp.asarray(x))
    jacobian, error, converged = jacobian_of_ranks(jnp.asarray(x), m, jnp.asarray(epsilon), 1e-9)
    assert converged
    assert error < 1e-9
    np.testing.assert_allclose(jacobian, expected, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("squash", ["logistic", "min_max"])
def test_slopes_are_the_derivative_at_fixed_normalisation(squash):
    x = np.sort(np.random.default_rng(0).normal(size=9))
    *_, inner, slopes = _squash(jnp.asarray(x), squash)
    # What is left has the derivative of mean and deviation, or of both ends: rank two.
    assert np.linalg.matrix_rank(inner - np.diag(slopes), tol=1e-9) == 2
    assert np.all(slopes > 0)


def test_participation_counts():
    matrix = np.array([[9.0, 1, -1, 1], [1, 5, 0, 0], [0, 0, 0, 0], [1e-300, 0, 1e-300, 0]])
    np.testing.assert_allclose(participation(matrix), [3, 1, 0, 2])
    np.testing.assert_allclose(participation(matrix, own=True), [144 / 84, 36 / 26, 0, 2])


def test_the_report_says_where_the_rule_fails():
    study = GradientSignal(
        families=("normal", "rounded"), real=("diabetes bmi",), n=(80,), epsilon=(1e-3,), neighbours=(3,), m=()
    )
    rows = list(study.measure(study.cases()))
    text = study.report(rows).text
    assert "off by more than a factor of 1.5: rounded (6 of 6)" in text
    assert "too few rows for the exponents" in text
    assert f"All {len(rows)} solves converged" in text
