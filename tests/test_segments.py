"""Groups of unequal length against a loop over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort import segments

#: Five groups in no order: with ties, of one value, and an empty one; and a value of no group.
IDS = np.array([3, 0, 3, 1, 0, 3, 9, 4, 4, 4, 0])
VALUES = np.array([0.5, 2.0, -1.0, 7.0, 2.0, 0.1, 100.0, 1.0, 1.5, -2.0, 0.3])


def in_segments(operator, x, ids=IDS):
    lists, where = segments.pack(x, ids, 5, 4)
    return segments.unpack(operator(lists, where=where), ids)


def in_a_loop(operator, x):
    answers = jnp.zeros_like(x)
    for group in (0, 1, 3, 4):
        own = np.flatnonzero(group == IDS)
        answers = answers.at[own].set(operator(x[own]))
    return answers


@pytest.mark.parametrize("operator", [otsort.rank, otsort.sort])
def test_as_a_loop(operator):
    x = jnp.asarray(VALUES)
    seed = jnp.asarray(np.random.default_rng(0).normal(size=x.size))
    found, pull = jax.vjp(lambda x: in_segments(operator, x), x)
    expected, expected_pull = jax.vjp(lambda x: in_a_loop(operator, x), x)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(pull(seed)[0], expected_pull(seed)[0], atol=1e-5)
    np.testing.assert_allclose(jax.jit(lambda x, ids: in_segments(operator, x, ids))(x, IDS), expected, atol=1e-6)


def test_rows_and_back():
    values = np.stack([VALUES, -VALUES], -1)
    lists, where = segments.pack(values, IDS, 5, 3)
    np.testing.assert_array_equal(where.sum(1), [3, 1, 0, 3, 3])
    np.testing.assert_array_equal(lists[3], values[IDS == 3])
    np.testing.assert_array_equal(lists[~where], 0)
    np.testing.assert_array_equal(segments.unpack(lists, IDS), np.where(IDS[:, None] == 9, 0, values))


def test_a_group_that_is_too_long_is_told():
    with pytest.raises(ValueError, match="at most length=2"):
        segments.pack(VALUES, IDS, 5, 2)
    with pytest.raises(RuntimeError, match="at most length=2"):
        jax.jit(lambda ids: segments.pack(VALUES, ids, 5, 2))(IDS)[0].block_until_ready()


def test_bad_ids_are_told():
    with pytest.raises(TypeError, match="integers"):
        segments.pack(VALUES, VALUES, 5, 4)
    with pytest.raises(ValueError, match="one length"):
        segments.pack(VALUES, IDS[:-1], 5, 4)
    with pytest.raises(ValueError, match="integer from 1"):
        segments.pack(VALUES, IDS, 0, 4)
    with pytest.raises(ValueError, match="num_segments, length"):
        segments.unpack(VALUES, IDS)
    with pytest.raises(ValueError, match="shape"):
        segments.unpack(np.zeros((5, 4)), IDS[None])
