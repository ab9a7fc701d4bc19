"""Numbers with more digits than float32 has: their exact order, and differences taken before they are rounded."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

import otsort

from .cases import diagonal

pytestmark = pytest.mark.usefixtures("without_x64")

#: Where neighbours of each dtype are ties in float32, and the first of them in JAX's integers.
DTYPES = {
    "int32": (2**24, 2**31 - 100, -(2**31)),
    "uint32": (2**24, 2**32 - 100, 2**31),
    "int64": (2**31, 2**60, -(2**63)),
    "uint64": (2**40, 2**64 - 100, 2**63),
    "float64": (1e10, -1e10, 2.0**30),
}
CASES = [(dtype, start) for dtype, starts in DTYPES.items() for start in starts]
STEPS = np.array([5, 0, 12, 1, 3])


def numbers(dtype, start):
    return (np.asarray(start, dtype) + STEPS.astype(dtype)).astype(dtype)


@pytest.mark.parametrize(("dtype", "start"), CASES)
def test_exact_orders(dtype, start):
    x = numbers(dtype, start)
    ranks = rankdata(STEPS)
    np.testing.assert_array_equal(otsort.rank(x, epsilon=0), ranks)
    np.testing.assert_array_equal(otsort.sort_by(np.arange(5.0), x, epsilon=0), np.argsort(STEPS))
    np.testing.assert_array_equal(otsort.top_k_mask(x, 2, epsilon=0), ranks > 3)
    np.testing.assert_array_equal(np.argmax(otsort.selection(x, 3, epsilon=0), -1), np.argsort(-STEPS)[:3])
    np.testing.assert_array_equal(otsort.permutation(x, epsilon=0), np.eye(5)[np.argsort(STEPS)])
    assert otsort.losses.spearman_correlation(np.arange(5.0), np.sort(x)) > 0.99
    assert otsort.losses.spearman_correlation(np.sort(x), np.arange(5.0), epsilon=0) == 1


@pytest.mark.parametrize(("case", "squash"), diagonal(list(CASES), [otsort.squash.logistic, otsort.squash.min_max]))
def test_soft_ranks_of_differences(case, squash):
    dtype, start = case
    x, small = numbers(dtype, start), STEPS.astype(np.float32)
    at = numbers(dtype, start)[2:]
    close = functools.partial(np.testing.assert_allclose, atol=2e-5)
    close(otsort.rank(x, squash=squash), otsort.rank(small, squash=squash))
    close(otsort.rank(x, squash=squash, at=at), otsort.rank(small, squash=squash, at=small[2:]))
    where = np.array([True, True, False, True, True])
    zero = np.zeros(1, dtype)
    padded, mask = np.concatenate([zero, x]), np.concatenate([[False], where])
    close(otsort.rank(padded, where=mask)[1:], otsort.rank(small, where=where))
    close(otsort.rank(padded, weights=mask.astype(float))[mask], otsort.rank(small[where]))


def test_traced_integers():
    x = jnp.asarray([[2**24 + 2, 2**24, 2**24 + 1], [-(2**31), 2**31 - 1, 0]])
    np.testing.assert_array_equal(jax.jit(functools.partial(otsort.rank, epsilon=0))(x), [[3, 1, 2], [1, 3, 2]])
    soft = jax.jit(otsort.rank)(x)
    np.testing.assert_allclose(soft, [[3, 1, 2], [1, 3, 2]], atol=1e-4)
    np.testing.assert_allclose(jax.vmap(otsort.rank)(x), soft, atol=1e-6)


def test_a_squash_in_units_of_the_values_sees_the_values():
    x = jnp.asarray([250, 10, 128])
    by_hand = otsort.rank(x / 255, squash=otsort.squash.identity)
    np.testing.assert_allclose(otsort.rank(x, squash=lambda values, weights: values / 255), by_hand, atol=1e-6)


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8))
def test_any_integers(values):
    x = np.array(values, np.int64)
    np.testing.assert_allclose(otsort.rank(x, epsilon=0), rankdata(x), rtol=1e-6)
    assert np.all(np.isfinite(otsort.rank(x)))


def test_exact_orders_of_int64_with_x64():
    jax.config.update("jax_enable_x64", True)  # the fixture restores it
    x = 2**60 + STEPS
    np.testing.assert_array_equal(otsort.rank(jnp.asarray(x), epsilon=0), rankdata(STEPS))
    np.testing.assert_allclose(otsort.rank(jnp.asarray(x)), otsort.rank(STEPS), atol=1e-9)


def test_what_is_carried_keeps_its_digits():
    jax.config.update("jax_enable_x64", True)
    key = jnp.asarray([2.0, 1.0], jnp.float32)
    values = np.array([1e300, 1 + 1e-12])
    np.testing.assert_array_equal(otsort.sort_by(values, key, epsilon=0), values[::-1])
