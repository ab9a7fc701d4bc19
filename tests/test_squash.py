"""Squashes: where they place values, whatever their size, weights and ties, and how positions change with them."""

import functools
import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

import otsort
from otsort.squash._quantiles import quantiles

from . import problems
from .cases import diagonal, some

SQUASHES = {
    "logistic": otsort.squash.logistic,
    "min_max": otsort.squash.min_max,
    "robust": otsort.squash.robust,
    "Sigmoid": otsort.squash.Sigmoid(1.3),
}
#: Those that measure a list in units of its own.
FREE = ["logistic", "min_max", "robust"]
DTYPES = [np.float32, np.float64]
#: Lists whose quantiles are found by comparing pairs, and bit by bit.
LENGTHS = [7, 50]
#: All squashes, and that with quantiles on both.
CASES = [*((name, 7) for name in SQUASHES), ("robust", 50)]


@functools.cache
def of(name):
    return jax.jit(lambda x, weights: SQUASHES[name](x, weights))


@functools.cache
def with_gradient(name):
    """Positions, and the gradient of a weighted sum of them."""

    def answer(x, weights):
        loss = lambda x: jnp.vdot(jnp.sin(jnp.arange(x.size, dtype=x.dtype)), SQUASHES[name](x, weights))
        return SQUASHES[name](x, weights), jax.grad(loss)(x)

    return jax.jit(answer)


def example(n, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n).astype(dtype), problems.normalised(rng.uniform(0.1, 1, size=n)).astype(dtype)


def equal(n, dtype=np.float64):
    return np.full(n, 1 / n, dtype)


def spread(x):
    """The interquartile range."""
    low, high = np.quantile(x, [0.25, 0.75])
    return high - low


FORMULAS = {
    "logistic": lambda x: expit((x - x.mean()) / x.std()),
    "min_max": lambda x: (x - x.min()) / np.ptp(x),
    "robust": lambda x: expit((x - np.median(x)) / spread(x)),
    "Sigmoid": lambda x: expit((x - x.mean()) / 1.3),
}


@pytest.mark.parametrize(("name", "n", "dtype"), diagonal(list(SQUASHES), [2, 3, 5, 32, 33], DTYPES))
def test_formulas(name, n, dtype):
    x, _ = example(n, dtype)
    found = of(name)(x, equal(n, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, FORMULAS[name](x.astype(float)), atol=30 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("case", "dtype"), diagonal(CASES, DTYPES))
@given(seed=st.integers(0, 2**32 - 1))
def test_positions_are_in_range_and_in_order(case, dtype, seed):
    name, n = case
    rng = np.random.default_rng(seed)
    x = np.choose(
        rng.integers(4, size=n), [rng.normal(size=n), rng.integers(3, size=n), rng.standard_cauchy(size=n), 0]
    )
    weights = problems.normalised(rng.exponential(size=n) * (rng.uniform(size=n) < 0.7) + 1e-9)
    positions, gradient = with_gradient(name)(x.astype(dtype), weights.astype(dtype))
    assert np.all((positions >= 0) & (positions <= 1))
    assert np.all(np.diff(positions[np.argsort(x)]) >= -4 * np.finfo(dtype).eps)
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_units_do_not_matter(name, n):
    x, weights = example(n)
    expected = of(name)(x, weights)
    for scale in [1e-3, 70.0] if name in FREE else [1.0]:
        np.testing.assert_allclose(of(name)(scale * x - 5, weights), expected, atol=1e-11)
        np.testing.assert_allclose(of(name)(3 - scale * x, weights), 1 - expected, atol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUASHES)
def test_a_large_offset_loses_no_digits(name, dtype):
    steps, offset = np.array([0, 3, 1, 7, 4], dtype), 2 / np.finfo(dtype).eps / 64
    np.testing.assert_array_equal(of(name)(steps + offset, equal(5, dtype)), of(name)(steps, equal(5, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "n"), [case for case in CASES if case[0] in FREE])
def test_size_does_not_matter_to_the_ends_of_the_dtype(name, n, dtype):
    """Multiples by powers of two, which are exact, have the same positions bit for bit."""
    x, weights = example(n, dtype)
    x = np.round(16 * x)
    expected, gradient = with_gradient(name)(x, weights)
    largest = np.finfo(dtype).maxexp - np.frexp(np.abs(x).max())[1]
    for exponent in (largest, largest - 1, largest // 2, -largest // 2, np.finfo(dtype).minexp + 20):
        positions, found = with_gradient(name)(np.ldexp(x, exponent), weights)
        np.testing.assert_array_equal(positions, expected)
        with np.errstate(under="ignore", over="ignore"):
            expected_gradient = np.ldexp(np.asarray(gradient), -exponent)
        assert np.all(np.isfinite(found))
        tiny = np.finfo(dtype).tiny
        np.testing.assert_allclose(found, expected_gradient, rtol=1e3 * np.finfo(dtype).eps, atol=4 * tiny)


@pytest.mark.parametrize(("name", "dtype"), diagonal(list(SQUASHES), DTYPES))
def test_both_ends_of_the_dtype(name, dtype):
    most, tiny = np.finfo(dtype).max, np.finfo(dtype).tiny
    for x in ([-most, most, 0, 1], [most, most, -most], [-most, -most], [most, 0, 0], [-tiny, tiny, 0], [tiny / 2, 0]):
        x = np.array(x, dtype)
        for weights in (equal(len(x), dtype), problems.normalised(np.geomspace(1, 1e-6, len(x))).astype(dtype)):
            positions, gradient = with_gradient(name)(x, weights)
            assert np.all((positions >= 0) & (positions <= 1))
            assert np.all(np.diff(positions[np.argsort(x)]) >= 0)
            assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize(("name", "dtype"), diagonal(list(SQUASHES), DTYPES))
def test_operators_at_both_ends_of_the_dtype(name, dtype):
    most = np.finfo(dtype).max
    x = np.array([-0.6 * most, 0.6 * most, 0, 1], dtype)
    options = {"squash": SQUASHES[name], "epsilon": 1e-3}
    np.testing.assert_allclose(otsort.rank(x, **options), [1, 4, 2.5, 2.5], atol=0.1)
    assert np.all(np.isfinite(jax.grad(lambda x: otsort.rank(x, **options)[1])(jnp.asarray(x))))
    places = otsort.rank(x, at=np.array([-most, most], dtype), **options)
    np.testing.assert_allclose(places, [1, 4], atol=0.1)


@pytest.mark.parametrize(("case", "dtype"), diagonal(CASES, DTYPES))
def test_values_of_weight_zero_do_not_count(case, dtype):
    name, n = case
    x, weights = example(n, dtype)
    most = np.finfo(dtype).max
    far = np.inf if name == "robust" else most
    others = np.array([-far, -most, -1e9, x[3], 1e9, most, far], dtype)
    together = np.concatenate([x, others]), np.concatenate([weights, np.zeros(7, dtype)])
    positions, gradient = with_gradient(name)(*together)
    expected, expected_gradient = with_gradient(name)(x, weights)
    atol = 30 * np.finfo(dtype).eps
    np.testing.assert_allclose(positions[:n], expected, atol=atol)
    np.testing.assert_allclose(positions[n:], [0, 0, 0, expected[3], 1, 1, 1], atol=atol)
    assert np.all(np.isfinite(gradient))
    np.testing.assert_array_equal(np.delete(gradient[n:], 3), 0)
    probe = jnp.sin(jnp.arange(n, dtype=dtype))
    of_both = lambda x: SQUASHES[name](jnp.concatenate([x, others]), together[1])[:n]
    found = jax.jit(jax.grad(lambda x: jnp.vdot(probe, of_both(x))))(x)
    np.testing.assert_allclose(found, expected_gradient, atol=100 * atol)


@pytest.mark.parametrize("name", ["logistic", "robust"])
def test_masked_values_do_not_matter(name):
    n = 7
    x, _ = example(n)
    where = np.arange(2 * n) % 2 == 0
    padded = np.where(where, np.repeat(x, 2), np.resize([np.nan, np.inf, -np.inf, 1e300], 2 * n))
    rank = functools.partial(otsort.rank, squash=SQUASHES[name], solver=otsort.Newton(0.05, tol=1e-10), num_targets=n)
    with_grad = lambda rank: jax.jit(jax.value_and_grad(lambda x: jnp.sum(jnp.sin(rank(x)))))
    found, gradient = with_grad(lambda x: rank(x, where=where)[where])(padded)
    expected, expected_gradient = with_grad(rank)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(gradient[where], expected_gradient, atol=1e-7)
    np.testing.assert_array_equal(gradient[~where], 0)


@pytest.mark.parametrize(("sentinel", "n", "dtype"), diagonal([-1e9, "least", -np.inf], LENGTHS, DTYPES))
def test_robust_keeps_the_others_apart_from_a_sentinel(sentinel, n, dtype):
    x, _ = example(n, dtype)
    x[n // 2] = np.finfo(dtype).min if sentinel == "least" else sentinel
    others = np.delete(np.arange(n), n // 2)
    positions, gradient = with_gradient("robust")(x, equal(n, dtype))
    without, _ = with_gradient("robust")(x[others], equal(n - 1, dtype))
    assert positions[n // 2] == gradient[n // 2] == 0
    assert np.all(np.isfinite(gradient))
    if sentinel == -np.inf:
        np.testing.assert_allclose(positions[others], without, atol=1e-6)
    else:  # it is one of the values that the quartiles count
        assert 0.6 < np.ptp(positions[others]) / np.ptp(without) < 1.2
        np.testing.assert_allclose(positions[others], FORMULAS["robust"](x.astype(np.longdouble))[others], atol=1e-5)
        assert np.ptp(of("logistic")(x, equal(n, dtype))[others]) < 1e-7


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_values_are_end_values_of_robust(dtype):
    x, weights = np.array([np.inf, 2, -np.inf, 1, 4, np.inf, 7, 5], dtype), example(8, dtype)[1]
    finite = np.isfinite(x)
    positions, gradient = with_gradient("robust")(x, weights)
    expected = of("robust")(x[finite], problems.normalised(weights[finite]))
    np.testing.assert_array_equal(positions[~finite], [1, 0, 1])
    np.testing.assert_allclose(positions[finite], expected, rtol=1e-6)
    np.testing.assert_array_equal(gradient[~finite], 0)
    assert np.all(gradient[finite] != 0)
    hessian = jax.jit(jax.hessian(lambda x: jnp.sum(otsort.squash.robust(x, weights) ** 2)))(x)
    assert np.all(np.isfinite(hessian))
    assert not np.any(hessian[~finite])
    for x, expected in (([np.inf, -np.inf], [1, 0]), ([np.inf, 3], [1, 0.5]), ([3, -np.inf, 3], [0.5, 0, 0.5])):
        positions, gradient = with_gradient("robust")(np.array(x, dtype), equal(len(x), dtype))
        np.testing.assert_array_equal(positions, expected)
        np.testing.assert_array_equal(gradient, 0)


def test_ranks_of_infinite_values_by_robust():
    x = np.array([[0.3, np.inf, -1.0, 2.0, 0.9, -np.inf], [0.3, np.nan, -1.0, 2.0, 0.9, -np.inf]])
    options = {"squash": otsort.squash.robust, "epsilon": 1e-3}
    ranks = otsort.rank(x, **options)
    np.testing.assert_allclose(ranks[0], [3, 6, 2, 5, 4, 1], atol=0.1)
    assert np.all(np.isnan(ranks[1]))
    gradient = jax.grad(lambda x: otsort.rank(x, **options)[0])(jnp.asarray(x[0]))
    assert np.all(np.isfinite(gradient))
    assert gradient[1] == gradient[5] == 0
    assert gradient[0] > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", SQUASHES)
def test_a_list_without_a_place_is_nan(name, bad):
    x = np.stack([example(7)[0]] * 2)
    x[1, 2] = bad
    positions = jax.jit(jax.vmap(lambda x: SQUASHES[name](x, equal(7))))(x)
    assert np.all(np.isfinite(positions[0]))
    placed = name == "robust" and np.isinf(bad)
    assert np.any(np.isnan(positions[1])) != placed
    np.testing.assert_array_equal(np.isnan(otsort.rank(x, squash=SQUASHES[name])).all(axis=1), [False, not placed])


@pytest.mark.parametrize(("name", "n"), some(CASES, [("logistic", 7), ("robust", 7)]))
def test_derivatives(name, n):
    rng = np.random.default_rng(1)
    x, weights = map(jnp.asarray, example(n))
    probe, of_x, of_weights = (jnp.asarray(rng.normal(size=n)) for _ in range(3))

    def loss(both):
        x, weights = both[:n], both[n:]
        return jnp.vdot(probe, SQUASHES[name](x, weights / jnp.sum(weights)))

    both = jnp.concatenate([x, weights])
    direction = jnp.concatenate([of_x, 0.1 * weights * of_weights])
    expected = problems.finite_difference(jax.jit(loss), both, direction, 1e-6)
    np.testing.assert_allclose(problems.directional(loss, both, direction), expected, rtol=1e-6)
    slope = jax.jit(lambda both: jnp.vdot(direction, jax.grad(loss)(both)))
    expected = problems.finite_difference(slope, both, direction, 1e-6)
    np.testing.assert_allclose(problems.directional(slope, both, direction), expected, rtol=1e-5)


@pytest.mark.parametrize("name", some(SQUASHES, ("logistic", "robust")))
def test_second_derivatives_in_a_loop(name):
    x = jnp.asarray(np.random.default_rng(2).normal(size=(2, 6)))
    loss = lambda x: jnp.sum(jnp.sin(3 * SQUASHES[name](x, jnp.asarray(equal(6)))))
    product = lambda f: jax.jit(lambda x: jax.jvp(jax.grad(f), (x,), (jnp.cos(x),))[1])
    mapped = product(lambda x: jnp.sum(jax.lax.map(loss, x)))(x)
    np.testing.assert_allclose(mapped, [product(loss)(row) for row in x], atol=1e-12)


@pytest.mark.parametrize(("name", "n"), some(CASES, [("Sigmoid", 7), ("robust", 50)]))
def test_lists_that_are_mapped(name, n):
    """One of them with equal quartiles, one constant."""
    x = np.stack([example(n)[0], np.where(np.arange(n) < 0.8 * n, 1.0, np.arange(n)), np.ones(n)], axis=1)
    weights = np.stack([example(n)[1]] * 3, axis=1)
    for function in (SQUASHES[name], lambda x, a: jax.jacobian(SQUASHES[name])(x, a)):
        found = jax.jit(jax.vmap(function, in_axes=-1, out_axes=-1))(x, weights)
        expected = [eqx.filter_jit(function)(*each) for each in zip(x.T, weights.T, strict=True)]
        np.testing.assert_allclose(found, np.stack(expected, axis=-1), atol=1e-12)


@pytest.mark.parametrize("name", SQUASHES)
def test_a_constant_list_is_in_the_middle(name):
    for x in ([0.1], [7.0, 7.0], [-1e30] * 5):
        positions, gradient = with_gradient(name)(np.array(x), equal(len(x)))
        np.testing.assert_array_equal(positions, 0.5)
        assert np.any(gradient != 0) == (name == "Sigmoid" and len(x) > 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_robust_where_the_quartiles_coincide(n, dtype):
    """The unit is the median distance of the other values from the one on which most of the weight lies."""
    x = np.zeros(n, dtype)
    x[:5] = [-1e9, 1, 2, -4, 1000]
    x[5:] = 0
    x = x + 3
    weights = equal(n, dtype)
    weights = np.where(np.arange(n) < 5, 0.2 / 5, 0.8 / (n - 5)).astype(dtype)
    positions, gradient = with_gradient("robust")(x, weights)
    np.testing.assert_allclose(positions[:5], expit(np.array([-np.inf, 1 / 4, 1 / 2, -1, 250])), rtol=1e-5)
    np.testing.assert_array_equal(positions[5:], 0.5)
    assert np.all(np.isfinite(gradient))
    one = np.where(np.arange(n) == 1, x, 3).astype(dtype)
    np.testing.assert_allclose(of("robust")(one, weights)[1], expit(1), rtol=1e-6)


def mean_between(x, weights, low, high):
    """The mean of a list between two levels, by sorting."""
    order = np.argsort(x)
    ends = np.concatenate([[0], np.cumsum(weights[order])])
    shares = np.minimum(ends[1:], high) - np.maximum(ends[:-1], low)
    return np.maximum(shares, 0) @ x[order] / (high - low)


@pytest.mark.parametrize("n", LENGTHS)
@given(seed=st.integers(0, 2**32 - 1))
def test_weighted_quantiles(n, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=n), rng.integers(0, 3))
    weights = problems.normalised(rng.exponential(size=n) ** 3 * (rng.uniform(size=n) < 0.6) + 1e-12)
    levels, width = (0, 0.25, 0.5, 0.9, 1), np.sum(weights**2)
    found, shares = map(np.asarray, _quantiles_and_jacobian(x, weights))
    expected = [mean_between(x, weights, q * (1 - width), q * (1 - width) + width) for q in levels]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(shares @ x, found, atol=1e-9)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-9)
    assert np.all(shares >= -1e-9)
    tied = (x[:, None] == x[None]) & (weights[:, None] > 1e-9) & (weights[None] > 1e-9)
    rates = shares / weights
    assert np.all(np.abs(rates[:, :, None] - rates[:, None])[:, tied] < 1e-6 * np.max(rates))


@jax.jit
def _quantiles_and_jacobian(x, weights):
    function = lambda x: quantiles(x, weights, (0, 0.25, 0.5, 0.9, 1))
    return function(x), jax.jacobian(function)(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantiles_of_long_lists_and_odd_numbers(dtype):
    rng = np.random.default_rng(0)
    special = np.array([0.0, -0.0, np.finfo(dtype).max, np.finfo(dtype).min, np.finfo(dtype).tiny], dtype)
    for x in (rng.normal(size=20_001), rng.standard_cauchy(size=4097), np.repeat(special, 8)):
        x = x.astype(dtype)
        found = jax.jit(lambda x: quantiles(x, jnp.full(x.shape, 1 / x.size, x.dtype), (0, 0.25, 0.75, 1)))(x / 4)
        expected = np.quantile(x.astype(float) / 4, [0, 0.25, 0.75, 1])
        np.testing.assert_allclose(found, expected, rtol=100 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


def test_sigmoid_checks_its_scale():
    for scale in (0, -1.0, np.nan, np.inf, [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"scale of a Sigmoid must be .* got .*: give"):
            otsort.squash.Sigmoid(scale)
    with pytest.raises(RuntimeError, match="scale of a Sigmoid must be"):
        eqx.filter_jit(lambda scale: otsort.squash.Sigmoid(scale).scale)(jnp.asarray(0.0))


def test_sigmoid_has_a_derivative_in_its_scale_and_does_not_recompile(caplog):
    x = example(7)[0]
    value = lambda scale: otsort.rank(x, squash=otsort.squash.Sigmoid(scale), epsilon=0.05)[2]
    expected = problems.finite_difference(value, 0.7, 1.0, 1e-4)
    np.testing.assert_allclose(jax.jit(jax.grad(value))(0.7), expected, rtol=1e-3)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        value(0.8)
        assert "ompil" not in caplog.text


@pytest.mark.parametrize(("n", "dtype"), [pytest.param(5, np.float64, marks=pytest.mark.slow), (49, np.float32)])
def test_training_starts_at_a_constant_list(n, dtype):
    """Spearman's gradient with a scale is finite and improves the order; without one it is zero."""
    targets = jnp.asarray(np.random.default_rng(0).normal(size=n), dtype)
    loss = lambda x, **options: otsort.losses.spearman_distance(x, targets, **options)
    for offset in (0.0, 0.1):
        constant = jnp.full(n, offset, dtype)
        step = -jax.jit(jax.grad(functools.partial(loss, squash=otsort.squash.Sigmoid(1.0))))(constant)
        assert 1e-3 < np.max(np.abs(step)) < 1e3
        np.testing.assert_allclose(otsort.losses.spearman_correlation(step, targets, epsilon=0), 1, rtol=1e-6)
        np.testing.assert_array_equal(jax.jit(jax.grad(loss))(constant), 0)


@pytest.mark.parametrize("operator", [otsort.rank, otsort.sort, functools.partial(otsort.top_k_mask, k=2)])
@pytest.mark.parametrize("squash", [otsort.squash.robust, otsort.squash.Sigmoid(4.0)], ids=["robust", "Sigmoid"])
def test_small_epsilon_is_the_exact_operator(operator, squash):
    x = jnp.asarray([[1.0, 5.0, 4.0, 8.0, 12.0], [3.0, 1.0, 2.0, 9.0, 0.0]])
    np.testing.assert_allclose(operator(x, squash=squash, epsilon=1e-4), operator(x, epsilon=0), atol=0.1)


@pytest.mark.parametrize("name", SQUASHES)
def test_suggested_epsilon(name):
    assert 1e-3 < otsort.suggest_epsilon(example(50)[0], 10, squash=SQUASHES[name]) < 0.1
