"""The cross-entropy of a soft permutation: its definition, ties, masks, gaps of any size in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import otsort

from .cases import diagonal

entropy = otsort.losses.permutation_cross_entropy
RNG = np.random.default_rng(2)
SCORES, RANKS = RNG.normal(size=(3, 6)), RNG.permuted(np.tile(np.arange(1, 7), (3, 1)), axis=1)


def test_is_the_mean_of_logarithms_of_the_matrix():
    matrix = otsort.permutation(SCORES, epsilon=0.1)
    true = np.take_along_axis(np.asarray(matrix), RANKS[:, None] - 1, axis=1)[:, 0]
    np.testing.assert_allclose(entropy(SCORES, RANKS, epsilon=0.1), -np.mean(np.log(true), axis=1), rtol=1e-6)
    np.testing.assert_allclose(entropy(SCORES, 2.0**RANKS, epsilon=0.1), entropy(SCORES, RANKS, epsilon=0.1))


def test_exact_values():
    np.testing.assert_array_equal(entropy(RANKS.astype(float), RANKS, epsilon=0), 0)
    np.testing.assert_array_equal(entropy(-RANKS.astype(float), RANKS, epsilon=0), np.inf)
    np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(entropy(x, RANKS, epsilon=0)))(SCORES), 0)


def test_derivatives():
    loss = lambda scores: entropy(scores, RANKS, epsilon=0.05)
    check_grads(loss, (SCORES,), order=2, rtol=1e-5, atol=1e-5)


def test_tied_ranks_share_their_places():
    tied = np.array([1.0, 2.0, 2.0, 3.0])
    scores = SCORES[0, :4]
    orders = [entropy(scores, np.array(order), epsilon=0.1) for order in ([1, 2, 3, 4], [1, 3, 2, 4])]
    np.testing.assert_allclose(entropy(scores, tied, epsilon=0.1), np.mean(orders), rtol=1e-9)


def test_masks_batches_and_vmap():
    where = np.arange(6) < np.array([[6], [4], [0]])
    scores, ranks = np.where(where, SCORES, np.nan), np.where(where, RANKS, -1)
    loss = lambda scores: entropy(scores, ranks, where=where, epsilon=0.1)
    values, gradients = loss(scores), jax.grad(lambda scores: jnp.sum(loss(scores)))(scores)
    of_four = lambda scores: entropy(scores, RANKS[1, :4], epsilon=0.1)
    np.testing.assert_allclose(values[1], of_four(SCORES[1, :4]), rtol=1e-9)
    np.testing.assert_allclose(gradients[1, :4], jax.grad(of_four)(SCORES[1, :4]), rtol=1e-6)
    assert values[2] == 0
    assert not np.any(gradients[~where])
    plain = entropy(SCORES, RANKS, epsilon=0.1)
    np.testing.assert_allclose(jax.vmap(lambda x, y: entropy(x, y, epsilon=0.1))(SCORES, RANKS), plain, rtol=1e-9)
    np.testing.assert_allclose(entropy(SCORES.T, RANKS.T, axis=0, epsilon=0.1), plain, rtol=1e-9)


@pytest.mark.parametrize(
    ("epsilon", "scores"),
    diagonal([1e-2, 1e-3, 1e-4], [[3.0, 1.0, 100.0, 101.0, -50.0, 2.0], [0.0, 0.1, 5.0, 5.1], [0.0, 1.0]]),
)
def test_float32_across_gaps(scores, epsilon):
    """Scores in the reverse order are far from their places, whose shares underflow."""
    scores = np.asarray(scores, np.float32)
    ranks = np.argsort(np.argsort(-scores)) + 1
    squash = lambda x, weights: (x - jnp.min(x)) / (jnp.max(x) - jnp.min(x))
    loss = lambda scores: entropy(scores, ranks, epsilon=epsilon, squash=squash)
    value, gradient = jax.value_and_grad(loss)(scores)
    assert np.isfinite(value)
    assert value > 0.05 / epsilon
    assert np.all(np.isfinite(gradient))
    expected = jax.value_and_grad(loss)(scores.astype(np.float64))
    np.testing.assert_allclose(value, expected[0], rtol=1e-4)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-2, atol=1e-3 * np.max(np.abs(expected[1])))


def test_descent_reverses_scores(without_x64):
    """The gradient leads from the reverse order to the true one."""
    ranks, scores = np.arange(1, 6), -jnp.arange(5.0)
    step = jax.jit(lambda scores: scores - 0.1 * jax.grad(entropy)(scores, ranks, epsilon=0.03))
    for _ in range(100):
        scores = step(scores)
    np.testing.assert_array_equal(jnp.argsort(scores), np.arange(5))


def test_missing_ranks():
    ranks = np.where(np.arange(3)[:, None] == 1, np.nan, RANKS)
    np.testing.assert_array_equal(np.isnan(entropy(SCORES, ranks)), [False, True, False])


def test_bad_arguments():
    with pytest.raises(ValueError, match="scores and ranks must have one shape"):
        entropy(SCORES, RANKS[0])
    with pytest.raises(TypeError, match="takes no weights"):
        entropy(SCORES, RANKS, weights=np.ones(6))
