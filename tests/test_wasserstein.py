"""The Wasserstein distance: that of SciPy, its gradient, masks, batches and numbers of any size."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads

import otsort

wasserstein = otsort.losses.wasserstein
RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 3, 6)), RNG.normal(size=(2, 3, 4))


@pytest.mark.parametrize("weighted", [False, True])
@given(seed=st.integers(0, 2**31), tied=st.booleans())
def test_is_scipys(weighted, seed, tied):
    rng = np.random.default_rng(seed)
    x, y, a, b = rng.normal(size=6), rng.normal(size=4), rng.uniform(size=6), rng.uniform(size=4)
    a[0] = 0
    x, y = (x.round(), y.round()) if tied else (x, y)
    weights = (a, b) if weighted else (None, None)
    found = wasserstein(x, y, weights=weights[0], other_weights=weights[1])
    np.testing.assert_allclose(found, scipy.stats.wasserstein_distance(x, y, *weights), atol=1e-12)


@pytest.mark.parametrize("p", [1, 1.5, 3])
def test_the_best_of_all_pairings(p):
    x, y = X[0, 0, :5], X[1, 0, :5]
    best = min(np.mean(np.abs(x[list(order)] - y) ** p) for order in itertools.permutations(range(5)))
    np.testing.assert_allclose(wasserstein(x, y, p=p), best ** (1 / p), rtol=1e-12)
    np.testing.assert_allclose(jax.jit(lambda p: wasserstein(x, y, p=p))(p), best ** (1 / p), rtol=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_derivatives(p):
    a, b = RNG.uniform(0.5, 1, size=(2, 6))
    distance = lambda x, y, a, b: wasserstein(x, y, p=p, weights=a, other_weights=b)
    check_grads(distance, (X[0, 0], Y[0, 0], a, b[:4]), order=1, rtol=1e-5)


def test_equal_samples_have_no_gradient():
    for p in (1, 2):
        assert wasserstein(X, X, p=p).max() == 0
        np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(wasserstein(x, X, p=p)))(X), 0)  # noqa: B023


def test_batches_and_axes():
    x, y = X[0], Y[0]
    expected = [wasserstein(*both) for both in zip(x, y, strict=True)]
    np.testing.assert_allclose(wasserstein(x, y), expected, rtol=1e-12)
    np.testing.assert_allclose(wasserstein(x.T, y.T, axis=0), expected, rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(wasserstein)(x, y), expected, rtol=1e-12)
    np.testing.assert_allclose(wasserstein(x, y, axis=None), wasserstein(x.ravel(), y.ravel()), rtol=1e-12)


def test_masks_and_values_without_weight():
    where, other_where = np.arange(6) < np.array([[2], [6], [0]]), np.arange(4) != 1
    x, y = np.where(where, X[0], np.nan), np.where(other_where, Y[0], np.inf)
    expected = [wasserstein(x[i, :n], np.delete(y[i], 1)) for i, n in enumerate((2, 6))]
    distance = lambda x, y: wasserstein(x, y, where=where, other_where=other_where)
    np.testing.assert_allclose(distance(x, y), [*expected, 0], rtol=1e-12)
    weighted = wasserstein(x, y, weights=where + (np.arange(3) == 2)[:, None], other_weights=other_where)
    np.testing.assert_allclose(weighted[:2], expected, rtol=1e-12)
    gradients = jax.grad(lambda x, y: jnp.sum(distance(x, y)), (0, 1))(x, y)
    for gradient, part in zip(gradients, (where, np.broadcast_to(other_where, y.shape)), strict=True):
        assert np.all(np.isfinite(gradient))
        assert not np.any(gradient[~part])


def test_segments_without_mass_count_in_derivatives_alone(without_x64):
    x = jnp.array([0.0, 1.0])
    np.testing.assert_allclose(wasserstein(x, x + 1e-5, p=10), 1e-5, rtol=1e-2)
    of_weight = jax.grad(lambda weight: wasserstein(1 + 9 * x, jnp.zeros(1), weights=jnp.stack([1 - weight, weight])))
    np.testing.assert_allclose(of_weight(0.0), 9, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_values_of_any_size(scale, without_x64):
    x, y = (jnp.asarray(one[0], jnp.float32) for one in (X, Y))
    np.testing.assert_allclose(wasserstein(scale * x, scale * y, p=3) / scale, wasserstein(x, y, p=3), rtol=1e-5)
    assert wasserstein(jnp.arange(3), jnp.arange(2)).dtype == jnp.float32
    assert wasserstein(x.astype(jnp.bfloat16), y.astype(jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X, Y, {"p": 0.5}, "p must be one finite number, at least 1.*0.5"),
        (X, Y[:1], {}, "one shape without the axis"),
        (X, Y[..., :0], {}, "at least one value"),
        (X, Y, {"weights": -np.ones(6)}, "weights"),
        (X, Y, {"where": np.ones(5, bool)}, "where"),
    ],
)
def test_bad_arguments(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        wasserstein(x, y, **options)
