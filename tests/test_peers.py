"""What users of ott.tools.soft_sort find: the same numbers, without its faults."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

X = np.array([1.0, 5.0, 4.0, 8.0, 12.0])


@pytest.fixture
def x():
    return jnp.asarray(X, jnp.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tutorials_numbers(dtype):
    x = jnp.asarray(X, dtype)
    tolerance = 2e-6 if x.dtype == jnp.float64 else 1e-5
    np.testing.assert_allclose(
        otsort.sort(x), [1.04800626, 4.11777050, 4.85407059, 8.00555573, 11.97459692], rtol=tolerance
    )
    np.testing.assert_allclose(
        otsort.rank(x) - 1, [0.01595982, 1.84064171, 1.14999662, 2.99975262, 3.99364923], atol=4 * tolerance
    )


def test_quantiles_in_any_order_repeated_and_at_the_ends(x):
    q = [0.5, 0.9, 0.1, 0.0, 1.0, 0.5]
    together = otsort.quantile(x, q)
    alone = [otsort.quantile(x, level) for level in q]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert jnp.all(jnp.isfinite(jax.jacobian(lambda x: otsort.quantile(x, jnp.asarray(q, x.dtype)))(x)))


def test_one_value(x):
    one = x[:1]
    np.testing.assert_allclose(otsort.rank(one), [1])
    np.testing.assert_allclose(otsort.sort(one), one)
    np.testing.assert_allclose(otsort.quantile(one, [0.0, 0.5, 1.0]), np.full(3, one[0]))
    np.testing.assert_allclose(otsort.top_k(one, 1), one)
    np.testing.assert_allclose(otsort.top_k_mask(one, 1), [1])
    assert jnp.all(jnp.isfinite(jax.grad(lambda x: otsort.rank(x)[0] + otsort.median(x))(one)))


def test_k_equals_n(x):
    np.testing.assert_allclose(otsort.top_k(x, 5), otsort.sort(x)[::-1], rtol=1e-5)
    np.testing.assert_allclose(otsort.top_k_mask(x, 5), np.ones(5), rtol=1e-6)


def test_mask_over_two_axes(x):
    table = jnp.stack([x, x[::-1] / 2])
    mask = otsort.top_k_mask(table, 3, axis=(0, 1))
    np.testing.assert_allclose(mask.sum(), 3, rtol=1e-5)
    np.testing.assert_allclose(mask, otsort.top_k_mask(table.ravel(), 3).reshape(2, 5), atol=1e-5)


def test_default_gradient_in_float32():
    x = jnp.asarray(np.random.default_rng(0).normal(size=300))
    gradient = jax.grad(lambda x: jnp.vdot(x, otsort.rank(x)))
    np.testing.assert_allclose(gradient(x.astype(jnp.float32)), gradient(x), rtol=1e-3, atol=1e-2)


def test_small_epsilon_stays_within_the_data(x):
    for epsilon in (1e-4, 1e-6, 1e-8):
        values = otsort.sort(x, epsilon=epsilon)
        np.testing.assert_allclose(values, np.sort(X), rtol=1e-3)
        assert values[0] >= 1
        assert values[-1] <= 12
        assert jnp.all(jnp.diff(values) >= 0)


def test_targets_of_weight_zero_have_gradients(x):
    target = otsort.TargetMeasure([0.0, 0.3, 0.6, 1.0], [0.5, 0.0, 0.5, 0.0])

    def function(x):
        return otsort.sort(x, target=target)

    assert jnp.all(jnp.diff(function(x)) >= 0)
    assert jnp.all(jnp.isfinite(jax.jacobian(function)(x)))
    assert jnp.all(
        jnp.isfinite(
            jax.jacobian(lambda b: otsort.sort(x, target=otsort.TargetMeasure(target.points, b)))(target.weights)
        )
    )
