"""Weights: of any size, of zero, and wrong ones."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otsort

from .cases import diagonal, thinned

X = np.array([3.0, 1.0, 4.0, 1.5, 5.0])
W = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
AT = np.array([0.3, 3.5])
OF_INPUTS = {
    "rank": otsort.rank,
    "cdf": otsort.cdf,
    "top_k_mask": functools.partial(otsort.top_k_mask, k=2),
    "quantile_normalize": functools.partial(otsort.quantile_normalize, reference=np.array([0.0, 1.0, 5.0])),
    "quantize": functools.partial(otsort.quantize, levels=2),
}
OTHERS = {
    "rank at": functools.partial(otsort.rank, at=AT),
    "sort to 4": functools.partial(otsort.sort, num_targets=4),
    "top_k": functools.partial(otsort.top_k, k=3),
    "quantile": lambda x, **options: otsort.quantile(x, np.array([0.25, 0.5, 1.0]), **options),
    "median": otsort.median,
    "quantile_error": lambda x, **options: otsort.losses.quantile_error(x, 0.3, **options),
    "trimmed_mean": lambda x, **options: otsort.losses.trimmed_mean(x, 0.1, 0.7, **options),
    "expected_shortfall": lambda x, **options: otsort.losses.expected_shortfall(x, 0.3, **options),
    "spearman": lambda x, **options: otsort.losses.spearman_correlation(x, np.arange(x.shape[-1]) % 4.0, **options),
    "suggest_epsilon": lambda x, epsilon, **options: otsort.suggest_epsilon(x, 2, **options),
    "suggest_sparse_epsilon": lambda x, epsilon, **options: otsort.suggest_sparse_epsilon(x, 2, **options),
}
OPERATORS = OF_INPUTS | OTHERS


@pytest.mark.usefixtures("without_x64")
@pytest.mark.parametrize(
    ("operator", "scale"), thinned(diagonal(list(OPERATORS), [1e38, 1e-37, 1e100, 1e-44, 1e-100, 1e300]), 5)
)
def test_a_factor_of_all_weights_does_not_matter(operator, scale):
    expected = OPERATORS[operator](X, weights=W, epsilon=0.05)
    np.testing.assert_array_equal(OPERATORS[operator](X, weights=W * scale, epsilon=0.05), expected)


@pytest.mark.usefixtures("without_x64")
@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int64, np.uint64, bool])
def test_weights_of_any_dtype(dtype):
    largest = True if dtype is bool else np.finfo(dtype).max if dtype is np.float16 else np.iinfo(dtype).max
    weights = np.full(5, largest, dtype)
    np.testing.assert_allclose(otsort.rank(X, weights=weights), otsort.rank(X), atol=1e-6)
    if np.dtype(dtype).itemsize < 8:  # JAX refuses longer integers
        found = jax.jit(lambda w: otsort.rank(X, weights=w))(weights)
        np.testing.assert_allclose(found, otsort.rank(X), atol=1e-6)


@pytest.mark.usefixtures("without_x64")
@pytest.mark.parametrize("scale", [3e38, 1e-37])
def test_traced_weights_at_the_ends_of_the_range(scale):
    quantile = jax.jit(lambda w: otsort.quantile(np.arange(1.0, 5.0), 0.5, weights=w, epsilon=0))
    assert quantile(jnp.full(4, scale, jnp.float32)) == 2.5


def test_known_weights_within_a_program():
    x, weights, where = np.array([X[:4], X[1:], X[::-1][:4]]), jnp.asarray(W[:4]), jnp.array([True, True, False, True])
    ranks = functools.partial(otsort.rank, weights=weights, where=where, epsilon=0)
    np.testing.assert_array_equal(jax.jit(ranks)(x), ranks(x))


def test_exponentials_as_weights():
    weights = np.exp(np.array([700.0, 709.0, 0.0, -700.0, 708.0]))
    expected = otsort.rank(X, weights=weights / weights.max())
    np.testing.assert_allclose(otsort.rank(X, weights=weights), expected, atol=1e-9)


@pytest.mark.parametrize(("operator", "epsilon"), thinned(diagonal(list(OPERATORS), [0, 0.01, 0.1]), 2))
def test_a_value_of_weight_zero_is_as_if_absent(operator, epsilon):
    """In the middle, ties and extremes among them, as numbers and traced."""
    extra = np.array([1e30, 1.5, np.nan, -7.0, np.inf])
    x = np.concatenate([X, extra])
    # Spearman's targets follow the places, so that the values without weight are last.
    expected = OPERATORS[operator](X, weights=W, epsilon=epsilon)
    weights = np.concatenate([W, np.zeros(5)])
    call = lambda weights: OPERATORS[operator](x, weights=weights, epsilon=epsilon)
    found = call(weights) if epsilon == 0.01 else jax.jit(call)(weights)
    np.testing.assert_allclose(found[:5] if operator in OF_INPUTS else found, expected, atol=2e-6)
    if operator in OF_INPUTS:
        np.testing.assert_array_equal(np.isnan(found[5:]), [False, False, True, False, False])


@pytest.mark.usefixtures("without_x64")
@pytest.mark.parametrize("operator", thinned(map(pytest.param, OPERATORS), 3))
def test_a_float64_value_of_weight_zero_where_jax_has_float32(operator):
    """It may be NaN or infinite, although differences to the first value are taken before values are rounded."""
    x, weights = np.append(X, [np.nan, np.inf, -np.inf]), np.append(W, np.zeros(3))
    expected = OPERATORS[operator](X, weights=W, epsilon=0.05)
    found = OPERATORS[operator](x, weights=weights, epsilon=0.05)
    np.testing.assert_allclose(found[:5] if operator in OF_INPUTS else found, expected, atol=2e-6)


def test_gradients_beside_values_of_weight_zero():
    x, weights = np.append(X, [np.nan, 1e30]), np.append(W, [0.0, 0.0])
    probe = np.cos(np.arange(5))
    found = jax.grad(lambda x: probe @ otsort.rank(x, weights=weights)[:5])(jnp.asarray(x))
    expected = jax.grad(lambda x: probe @ otsort.rank(x, weights=W))(jnp.asarray(X))
    np.testing.assert_allclose(found[:5], expected, atol=1e-6)
    np.testing.assert_array_equal(found[5:], 0)


def test_examples():
    x = [0.0, 10.0] + [5.0] * 100
    assert otsort.quantile(x, 0.25, weights=[1, 1] + [0] * 100, epsilon=0) == 2.5
    np.testing.assert_allclose(otsort.top_k([3.0, 1.0, 2.0], 3, weights=[1, 0, 1], epsilon=0), [3, 2, 0])
    np.testing.assert_allclose(otsort.sort([3.0, 1.0, 2.0], weights=[1, 0, 1], epsilon=0), [2, 2.5, 3])


@given(
    st.lists(st.sampled_from([0.0, 1.0, 0.3, 2.0]), min_size=7, max_size=7),
    st.lists(st.integers(-2, 2), min_size=7, max_size=7),
)
def test_any_weights_of_zero(weights, values):
    weights, x = np.array(weights) + 0.0, np.array(values, float)
    weights[3] = 1.0
    some = weights > 0
    found = otsort.rank(x, weights=weights, epsilon=0)[some]
    np.testing.assert_allclose(found, otsort.rank(x[some], weights=weights[some], epsilon=0), atol=1e-9)
    levels = np.array([0.0, 0.4, 1.0])
    found = otsort.quantile(x, levels, weights=weights, epsilon=0)
    np.testing.assert_allclose(found, otsort.quantile(x[some], levels, weights=weights[some], epsilon=0), atol=1e-9)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_weights_are_told(bad):
    weights = np.where(np.arange(5) == 2, bad, 1.0)
    with pytest.raises(ValueError, match=f"weights must be finite.*{bad:.0f}"):
        otsort.rank(X, weights=weights)
    with pytest.raises(ValueError, match=f"weights.*{bad:.0f}"):
        otsort.TargetMeasure(np.arange(5.0), weights)
    with pytest.raises((RuntimeError, ValueError), match="weights must be finite"):
        jax.jit(lambda w: otsort.rank(X, weights=w))(weights)


@pytest.mark.parametrize(("bad", "n"), diagonal([-1.0, np.nan, np.inf, 0.0], [5, 130]))
def test_a_bad_list_leaves_the_others_alone(bad, n):
    x = np.random.default_rng(0).normal(size=(3, n))
    weights = np.ones((3, n))
    weights[1, 2 if bad else slice(None)] = bad
    found = jax.jit(lambda w: otsort.rank(x, weights=w, throw=False))(weights)
    assert np.all(np.isnan(found[1]))
    np.testing.assert_allclose(found[::2], otsort.rank(x[::2]), atol=1e-6)


def test_a_bad_number_of_one_list_leaves_the_others_alone():
    x = np.random.default_rng(0).normal(size=(3, 5))
    good = otsort.top_k_mask(x, 2)
    found = jax.jit(lambda k: otsort.top_k_mask(x, k, throw=False))(np.array([2.0, 9.0, 2.0]))
    assert np.all(np.isnan(found[1]))
    np.testing.assert_allclose(found[::2], good[::2], atol=1e-6)
    tail = lambda alpha: otsort.losses.expected_shortfall(x, alpha, throw=False)
    found = jax.jit(tail)(np.array([0.2, 0.3, -1.0]))
    assert np.isnan(found[2])
    np.testing.assert_allclose(found[:2], tail(np.array([0.2, 0.3, 0.4]))[:2], atol=1e-6)
