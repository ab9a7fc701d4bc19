"""Quantiles by the methods of NumPy: ties, weights, masks, levels of any digits, and their smooth versions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

import otsort

from .cases import diagonal, some

METHODS = ("linear", "lower", "higher", "inverted_cdf")
X = np.random.default_rng(0).normal(size=(3, 11))


@pytest.mark.parametrize(("method", "dtype"), diagonal(list(METHODS), ["float32", "float64"]))
@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), tied=st.booleans())
def test_exact_quantiles_are_numpys(method, dtype, seed, tied):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 11)).astype(dtype)
    x = np.round(x) if tied else x
    q = np.concatenate([[0, 1, 0.3, 0.7, rng.integers(12) / 11], rng.integers(11, size=2) / 10, rng.random(2)])
    found = otsort.quantile(x, q, method=method, epsilon=0)
    np.testing.assert_allclose(found, np.quantile(x, q, axis=1, method=method), rtol=1e-5, atol=1e-6)
    where = rng.random((3, 11)) < np.array([[0.3], [0.6], [0.9]])
    where[:, 0] = True
    masked = otsort.quantile(np.where(where, x, np.nan), q, method=method, where=where, epsilon=0)
    for i in range(3):
        expected = np.quantile(x[i][where[i]], q, method=method)
        np.testing.assert_allclose(masked[:, i], expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), tied=st.booleans())
def test_weighted_quantiles_are_numpys(seed, tied):
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(3, 11)), rng.integers(0, 3, (3, 11)) + np.eye(3, 11)
    x, q = np.round(x) if tied else x, np.concatenate([[0, 1], rng.random(7)])
    found = otsort.quantile(x, q, method="inverted_cdf", weights=weights, epsilon=0)
    some = weights > 0  # NumPy 2.0 counts values without weight
    expected = [np.quantile(x[i][some[i]], q, method="inverted_cdf", weights=weights[i][some[i]]) for i in range(3)]
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12)


@pytest.mark.parametrize("method", some(METHODS, quick=("higher", "inverted_cdf")))
def test_smooth_quantiles(method):
    q, weights = np.array([0.1, 0.5, 0.85]), np.random.default_rng(1).uniform(0.5, 1, 11)
    quantile = lambda x, **options: otsort.quantile(x, q, method=method, **options)
    np.testing.assert_allclose(quantile(X, epsilon=1e-5), quantile(X, epsilon=0), atol=1e-2)
    check_grads(lambda x: quantile(x, epsilon=0.05), (X,), order=1, modes=["rev"], rtol=1e-5)
    if method in ("linear", "inverted_cdf"):
        weighted = lambda x, weights: quantile(x, weights=weights, epsilon=0.05)
        np.testing.assert_allclose(weighted(X, np.ones(11)), quantile(X, epsilon=0.05), rtol=1e-9)
        check_grads(lambda weights: weighted(X, weights), (weights,), order=1, modes=["rev"], rtol=1e-5)


def test_levels_that_miss_a_value_by_rounding_have_it(without_x64):
    x = jnp.arange(1.0, 11.0)
    np.testing.assert_array_equal(otsort.quantile(x, np.arange(11) / 10, method="inverted_cdf", epsilon=0), [1, *x])
    nine = jnp.arange(10.0)
    for method in ("lower", "higher"):
        np.testing.assert_array_equal(otsort.quantile(nine, np.arange(10) / 9, method=method, epsilon=0), nine)
    np.testing.assert_array_equal(jax.jit(lambda q: otsort.quantile(x, q, method="inverted_cdf", epsilon=0))(0.3), 3)


@pytest.mark.parametrize("method", ["lower", "higher", "inverted_cdf"])
@pytest.mark.parametrize("n", [10_000, 1_000_000])
def test_long_lists_in_float32(n, method, without_x64):
    x, q = np.arange(n, dtype=np.float32), np.array([0, 1e-4, 1e-3, 0.3, 0.7123, 0.999, 1])
    expected = np.quantile(x.astype(float), q, method=method)
    np.testing.assert_array_equal(otsort.quantile(x, q, method=method, epsilon=0), expected)


def test_bad_methods():
    with pytest.raises(ValueError, match=r"method must be one of linear, lower, higher, inverted_cdf, got 'nearest'"):
        otsort.quantile(X, 0.5, method="nearest")
    with pytest.raises(ValueError, match="method must be one of"):
        otsort.quantile(X, 0.5, method=["lower"])
    with pytest.raises(ValueError, match="method 'lower' accepts no weights"):
        otsort.quantile(X, 0.5, method="lower", weights=np.ones(11))
