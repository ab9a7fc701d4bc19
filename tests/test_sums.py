"""Sums with a reducer of their own: those of `jnp.sum`, however they are mapped and differentiated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort._xla import factorise, max_along, repeat_along, sum_along
from otsort._xla.sums import _reduce

X = np.random.default_rng(3).normal(size=(4, 3, 5))
PLUS = _reduce(0.0, lambda left, right: left - (-right))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("wrapped", [lambda f: f, jax.jit])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(axis, wrapped, dtype):
    x = jnp.asarray(X, dtype).at[0, 0, 0].set(jnp.inf)
    rtol = 10 * np.finfo(dtype).eps
    for found in (wrapped(lambda x: sum_along(x, axis))(x), PLUS(x, axis=axis)):
        np.testing.assert_allclose(found, jnp.sum(x, axis), rtol=rtol, strict=True)
    np.testing.assert_array_equal(wrapped(lambda x: max_along(x, axis))(x), jnp.max(x, axis), strict=True)
    np.testing.assert_array_equal(wrapped(lambda x: repeat_along(x, axis, 2))(x), jnp.stack([x, x], axis), strict=True)
    assert np.all(np.isnan(PLUS(jnp.full_like(x, jnp.nan), axis=axis)))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("batch", [0, 1, 2])
def test_derivatives_of_a_batch(axis, batch):
    def curved(add, repeat):
        return lambda x: jnp.sum(add(x * repeat(jnp.sin(add(x, axis)), axis, x.shape[axis]), axis) ** 2)

    own = curved(sum_along, repeat_along)
    plain = curved(jnp.sum, lambda x, axis, size: jnp.stack([x] * size, axis))
    for derivative in (jax.grad, lambda f: jax.jacfwd(jax.grad(f)), lambda f: jax.jacrev(jax.jacfwd(f))):
        of_batch = lambda f, derivative=derivative: jax.jit(jax.vmap(derivative(f), in_axes=batch))(X)
        np.testing.assert_allclose(of_batch(own), of_batch(plain), rtol=1e-12, atol=1e-12)


def test_factors_of_a_batch():
    square = np.random.default_rng(4).normal(size=(2, 5, 5, 3))
    matrices = np.einsum("...ijl,...kjl->...ikl", square, square) + np.eye(5)[:, :, None]
    factors = lambda matrix: factorise(matrix, lists_last=True)
    found = jax.vmap(factors, in_axes=2, out_axes=2)(np.moveaxis(matrices, 0, 2))
    np.testing.assert_allclose(np.moveaxis(found, 2, 0), [factors(jnp.asarray(each)) for each in matrices], atol=1e-12)


def test_batches_of_derivatives():
    """A derivative within `jax.vmap` meets lists that are in the last axis already."""
    directions = np.random.default_rng(5).normal(size=X.shape)
    jvp = lambda x, direction: jax.jvp(otsort.rank, (x,), (direction,))[1]
    expected = [jvp(x, direction) for x, direction in zip(X, directions, strict=True)]
    np.testing.assert_allclose(jax.vmap(jvp)(X, directions), expected, atol=1e-6)
