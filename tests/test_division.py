"""Division by numbers near the ends of the range, where the compiler multiplies by a reciprocal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import otsort
from otsort._xla import quotient


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("places", [0, 3, 20, 100])  # below the largest number, in powers of two
@pytest.mark.parametrize("shape", [(5,), (2, 5)])
def test_of_a_scale_that_many_numbers_share(dtype, places, shape):
    most = np.finfo(dtype).max * dtype(2.0**-places)
    shares = np.linspace(-1, 1, np.prod(shape)).reshape(shape).astype(dtype)
    found = jax.jit(quotient)(jnp.asarray(shares * most), jnp.asarray(most))
    np.testing.assert_allclose(found, shares, rtol=4 * np.finfo(dtype).eps, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_a_small_scale(dtype):
    tiny = np.finfo(dtype).tiny
    found = jax.jit(quotient)(jnp.asarray([0, 1, -3], dtype) * tiny, jnp.asarray(tiny))
    np.testing.assert_allclose(found, [0, 1, -3])


def test_the_derivative_is_that_of_a_division():
    numbers, scale = jnp.asarray([1.0, -2.0]), jnp.asarray(4.0)
    found = jax.jacobian(quotient, (0, 1))(numbers, scale)
    np.testing.assert_allclose(found[0], np.eye(2) / 4)
    np.testing.assert_allclose(found[1], -numbers / 16)


@pytest.mark.parametrize("size", [1.0, np.finfo(np.float32).max])
def test_metrics_and_losses_of_huge_numbers(size):
    scores, gains = jnp.asarray([0.3, 1.2, -0.5], jnp.float32), np.asarray([1, 0.5, 0], np.float32)
    expected = otsort.metrics.ndcg(scores, gains)
    np.testing.assert_allclose(otsort.metrics.ndcg(scores, gains * size), expected, rtol=1e-5)
    x, y = np.asarray([0.1, 0.2, -0.3], np.float32), np.asarray([0.4, -0.2], np.float32)
    found = np.asarray(otsort.losses.wasserstein(x * size, y * size)) / size
    np.testing.assert_allclose(found, scipy.stats.wasserstein_distance(x, y), rtol=1e-5)
