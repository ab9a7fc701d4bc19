"""The largest values and where they are, places of other values, and exact values with a derivative."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from . import problems
from .cases import diagonal, some

X = np.random.default_rng(0).normal(size=(4, 7))
WEIGHTS = np.random.default_rng(1).uniform(0.2, 1, X.shape)
SOLVERS = {
    "Newton": otsort.Newton(0.03, tol=1e-10),
    "NorthWestCorner": otsort.NorthWestCorner(),
    "Quadrature": otsort.Quadrature(0.03, accuracy=1e-9, tol=1e-9),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_k_for_each_list(solver, weights):
    k = np.array([1.0, 2.5, 6.0, 7.0])
    masks = jax.jit(lambda k: otsort.top_k_mask(X, k, weights=weights, solver=SOLVERS[solver]))(k)
    a = np.full(X.shape, 1 / 7) if weights is None else weights / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(np.sum(7 * a * masks, axis=1), k, atol=1e-6)
    for x, w, one, mask in zip(X, a, k, masks, strict=True):
        np.testing.assert_allclose(otsort.top_k_mask(x, one, weights=w, solver=SOLVERS[solver]), mask, atol=1e-7)


def test_derivative_in_k():
    k, direction = jnp.array([1.0, 2.5, 3.2, 6.0]), jnp.array([1.0, -0.5, 0.3, 0.2])
    seed = jnp.asarray(np.random.default_rng(2).normal(size=X.shape))
    function = lambda k: jnp.vdot(seed, otsort.top_k_mask(X, k, solver=otsort.Newton(0.03, tol=1e-13)))
    expected = problems.finite_difference(function, k, direction)
    np.testing.assert_allclose(problems.directional(function, k, direction), expected, rtol=1e-6)


def test_a_k_out_of_range_is_told_when_traced():
    with pytest.raises(RuntimeError, match="k must be above 0"):
        jax.jit(otsort.top_k_mask)(X, 8.0).block_until_ready()


@pytest.mark.parametrize(("solver", "k"), diagonal(list(SOLVERS), [1, 3, 7]))
def test_selections(solver, k):
    options = {"weights": WEIGHTS, "solver": SOLVERS[solver]}
    found = otsort.selection(X, k, **options)
    assert found.shape == (4, k, 7)
    assert jnp.all(found >= 0)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-12)
    np.testing.assert_allclose(jnp.einsum("bkn,bn->bk", found, X), otsort.top_k(X, k, **options), atol=1e-7)


def test_selections_are_indices_in_the_limit():
    found = otsort.selection(X, 3, epsilon=0, axis=0)
    assert found.shape == (7, 3, 4)
    np.testing.assert_array_equal(found, jax.nn.one_hot(jax.lax.top_k(X.T, 3)[1], 4))


def test_selections_of_long_lists():
    """Of tables: no n x n array, and no mass from values far away."""
    x = np.random.default_rng(3).normal(size=5000)
    solver = otsort.Quadrature(0.1)
    found, k = otsort.selection(x, 2, solver=solver), 2
    np.testing.assert_allclose(found @ x, otsort.top_k(x, 2, solver=solver), atol=1e-5)
    memory = jax.jit(lambda x: otsort.selection(x, k, solver=solver)).lower(x).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 100 * x.nbytes


@pytest.mark.parametrize("name", some(problems.SOLVERS, ("Newton", "Quadrature", "LogSinkhorn")))
def test_own_values_have_their_own_ranks(name):
    solver = problems.SOLVERS[name](0.1)
    for operator in (otsort.rank, otsort.cdf):
        np.testing.assert_allclose(operator(X, at=X, solver=solver), operator(X, solver=solver), atol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.ci
def test_other_values_lie_between(solver):
    rank = functools.partial(otsort.rank, solver=SOLVERS[solver], weights=WEIGHTS[0])
    at = np.linspace(-4, 4, 33)
    found = rank(X[0], at=at)
    assert jnp.all(jnp.diff(found) >= -1e-9)
    assert jnp.all((found >= 0.5) & (found <= 7.5))
    np.testing.assert_allclose(rank(X[0], at=at[:, None][::8].T[0], descending=True), 8 - found[::8], atol=1e-9)
    np.testing.assert_allclose(otsort.rank(X, at=at, solver=SOLVERS[solver]).shape, (4, 33))
    many = otsort.rank(X, at=np.broadcast_to(at[:3, None], (3, 7)), axis=0, solver=SOLVERS[solver])
    np.testing.assert_allclose(many[:, 2], otsort.rank(X[:, 2], at=at[:3], solver=SOLVERS[solver]), atol=1e-7)


def test_other_values_of_the_exact_plan_take_the_nearest_place():
    x = np.array([3.0, 1.0, 2.0])
    at = np.array([-10.0, 1.2, 1.5, 1.6, 2.0, 99.0])
    np.testing.assert_allclose(otsort.rank(x, at=at, epsilon=0), [1, 1, 1.5, 2, 2, 3])
    # Two targets: the corner is within the mass of the middle value.
    np.testing.assert_allclose(otsort.cdf(x, at=at, epsilon=0, num_targets=2), [0.5, 0.5, 0.5, 0.5, 0.75, 1])


def test_the_exact_plan_is_the_limit():
    at = np.array([-3.0, -0.4, 0.33, 0.5, 3.0])
    identity = {"squash": otsort.squash.min_max}
    small = otsort.rank(X[0], at=at, solver=otsort.Newton(1e-5, tol=1e-9), **identity)
    np.testing.assert_allclose(small, otsort.rank(X[0], at=at, epsilon=0), atol=1e-3)


@pytest.mark.parametrize("squash", [otsort.squash.logistic, otsort.squash.min_max])
def test_derivatives_of_other_values(squash):
    at = jnp.array([-0.5, 0.1, 0.7])
    seed = jnp.array([1.0, -2.0, 0.5])
    function = lambda both: jnp.vdot(seed, otsort.rank(both[:7], at=both[7:], solver=SOLVERS["Newton"], squash=squash))
    both = jnp.concatenate([jnp.asarray(X[0]), at])
    direction = jnp.asarray(np.random.default_rng(4).normal(size=10))
    expected = problems.finite_difference(function, both, direction)
    np.testing.assert_allclose(problems.directional(function, both, direction), expected, rtol=1e-6)


def test_other_values_do_not_change_the_plan():
    x = jnp.asarray(X[0], jnp.float32)
    first = lambda x, last: otsort.rank(x, at=jnp.array([0.1, last], jnp.float32))[0]
    expected, gradient = jax.value_and_grad(first)(x, 0.2)
    for last in (1e30, -1e38, jnp.inf, jnp.nan):
        np.testing.assert_allclose(first(x, last), expected, rtol=1e-6)
        np.testing.assert_allclose(jax.grad(first)(x, last), gradient, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(otsort.rank(x, at=jnp.array([jnp.inf, jnp.nan, -1e30]))[::2], [7, 1], atol=0.1)
    assert jnp.isnan(otsort.rank(x, at=jnp.array([0.1, jnp.nan]))[1])


def test_other_values_of_another_shape_are_told():
    with pytest.raises(ValueError, match="at must have the shape"):
        otsort.rank(X, at=X[:2])


@pytest.mark.parametrize(
    "operator",
    [
        otsort.rank,
        pytest.param(otsort.sort, marks=pytest.mark.slow),
        pytest.param(functools.partial(otsort.top_k_mask, k=2), marks=pytest.mark.slow),
        functools.partial(otsort.quantile, q=np.array([0.1, 0.5])),
    ],
)
@pytest.mark.parametrize("options", [{"solver": SOLVERS["Newton"], "where": X > -1}])
def test_straight_through(operator, options):
    hard = {key: value for key, value in options.items() if key == "where"}
    straight = functools.partial(otsort.straight_through(operator), **options)
    seed = jnp.asarray(np.random.default_rng(6).normal(size=straight(X).shape))
    value, pull = jax.vjp(jax.jit(straight), jnp.asarray(X))
    exact = operator(X, **hard, epsilon=0)
    np.testing.assert_array_equal(straight(X), exact)
    ulps = 2 if jax.__version_info__ < (0, 10) else 0  # JAX 0.6.2 rounds fused sums otherwise
    np.testing.assert_array_max_ulp(np.asarray(value), np.asarray(exact), ulps)
    expected = jax.vjp(functools.partial(operator, **options), jnp.asarray(X))[1](seed)[0]
    np.testing.assert_allclose(pull(seed)[0], expected, atol=1e-9)
    tangent = jnp.asarray(np.random.default_rng(7).normal(size=X.shape))
    _, forward = jax.jvp(straight, (jnp.asarray(X),), (tangent,))
    np.testing.assert_allclose(jnp.vdot(seed, forward), jnp.vdot(expected, tangent), rtol=1e-6)


def test_many_of_a_longer_list_are_selected():
    """More than the nodes to which the targets of `top_k` are compressed."""
    x = np.random.default_rng(4).normal(size=300)
    np.testing.assert_allclose(otsort.selection(x, 60) @ x, otsort.top_k(x, 60), rtol=1e-5, atol=1e-6)
