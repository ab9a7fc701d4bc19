"""Metrics of rax with smooth ranks and cutoffs."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rax

import otsort
from otsort.ranking import cutoff_fn, rank_fn

from . import problems
from .cases import diagonal, thinned

METRICS = {
    "ndcg": rax.ndcg_metric,
    "dcg": rax.dcg_metric,
    "mrr": rax.mrr_metric,
    "ap": rax.ap_metric,
    "precision": rax.precision_metric,
    "recall": rax.recall_metric,
}
EXACT = {"rank_fn": rank_fn(epsilon=0), "cutoff_fn": cutoff_fn(epsilon=0)}
SMOOTH = {"rank_fn": rank_fn(epsilon=0.02), "cutoff_fn": cutoff_fn(epsilon=0.02)}

pytestmark = pytest.mark.usefixtures("numpy_promotion")


@pytest.fixture
def numpy_promotion():
    """Which rax needs."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def lists(seed):
    """Scores with ties and items without rank, graded labels, a mask that leaves one list empty, and segments."""
    rng = np.random.default_rng(seed)
    scores = jnp.asarray(rng.normal(size=(4, 9)).round())
    scores = scores.at[0, 3].set(-jnp.inf)
    where = jnp.asarray(rng.uniform(size=(4, 9)) < 0.8).at[3].set(False)
    return scores, jnp.asarray(rng.integers(0, 3, (4, 9)), float), where, jnp.asarray(rng.integers(-1, 2, (4, 9)))


@pytest.mark.parametrize(("name", "topn"), thinned(diagonal(list(METRICS), [3, None, 0, 20]), 3))
def test_exact_metrics_are_those_of_rax(name, topn):
    metric, key = METRICS[name], jax.random.key(1)
    for seed in range(3):
        scores, labels, where, segments = lists(seed)
        for options in ({}, {"where": where}, {"where": where, "segments": segments}, {"where": where, "key": key}):
            expected = metric(scores, labels, topn=topn, reduce_fn=None, **options)
            ours = metric(scores, labels, topn=topn, reduce_fn=None, **options, **EXACT)
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "topn"), thinned(diagonal(list(METRICS), [None, 3]), 3))
def test_smooth_metrics_have_their_gradient(name, topn):
    _, labels, where, _ = lists(0)
    scores, direction = np.random.default_rng(5).normal(size=(2, 4, 9))
    solver = otsort.Newton(0.05, tol=1e-12)
    functions = {"rank_fn": rank_fn(solver=solver), "cutoff_fn": cutoff_fn(solver=solver)}
    metric = lambda scores: METRICS[name](scores, labels, where=where, topn=topn, **functions)
    gradient = jax.jit(jax.grad(metric))(scores)
    assert np.all(np.isfinite(gradient))
    assert np.all(gradient[~where] == 0)
    expected = problems.finite_difference(jax.jit(metric), scores, direction)
    np.testing.assert_allclose(np.vdot(gradient, direction), expected, rtol=1e-5, atol=1e-9)
    of_all = name in ("precision", "recall") and topn is None  # all items are retrieved
    assert of_all == (np.max(np.abs(gradient)) == 0)


def test_metrics_tend_to_the_exact_ones():
    scores, labels, where, _ = lists(2)
    for name, metric in METRICS.items():
        near = {"rank_fn": rank_fn(epsilon=1e-4), "cutoff_fn": cutoff_fn(epsilon=1e-4)}
        value = metric(scores, labels, where=where, topn=3, **near)
        np.testing.assert_allclose(value, metric(scores, labels, where=where, topn=3), atol=1e-3, err_msg=name)


@pytest.mark.ci
def test_segments_are_lists():
    scores, segments = jnp.asarray(problems.spread(np.random.default_rng(0), 9)), jnp.array([4, 4, 1, 1, 1, 4, 7, 1, 7])
    ranks, cutoffs = SMOOTH["rank_fn"](scores, segments=segments), SMOOTH["cutoff_fn"](scores, 2, segments=segments)
    for segment in (1, 4, 7):
        own = segments == segment
        np.testing.assert_allclose(ranks[own], SMOOTH["rank_fn"](scores[own]), atol=1e-6)
        np.testing.assert_allclose(cutoffs[own], SMOOTH["cutoff_fn"](scores[own], 2), atol=1e-6)


def test_training_raises_a_metric():
    _, labels, where, _ = lists(0)
    scores = jnp.asarray(np.random.default_rng(1).normal(size=labels.shape))
    loss = jax.jit(jax.grad(lambda scores: -rax.ndcg_metric(scores, labels, where=where, **SMOOTH)))
    trained = scores
    for _ in range(60):
        trained = trained - 2 * loss(trained)
    exact = [rax.ndcg_metric(of, labels, where=where) for of in (scores, trained)]
    assert exact[1] > max(0.95, exact[0] + 0.05)


def test_a_missing_rax_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "rax", None)
    with pytest.raises(ImportError, match="pip install rax"):
        otsort.ranking.rank_fn()
