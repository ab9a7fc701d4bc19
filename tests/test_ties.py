"""Equal values: told apart by what stands for an argsort, and shared by all else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otsort

tied = st.lists(st.integers(0, 2), min_size=6, max_size=6).map(lambda values: np.array(values, float))


@given(tied)
def test_selections_are_those_of_top_k(x):
    chosen = otsort.selection(x, 3, epsilon=0)
    np.testing.assert_array_equal(jnp.argmax(chosen, -1), jax.lax.top_k(jnp.asarray(x), 3)[1])
    np.testing.assert_array_equal(jnp.sort(chosen, -1), np.eye(6)[[5] * 3])


@given(tied)
def test_permutations_are_those_of_argsort(x):
    ascending = otsort.permutation(x, epsilon=0)
    np.testing.assert_array_equal(ascending, np.eye(6)[np.argsort(x, stable=True)])
    descending = otsort.permutation(x, descending=True, epsilon=0)
    np.testing.assert_array_equal(descending, np.eye(6)[np.argsort(-x, stable=True)])


@given(tied, st.lists(st.booleans(), min_size=6, max_size=6))
def test_masked_lists(x, where):
    where = np.array(where)
    count = where.sum()
    chosen = otsort.selection(x, 2, where=where, epsilon=0)
    indices = np.flatnonzero(where)[np.argsort(-x[where], stable=True)[:2]]
    np.testing.assert_array_equal(chosen[: len(indices)], np.eye(6)[indices])
    np.testing.assert_array_equal(chosen[len(indices) :], 0)
    matrix = otsort.permutation(x, where=where, epsilon=0)
    np.testing.assert_array_equal(matrix[:count], np.eye(6)[np.flatnonzero(where)[np.argsort(x[where], stable=True)]])


def test_batches_and_integers():
    x = np.array([[1, 1, 0], [2, 2, 2]])
    np.testing.assert_array_equal(np.argmax(otsort.selection(x, 2, epsilon=0), -1), [[0, 1], [0, 1]])
    apart = jax.jit(jax.vmap(lambda x: otsort.permutation(x, epsilon=0)))(x)
    np.testing.assert_array_equal(np.argmax(apart, -1), [[2, 0, 1], [0, 1, 2]])


@pytest.mark.parametrize("epsilon", [0, 0.05])
def test_other_operators_share(epsilon):
    x = np.array([1.0, 1.0, 0.0, 2.0])
    for answer in (otsort.rank(x, epsilon=epsilon), otsort.top_k_mask(x, 2, epsilon=epsilon)):
        assert answer[0] == answer[1]
    smooth = otsort.selection(x, 2, epsilon=0.05)
    np.testing.assert_allclose(smooth[:, 0], smooth[:, 1])
