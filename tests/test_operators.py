"""Axes, weights, options, dtypes, and what is said of bad input."""

import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import otsort

from . import problems
from .cases import some

X = np.random.default_rng(0).normal(size=(3, 2, 3))
SAME = {
    "cdf": otsort.cdf,
    "rank": otsort.rank,
    "top_k_mask": lambda x, **o: otsort.top_k_mask(x, 2, **o),
    "quantile_normalize": lambda x, **o: otsort.quantile_normalize(x, [0.0, 1.0, 5.0], **o),
    "quantile_transform": lambda x, **o: otsort.quantile_transform(x, jnp.square, **o),
    "quantize": lambda x, **o: otsort.quantize(x, 2, **o),
}
NEW = {
    "sort": lambda x, **o: otsort.sort(x, num_targets=3, **o),
    "top_k": lambda x, **o: otsort.top_k(x, 2, **o),
    "sort_by": lambda x, **o: otsort.sort_by(x**2, x, **o),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("axis", [0, -1])
def test_axis_of_operators_that_keep_the_shape(name, axis):
    expected = np.apply_along_axis(lambda row: np.asarray(SAME[name](row)), axis, X)
    np.testing.assert_allclose(SAME[name](X, axis=axis), expected, atol=1e-6)


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("axis", [0, -1])
def test_axis_of_operators_that_change_it(name, axis):
    expected = np.apply_along_axis(lambda row: np.asarray(NEW[name](row)), axis, X)
    np.testing.assert_allclose(NEW[name](X, axis=axis), expected, atol=1e-5)


def test_several_axes_are_one_list():
    pairs = X.transpose(1, 0, 2).reshape(2, 9)
    for axis, flat in (((0, 2), pairs), ((2, 0), pairs), (None, X.reshape(1, 18))):
        ranks = otsort.rank(X, axis=axis, epsilon=0)
        assert ranks.shape == X.shape
        one = np.sort(np.ravel(ranks if axis is None else ranks[:, 0]))
        np.testing.assert_allclose(one, np.arange(1, flat.shape[1] + 1))
        np.testing.assert_allclose(otsort.median(X, axis=axis, epsilon=0).ravel(), np.median(flat, axis=1))
    assert otsort.sort(X, axis=(0, 2), epsilon=0).shape == (9, 2)
    np.testing.assert_array_equal(otsort.sort(X, axis=(0, 2), epsilon=0)[:, 1], np.sort(X[:, 1].ravel()))
    assert otsort.sort(X, axis=None, epsilon=0).shape == (18,)
    assert otsort.permutation(X, axis=2).shape == (3, 2, 3, 3)


def test_quantile_shapes_are_numpys():
    for q in (0.5, [0.9, 0.1], np.full((2, 1), 0.3)):
        for axis in (-1, (0, 1)) if np.ndim(q) == 0 else (0, None):
            expected = np.quantile(X, q, axis=axis)
            np.testing.assert_allclose(otsort.quantile(X, q, axis=axis, epsilon=0), expected, atol=1e-9)


def test_descending_mirrors():
    x = X[0, 0]
    np.testing.assert_allclose(otsort.sort(x, descending=True), otsort.sort(x)[::-1])
    np.testing.assert_allclose(otsort.rank(x, descending=True), 4 - otsort.rank(x))
    np.testing.assert_allclose(otsort.rank(x, descending=True), otsort.rank(-x), atol=1e-5)
    np.testing.assert_allclose(otsort.permutation(x, descending=True), otsort.permutation(x)[::-1])
    np.testing.assert_allclose(otsort.sort_by(x, x, descending=True), otsort.sort(x)[::-1], atol=1e-12)


def test_permutation_sorts_and_is_row_stochastic():
    x = X[0, 0]
    matrix = otsort.permutation(x)
    np.testing.assert_allclose(matrix.sum(1), 1)
    np.testing.assert_allclose(matrix @ x, otsort.sort(x))
    np.testing.assert_array_equal(otsort.permutation(x, epsilon=0) @ x, np.sort(x))


def test_sort_by_carries_vectors():
    key = X[0, 0]
    values = np.random.default_rng(1).normal(size=(3, 2))
    np.testing.assert_allclose(otsort.sort_by(values, key, epsilon=0), values[np.argsort(key)])
    np.testing.assert_allclose(otsort.sort_by(key, key), otsort.sort(key), atol=1e-12)


def test_quantize():
    x = np.array([0.0, 0.1, 5.0, 5.1])
    np.testing.assert_allclose(otsort.quantize(x, 2, epsilon=0), [0.05, 0.05, 5.05, 5.05])


def test_weights_along_an_axis_or_in_full():
    weights = np.array([0.1, 0.5, 0.4])
    full = np.broadcast_to(weights[:, None, None], X.shape)
    np.testing.assert_allclose(otsort.rank(X, axis=0, weights=weights), otsort.rank(X, axis=0, weights=full), atol=1e-9)
    both = np.random.default_rng(0).uniform(size=(3, 3))
    np.testing.assert_allclose(
        otsort.median(X, axis=(2, 0), weights=both.T), otsort.median(X, axis=(0, 2), weights=both.T), atol=1e-9
    )
    expected = otsort.median(X[:, 1, :].ravel(), weights=both.T.ravel())
    np.testing.assert_allclose(otsort.median(X, axis=(0, 2), weights=both.T)[1], expected, atol=1e-6)


def test_vmap_jit_and_epsilon_as_arguments():
    x = X[0]
    np.testing.assert_allclose(jax.vmap(otsort.rank)(x), otsort.rank(x), atol=1e-6)
    epsilons = jnp.array([1e-3, 1e-1])
    several = jax.vmap(lambda e: otsort.rank(x[0], epsilon=e))(epsilons)
    for e, ranks in zip(epsilons, several, strict=True):
        np.testing.assert_allclose(jax.jit(otsort.rank)(x[0], epsilon=e), ranks, atol=1e-6)
        np.testing.assert_allclose(otsort.rank(x[0], epsilon=float(e)), ranks, atol=1e-6)


def test_another_epsilon_does_not_recompile(caplog):
    x = np.random.default_rng(0).normal(size=11)
    otsort.rank(x, epsilon=0.1)
    otsort.rank(x, solver=otsort.LogSinkhorn(epsilon=0.1))
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        otsort.rank(x, epsilon=0.2)
        otsort.rank(x, solver=otsort.Newton(epsilon=0.3, tol=1e-5))
        otsort.rank(x, solver=otsort.LogSinkhorn(epsilon=0.2, tol=1e-3))
        assert "ompil" not in caplog.text
        otsort.rank(x, solver=otsort.LogSinkhorn(epsilon=0.2, tol=1e-3, max_steps=7))
        assert "ompil" in caplog.text


def test_a_concrete_scalar_is_a_number():
    x = X[0, 0]
    for zero in (0, 0.0, np.float32(0), np.asarray(0.0), jnp.asarray(0.0)):
        np.testing.assert_array_equal(otsort.sort(x, epsilon=zero), np.sort(x))
    long = np.random.default_rng(0).normal(size=1000)
    for epsilon in (np.float64(0.01), jnp.asarray(0.01)):
        np.testing.assert_array_equal(otsort.rank(long, epsilon=epsilon), otsort.rank(long, epsilon=0.01))


@pytest.mark.parametrize("solver", [otsort.NorthWestCorner(), *(make(0.05) for make in problems.SOLVERS.values())])
def test_a_solver_passes_through_plain_jit(solver):
    x = X[0]
    rank = jax.jit(lambda x, solver: otsort.rank(x, solver=solver))
    np.testing.assert_allclose(rank(x, solver), otsort.rank(x, solver=solver), atol=1e-6)


EXPORTED = {
    "rank": lambda x: otsort.rank(x, throw=False),
    "gradient": jax.grad(lambda x: otsort.rank(x, throw=False)[0]),
    "newton": lambda x: otsort.rank(x, solver=otsort.Newton(), throw=False),
    "traced options": lambda x: otsort.quantile(x, jnp.abs(x[:2]) / 10, weights=x**2, epsilon=x[0] ** 2, throw=False),
    "targets": lambda x: otsort.top_k_mask(x, 3, throw=False) + otsort.quantile_normalize(x, [0, 1], throw=False),
    "suggested": lambda x: otsort.rank(x, epsilon=otsort.suggest_epsilon(x, 5), throw=False),
}


@pytest.mark.parametrize("name", some(EXPORTED, ("gradient", "traced options", "suggested")))
def test_without_throw_a_program_can_be_exported(name):
    x = np.random.default_rng(0).normal(size=200)
    program = jax.jit(EXPORTED[name])
    exported = export.deserialize(export.export(program)(x).serialize())
    np.testing.assert_array_equal(exported.call(x), program(x))


def test_without_throw_bad_traced_values_give_nan():
    x = X[0, 0]
    for call, bad in (
        (lambda w: otsort.rank(x, weights=w, throw=False), np.array([1.0, -1, 1])),
        (lambda q: otsort.quantile(x, q, throw=False), 2.0),
        (lambda e: otsort.rank(x, epsilon=e, throw=False), -1.0),
    ):
        assert jnp.all(jnp.isnan(jax.jit(call)(bad)))


def test_half_precision_comes_back_in_kind():
    for dtype in (jnp.float16, jnp.bfloat16):
        x = jnp.asarray(X[0, 0], dtype)
        for answer in (otsort.rank(x), otsort.sort(x)):
            assert answer.dtype == dtype
            assert jnp.all(jnp.isfinite(answer.astype(jnp.float32)))
        np.testing.assert_allclose(otsort.rank(x).astype(jnp.float32), otsort.rank(x.astype(jnp.float32)), rtol=1e-2)
        assert jax.grad(lambda x: otsort.rank(x)[0])(x).dtype == dtype


def test_integers_and_booleans_are_promoted():
    np.testing.assert_allclose(otsort.rank([3, 1, 2], epsilon=0), [3, 1, 2])
    np.testing.assert_allclose(otsort.rank(np.array([True, False]), epsilon=0), [2, 1])


@pytest.mark.parametrize("solver", [otsort.NorthWestCorner(), *(make(0.05) for make in problems.SOLVERS.values())])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_stays_in_its_row(solver, bad):
    x = X[0].copy()
    x[1, 2] = bad
    ranks = otsort.rank(x, solver=solver)
    np.testing.assert_allclose(ranks[0], otsort.rank(x[0], solver=solver), atol=1e-6)
    if isinstance(solver, otsort.NorthWestCorner) and np.isinf(bad):
        assert ranks[1, 2] == x.shape[1]  # the exact solver orders infinite values
        return
    assert jnp.all(jnp.isnan(ranks[1]))
    if isinstance(solver, otsort.NorthWestCorner | otsort.Newton):
        values = otsort.sort(x, solver=solver)
        assert jnp.all(jnp.isfinite(values[0]))
        assert jnp.all(jnp.isnan(values[1]))


def test_failure_is_an_error_or_told():
    solver = otsort.LogSinkhorn(epsilon=1e-3, max_steps=3, start=otsort.zero_start)
    x = np.random.default_rng(0).normal(size=(2, 16))
    x[1] = 0.0
    rank = lambda x: otsort.rank(x, solver=solver)
    for function in (rank, jax.jit(rank), jax.vmap(rank)):
        with pytest.raises(RuntimeError, match="max_steps"):
            jax.block_until_ready(function(x))
    with pytest.raises(RuntimeError, match="max_steps"):
        jax.block_until_ready(jax.jit(jax.grad(lambda x: jnp.sum(otsort.rank(x, solver=solver) ** 2)))(x))
    assert jnp.all(jnp.isfinite(otsort.rank(x, solver=solver, throw=False)))
    solve = lambda x: otsort.solve(x, otsort.TargetMeasure.uniform(16), solver=solver, throw=False)
    solution = eqx.filter_vmap(solve)(jnp.asarray(x))
    np.testing.assert_array_equal(solution.result == otsort.RESULTS.successful, [False, True])
    assert solution.stats["marginal_error"][0] > solution.stats["tol"][0]


def nothing():
    return np.zeros((0,))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: otsort.rank(nothing()), ValueError, "at least one value"),
        (lambda: otsort.rank(1.0), ValueError, "at least one dimension"),
        (lambda: otsort.rank(X, axis=3), ValueError, "axis must lie from -3 to 2"),
        (lambda: otsort.rank(X, axis=(0, 0)), ValueError, "axis"),
        (lambda: otsort.rank(1j * X), TypeError, "real"),
        (lambda: otsort.rank(X, epsilon=-1), ValueError, "positive"),
        (lambda: otsort.rank(X, epsilon=np.nan), ValueError, "positive"),
        (lambda: otsort.rank(X, epsilon=np.ones(2)), ValueError, "scalar"),
        (lambda: otsort.rank(X, epsilon=0.1, solver=otsort.Newton()), TypeError, "either"),
        (lambda: otsort.rank(X, solver="newton"), TypeError, "solver must be"),
        (lambda: otsort.rank(X, epsilom=0.1), TypeError, "epsilom"),
        (lambda: otsort.rank(X, num_targets=0), ValueError, "integer from 1"),
        (lambda: otsort.rank(X, num_targets=3, target=otsort.TargetMeasure.uniform(3)), TypeError, "either"),
        (lambda: otsort.rank(X, weights=np.ones(2)), ValueError, "weights must have the shape"),
        (lambda: otsort.rank(X, weights=-np.ones(3)), ValueError, "negative"),
        (lambda: otsort.rank(X, weights=np.zeros(3)), ValueError, "zero"),
        (lambda: otsort.top_k(X, 4), ValueError, "from 1 to 3"),
        (lambda: jax.jit(otsort.top_k)(X, 2), TypeError, "static"),
        (lambda: otsort.top_k_mask(X, 0), ValueError, "above 0 and at most 3"),
        (lambda: otsort.top_k_mask(X, 4), ValueError, "above 0 and at most 3"),
        (lambda: otsort.top_k_mask(X, [1, 2]), ValueError, "batch's shape"),
        (lambda: otsort.quantile(X, 1.5), ValueError, r"\[0, 1\]"),
        (lambda: otsort.quantile(X, 0.5, width=0), ValueError, "width"),
        (lambda: otsort.quantile_normalize(X, [1.0, 0.0]), ValueError, "decrease"),
        (lambda: otsort.quantile_normalize(X, X), ValueError, "reference"),
        (
            lambda: otsort.quantile_normalize(X, [0.0, 1.0], target=otsort.TargetMeasure.uniform(3)),
            ValueError,
            "a point for each of the 2",
        ),
        (lambda: otsort.sort_by(np.ones(3), X), ValueError, "key's shape"),
        (lambda: otsort.straight_through(X), TypeError, "takes an operator"),
        (lambda: otsort.solve(X, otsort.TargetMeasure.uniform(3)), ValueError, "vmap"),
        (lambda: otsort.TargetMeasure([0, 0], [1, 1]), ValueError, "increase"),
        (lambda: otsort.TargetMeasure([0, 1], [1]), ValueError, "shapes"),
        (lambda: otsort.TargetMeasure([0, 1], [1, -1]), ValueError, "negative"),
        (lambda: otsort.TargetMeasure([0, 1], [0, 0]), ValueError, "zero"),
        (lambda: otsort.TargetMeasure.quantile(1.5), ValueError, "tau"),
        (lambda: otsort.PowerCost(0.5), ValueError, "at least 1"),
        (lambda: otsort.EpsilonSchedule(0.01, decay=2), ValueError, "decay"),
        (lambda: otsort.Newton(epsilon=0.0), ValueError, "NorthWestCorner"),
        (lambda: otsort.LogSinkhorn(tol=0.0), ValueError, "tol=None"),
        (lambda: otsort.Sinkhorn(max_steps=0), ValueError, "max_steps"),
        (lambda: otsort.AndersonSinkhorn(history_size=1), ValueError, "history_size"),
        (lambda: otsort.OneStep(0), ValueError, "at least one step"),
        (lambda: otsort.Newton(otsort.EpsilonSchedule(0.01)), TypeError, "LogSinkhorn"),
        (lambda: otsort.AndersonSinkhorn(otsort.EpsilonSchedule(0.01)), TypeError, "LogSinkhorn"),
        (lambda: otsort.Sinkhorn(otsort.EpsilonSchedule(0.01)), TypeError, "LogSinkhorn"),
        (lambda: otsort.Newton(epsilon=jnp.asarray(-1.0)), ValueError, "positive"),
        (lambda: otsort.rank(X, epsilon=jnp.asarray(-1.0)), ValueError, "positive"),
    ],
)
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: jax.jit(lambda e: otsort.rank(X[0, 0], epsilon=e))(0.0),
        lambda: jax.jit(lambda e: otsort.rank(X[0, 0], epsilon=e))(-1.0),
        lambda: jax.jit(lambda q: otsort.quantile(X[0, 0], q))(2.0),
        lambda: jax.jit(lambda w: otsort.rank(X[0, 0], weights=w))(np.array([1.0, -1, 1])),
        lambda: jax.jit(lambda y: otsort.rank(X[0, 0], target=otsort.TargetMeasure(y, jnp.ones(2))))(np.ones(2)),
    ],
)
def test_bad_traced_values_are_told(call):
    with pytest.raises(RuntimeError):
        jax.block_until_ready(call())
