"""Values near the largest numbers, infinities, and promises that hold bit for bit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otsort

from .cases import diagonal

#: Operators whose answers are in units of the values, then the others.
OF_VALUES = {
    "sort": otsort.sort,
    "sort to 3": functools.partial(otsort.sort, num_targets=3),
    "median": otsort.median,
    "quantile": lambda x, **options: otsort.quantile(x, np.array([0.0, 0.3, 1.0], x.dtype), **options),
    "top_k": functools.partial(otsort.top_k, k=2),
    "quantize": functools.partial(otsort.quantize, levels=2),
    "trimmed_mean": lambda x, **options: otsort.losses.trimmed_mean(x, 0.1, 0.8, **options),
    "expected_shortfall": lambda x, **options: otsort.losses.expected_shortfall(x, 0.5, **options),
}
OTHERS = {
    "rank": otsort.rank,
    "rank at": lambda x, **options: otsort.rank(x, at=x[::2], **options),
    "cdf": otsort.cdf,
    "permutation": otsort.permutation,
    "selection": functools.partial(otsort.selection, k=2),
    "top_k_mask": functools.partial(otsort.top_k_mask, k=2),
    "suggest_epsilon": lambda x, epsilon, **options: otsort.suggest_epsilon(x, 2, **options),
    "suggest_sparse_epsilon": lambda x, epsilon, **options: otsort.suggest_sparse_epsilon(x, 2, **options),
}
OPERATORS = OF_VALUES | OTHERS


@pytest.mark.parametrize(
    ("operator", "dtype", "epsilon"), diagonal(list(OPERATORS), [np.float32, np.float64], [0.03, 0, 0.03])
)
def test_any_finite_input_has_a_finite_answer(operator, dtype, epsilon):
    most = np.finfo(dtype).max
    x = (np.array([-0.7, 1, 0.2, -1, 0.201]) * most).astype(dtype)
    small = np.array([-0.7, 1, 0.2, -1, 0.201], dtype)
    for squash in (otsort.squash.logistic, otsort.squash.min_max):
        found = OPERATORS[operator](x, epsilon=epsilon, squash=squash)
        expected = OPERATORS[operator](small, epsilon=epsilon, squash=squash)
        if operator in OF_VALUES:
            found = np.asarray(found) / most  # JAX 0.12 would multiply by the reciprocal, which is flushed to zero
        np.testing.assert_allclose(found, expected, atol=3e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_of_huge_values(dtype):
    rng = np.random.default_rng(0)
    small = rng.uniform(-1, 1, 4000).astype(dtype)
    x = small * np.finfo(dtype).max
    solver = otsort.Quadrature(0.1)
    for operator in (otsort.rank, functools.partial(otsort.sort, num_targets=50)):
        found, expected = operator(x, solver=solver), operator(small, solver=solver)
        scale = 1 if operator is otsort.rank else np.finfo(dtype).max
        np.testing.assert_allclose(np.asarray(found) / scale, expected, atol=0.1 if operator is otsort.rank else 1e-4)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=5, max_size=5))
def test_any_floats(values):
    x = np.array(values, np.float32)
    for epsilon in (0, 0.05):
        assert np.all(np.isfinite(otsort.rank(x, epsilon=epsilon)))
        ordered = otsort.sort(x, epsilon=epsilon)
        assert np.all(np.diff(np.asarray(ordered, np.float64)) >= 0)
        assert x.min() <= ordered[0]
        assert ordered[-1] <= x.max()
    # Numbers below the least normal one are zero to XLA.
    np.testing.assert_allclose(otsort.sort(x, epsilon=0), np.sort(x), rtol=0, atol=np.finfo(np.float32).tiny)


def test_infinities_have_their_order():
    x = np.array([np.inf, 2.0, -np.inf, 1.0, 3.0])
    np.testing.assert_array_equal(otsort.sort(x, epsilon=0), np.sort(x))
    np.testing.assert_array_equal(otsort.rank(x, epsilon=0), [5, 3, 1, 2, 4])
    np.testing.assert_array_equal(otsort.top_k(x, 2, epsilon=0), [np.inf, 3])
    assert otsort.median(x, epsilon=0) == 2
    np.testing.assert_array_equal(otsort.quantile(x, [0.0, 0.25, 1.0], epsilon=0), [-np.inf, 1, np.inf])
    assert otsort.quantile(x, 0.9, epsilon=0) == np.inf
    np.testing.assert_array_equal(otsort.sort_by(x, -x, epsilon=0), np.sort(x)[::-1])
    np.testing.assert_array_equal(otsort.rank(x, at=[-np.inf, np.inf, 2.5], epsilon=0)[:2], [1, 5])
    slope = jax.grad(lambda x: otsort.median(x, epsilon=0))(jnp.asarray(x))
    np.testing.assert_array_equal(slope, [0, 1, 0, 0, 0])


def test_infinities_are_the_ends_of_a_robust_squash():
    x = jnp.asarray([np.inf, 2.0, -np.inf, 1.0, 3.0])
    ranks = otsort.rank(x, squash=otsort.squash.robust)
    np.testing.assert_allclose(ranks, [5, 3, 1, 2, 4], atol=0.3)
    slope = jax.grad(lambda x: otsort.rank(x, squash=otsort.squash.robust)[1])(x)
    assert jnp.all(jnp.isfinite(slope))
    np.testing.assert_array_equal(slope[jnp.array([0, 2])], 0)
    assert np.all(np.isnan(otsort.rank(x)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_sorts_are_the_values_however_they_are_padded(dtype):
    lengths = [1, 2, 26, 371, 409, 446, 777, 1200]
    x = np.random.default_rng(0).normal(size=(len(lengths), 1300)).astype(dtype)
    where = np.arange(1300) < np.array(lengths)[:, None]
    found = otsort.sort(x, where=where, epsilon=0)
    for row, values, n in zip(found, x, lengths, strict=True):
        np.testing.assert_array_equal(row[:n], np.sort(values[:n]))


@pytest.mark.slow
def test_exact_sorts_of_every_length():
    x = np.random.default_rng(0).normal(size=1300).astype(np.float32)
    lengths = np.arange(1, 1201)
    found = otsort.sort(np.broadcast_to(x, (1200, 1300)), where=np.arange(1300) < lengths[:, None], epsilon=0)
    for n, row in zip(lengths, found, strict=True):
        np.testing.assert_array_equal(row[:n], np.sort(x[:n]))


@given(st.integers(0, 2**31), st.integers(1, 9))
def test_weighted_exact_sorts_stay_in_the_range(seed, m):
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=6).astype(np.float32), rng.uniform(size=6).astype(np.float32)
    found = otsort.sort(x, weights=weights, num_targets=m, epsilon=0)
    assert x.min() <= found[0]
    assert found[-1] <= x.max()
    assert np.all(np.diff(found) >= 0)


def test_the_sign_of_zero_is_kept():
    found = np.asarray(otsort.sort(np.array([1.0, -0.0, -2.0]), epsilon=0))
    assert np.signbit(found[1])


@pytest.mark.parametrize("epsilon", [0, 1e-3, 0.1])
def test_quantiles_do_not_fall(epsilon):
    x = np.random.default_rng(1).normal(size=30).astype(np.float32)
    levels = np.random.default_rng(2).permutation(np.linspace(0, 1, 101).astype(np.float32))
    found = otsort.quantile(x, levels, epsilon=epsilon)
    assert np.all(np.diff(np.asarray(found)[np.argsort(levels)]) >= 0)
