"""The suggested epsilon gives the support that was asked for, and answers every input sensibly."""

from itertools import product, starmap

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import otsort
from otsort._operator.suggest_epsilon import OWN, SUPPORT

from .cases import thinned

DTYPES = np.float32, np.float64
X = np.random.default_rng(3).normal(size=60)


def support(x, **options):
    """Median participation ratio of the gradients of ranks, without the values themselves."""
    jacobian = np.abs(jax.jacrev(lambda x: otsort.rank(x, **options))(jnp.asarray(x)))
    others = jacobian * (1 - np.eye(len(jacobian)))
    return np.median(others.sum(1) ** 2 / (others**2).sum(1))


def test_constants_are_those_of_the_kernel():
    transform = lambda k: k**2 / np.expm1(k**2) if k else 1.0
    places = np.linspace(0, 10, 401)
    kernel = [integrate.quad(lambda k, z=z: transform(k) * np.cos(k * z) / np.pi, 0, 7, limit=200)[0] for z in places]
    size, square = (2 * integrate.simpson(values, x=places) for values in (np.abs(kernel), np.square(kernel)))
    ratio = kernel[0] * size / square
    np.testing.assert_allclose(SUPPORT, size**2 / square, rtol=1e-4)
    np.testing.assert_allclose(OWN, 2 * ratio - ratio**2, rtol=1e-3)


@pytest.mark.parametrize(("neighbours", "dtype"), thinned(starmap(pytest.param, product([3, 10, 30], DTYPES)), 3))
def test_ranks_see_so_many_neighbours(neighbours, dtype):
    x = X.astype(dtype)
    epsilon = otsort.suggest_epsilon(x, neighbours)
    assert epsilon.dtype == dtype
    assert epsilon.shape == ()
    assert 1 / 1.3 < support(x, epsilon=epsilon) / neighbours < 1.3


@pytest.mark.parametrize(("places", "dtype"), thinned(starmap(pytest.param, product([4, 10, 25], DTYPES)), 3))
def test_values_reach_so_many_places(places, dtype):
    x, weights = X.astype(dtype), np.random.default_rng(1).exponential(size=60)
    for options in ({}, {"weights": weights}, {"squash": otsort.squash.min_max}):
        solver = otsort.SparseNewton(otsort.suggest_sparse_epsilon(x, places, **options))
        plan = otsort.solve(x, otsort.UniformTarget(60, dtype), solver=solver, **options).plan
        reached = np.median(np.sum(np.asarray(plan.as_matrix()) > 0, axis=1))
        assert abs(reached - places) <= 1 + places / 5


def test_sparse_epsilon_of_evenly_spaced_positions_is_the_formula():
    x = (np.arange(50) + 0.5) / 50
    found = otsort.suggest_sparse_epsilon(x, 10, squash=otsort.squash.identity)
    np.testing.assert_allclose(found, (10 / 50) ** 3 / 6, rtol=1e-12)
    with pytest.raises(ValueError, match="between 1 and n = 50"):
        otsort.suggest_sparse_epsilon(x, 51)


def test_the_squash_is_that_of_the_operator():
    x, squash = np.random.default_rng(0).exponential(size=60), otsort.squash.min_max
    epsilon = otsort.suggest_epsilon(x, 10, squash=squash)
    assert 1 / 1.2 < support(x, epsilon=epsilon, squash=squash) / 10 < 1.2


def test_with_weights():
    weights = np.random.default_rng(1).exponential(size=60)
    epsilon = otsort.suggest_epsilon(X, 8, weights=weights)
    assert 1 / 1.3 < support(X, epsilon=epsilon, weights=weights) / 8 < 1.3
    np.testing.assert_allclose(
        otsort.suggest_epsilon(X, 8, weights=np.full(60, 2)), otsort.suggest_epsilon(X, 8), rtol=1e-12
    )
    absent = otsort.suggest_epsilon(np.append(X, 3 * X), 8, weights=np.repeat([1, 0], 60))
    np.testing.assert_allclose(absent, otsort.suggest_epsilon(X, 8), rtol=0.1)


def test_of_evenly_spaced_positions_it_is_the_formula():
    x = (np.arange(50) + 0.5) / 50
    expected = 2 * ((10 + OWN) / SUPPORT / 50) ** 2
    np.testing.assert_allclose(otsort.suggest_epsilon(x, 10, squash=otsort.squash.identity), expected, rtol=1e-12)


def test_it_grows_with_the_neighbours_and_does_not_depend_on_units():
    epsilon = jax.vmap(lambda count: otsort.suggest_epsilon(X, count))(jnp.arange(1, 60))
    assert np.all(np.diff(epsilon) > 0)
    np.testing.assert_allclose(otsort.suggest_epsilon(5 - 7 * X, 10), epsilon[9], rtol=1e-9)


def test_axes():
    x = np.random.default_rng(0).normal(size=(3, 20, 2))
    each = np.asarray([[otsort.suggest_epsilon(x[i, :, j], 4) for j in range(2)] for i in range(3)])
    np.testing.assert_allclose(otsort.suggest_epsilon(x, 4, axis=1), each, rtol=1e-12)
    flat = otsort.suggest_epsilon(x[0].ravel(), 4)
    np.testing.assert_allclose(otsort.suggest_epsilon(x, 4, axis=(1, 2))[0], flat, rtol=1e-12)
    assert otsort.suggest_epsilon(x, 4, axis=None).shape == ()


def test_under_jit_with_everything_traced_and_without_a_derivative():
    traced = jax.jit(otsort.suggest_epsilon)(X, 10)
    np.testing.assert_allclose(traced, otsort.suggest_epsilon(X, 10), rtol=1e-12)
    ranks = jax.jit(lambda x: otsort.rank(x, epsilon=otsort.suggest_epsilon(x, 10)))(X)
    np.testing.assert_allclose(ranks, otsort.rank(X, epsilon=traced), atol=1e-4)
    assert not np.any(jax.grad(lambda x: otsort.suggest_epsilon(x, 10))(jnp.asarray(X)))


def test_dtypes():
    integers = np.arange(20) ** 2
    np.testing.assert_allclose(otsort.suggest_epsilon(integers, 5), otsort.suggest_epsilon(1.0 * integers, 5))
    half = otsort.suggest_epsilon(jnp.asarray(X, jnp.float16), 3)
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, otsort.suggest_epsilon(X, 3), rtol=0.02)


def test_ties_count_as_spread_over_the_gap():
    even = np.repeat(np.arange(10.0), 6)
    for x in (even, np.append(np.zeros(40), np.arange(1, 21))):
        epsilon = otsort.suggest_epsilon(x, 3)
        assert 1e-5 < epsilon < 1e-2
    smooth = otsort.suggest_epsilon(np.arange(60.0), 10)
    np.testing.assert_allclose(otsort.suggest_epsilon(even, 10), smooth, rtol=0.1)
    assert 1 / 1.3 < support(even, epsilon=otsort.suggest_epsilon(even, 10)) / 10 < 1.3


def test_constant_tiny_and_broken_lists():
    even = 2 * ((3 + OWN) / SUPPORT / 10) ** 2
    np.testing.assert_allclose(otsort.suggest_epsilon(np.full(10, 7.0), 3), even, rtol=1e-12)
    for x in ([1.0, 2.0], [1.0, 1.0]):
        assert 0.01 < otsort.suggest_epsilon(x, 1) < 1
    for n, least in ((10_000, 8 * np.finfo(np.float32).eps), (100_000, 1e-5)):
        assert otsort.suggest_epsilon(np.linspace(0, 1, n, dtype=np.float32), 1) == np.float32(least)
    broken = otsort.suggest_epsilon(np.stack([X, np.append(X[1:], np.nan), np.append(X[1:], np.inf)]), 5)
    np.testing.assert_array_equal(np.isnan(broken), [False, True, True])


def test_bad_input_is_told_what_to_do():
    for count in (0, -1, 60, np.nan):
        with pytest.raises(ValueError, match="between 1 and n - 1 = 59"):
            otsort.suggest_epsilon(X, count)
    with pytest.raises(RuntimeError, match="between 1 and n - 1"):
        eqx.filter_jit(otsort.suggest_epsilon)(X, jnp.asarray(60))
    with pytest.raises(ValueError, match=r"use jax\.vmap"):
        otsort.suggest_epsilon(X, [3, 5])
    with pytest.raises(ValueError, match="at least two values"):
        otsort.suggest_epsilon(X[:1], 1)
    with pytest.raises(ValueError, match="axis must lie from -1 to 0"):
        otsort.suggest_epsilon(X, 3, axis=1)


def test_the_default_solver_takes_what_is_suggested():
    """Long lists, whose epsilon Newton could not take; as an array, as it comes, and traced."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=20_000), jnp.float32)
    for neighbours in (10, 2000):
        epsilon = otsort.suggest_epsilon(x, neighbours)
        ranks = jax.eval_shape(lambda x, e=epsilon: otsort.rank(x, epsilon=e), x)
        assert ranks.shape == x.shape
    np.testing.assert_array_equal(otsort.rank(x, epsilon=epsilon), otsort.rank(x, epsilon=float(epsilon)))
    traced = jax.jit(lambda x: otsort.rank(x, epsilon=otsort.suggest_epsilon(x, 2000)))
    np.testing.assert_allclose(traced(x) / x.size, otsort.rank(x, epsilon=epsilon) / x.size, atol=2e-5)
