"""Metrics: their references, gradients, masks, batches, and lists of any size."""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

import otsort
from otsort import metrics

from .cases import diagonal, some

RNG = np.random.default_rng(5)
N = 9


def brute_concordance(risks, times, events):
    """Harrell's C from all pairs."""
    i, j = np.nonzero(~np.eye(len(risks), dtype=bool))
    earlier = (times[i] < times[j]) | ((times[i] == times[j]) & (events[j] == 0))
    compared = earlier & (events[i] == 1)
    agree = (risks[i] > risks[j]) + 0.5 * (risks[i] == risks[j])
    return np.mean(agree[compared]) if np.any(compared) else 0.5


def of_two_classes(metric, otherwise):
    """A metric of scikit-learn with otsort's value for labels of one class."""

    def reference(scores, labels, weights=None, **options):
        kept = np.ones(len(labels), bool) if weights is None else weights > 0
        if len(np.unique(labels[kept])) < 2 and otherwise is not None:
            return otherwise
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return metric(
                labels[kept], scores[kept], sample_weight=None if weights is None else weights[kept], **options
            )

    return reference


def precision(scores, labels, k):
    """The mean of the labels among the k highest scores, ties at the last place averaged."""
    k = min(k, len(scores))
    last = np.sort(scores)[-k]
    above, tied = scores > last, scores == last
    return (labels[above].sum() + (k - above.sum()) * labels[tied].mean()) / k


def recall(scores, labels, k):
    return precision(scores, labels, k) * min(k, len(scores)) / max(labels.sum(), 1)


def scipys_tau(x, y):
    found = scipy.stats.kendalltau(x, y).statistic
    return 0 if np.isnan(found) else found


def sklearns_ndcg(scores, relevance, k=None):
    return sklearn.metrics.ndcg_score([relevance], [scores], k=k) if len(scores) > 1 else float(relevance[0] > 0)


LABELS = RNG.integers(0, 2, (5, N))
GRADES = RNG.integers(0, 4, (5, N)).astype(float)
EVENTS = RNG.integers(0, 2, (5, N))
AUC = of_two_classes(sklearn.metrics.roc_auc_score, 0.5)
PRECISION = of_two_classes(sklearn.metrics.average_precision_score, None)
#: Name -> metric, reference, what comes after the scores, and options of both.
METRICS = {
    "roc_auc": (metrics.roc_auc, AUC, (LABELS,), {}),
    "partial": (metrics.roc_auc, AUC, (LABELS,), {"max_fpr": 0.3}),
    "average_precision": (metrics.average_precision, PRECISION, (LABELS,), {}),
    "precision_at_k": (metrics.precision_at_k, precision, (LABELS,), {"k": 3}),
    "recall_at_k": (metrics.recall_at_k, recall, (LABELS,), {"k": 3}),
    "ndcg": (metrics.ndcg, sklearns_ndcg, (GRADES,), {}),
    "ndcg_at_k": (metrics.ndcg, sklearns_ndcg, (GRADES,), {"k": 3}),
    "kendall_tau": (metrics.kendall_tau, scipys_tau, (GRADES,), {}),
    "concordance_index": (metrics.concordance_index, brute_concordance, (GRADES, EVENTS), {}),
}
WEIGHTED = ("roc_auc", "partial", "average_precision")
#: One metric of each kind; the slow tests try all.
SOME = some(METRICS, quick=("average_precision", "ndcg", "kendall_tau"))


@pytest.mark.parametrize(("name", "dtype"), diagonal(list(METRICS), ["float32", "float64"]))
@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), tied=st.booleans())
def test_exact_metrics_are_those_of_their_references(name, dtype, seed, tied):
    metric, reference, given, options = METRICS[name]
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(5, N)).astype(dtype)
    scores = np.round(scores) if tied else scores
    given = tuple(rng.permuted(array, axis=1) * (rng.random(array.shape) < 0.8) for array in given)
    where = rng.random((5, N)) < 0.8
    where[:, :1] = True
    found = metric(
        np.where(where, scores, np.nan),
        *(np.where(where, array, -1) for array in given),
        where=where,
        epsilon=0,
        **options,
    )
    assert found.dtype == dtype
    expected = [reference(scores[i][where[i]], *(array[i][where[i]] for array in given), **options) for i in range(5)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 if dtype == "float64" else 1e-6)


@pytest.mark.parametrize("name", WEIGHTED)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), tied=st.booleans())
def test_exact_metrics_with_weights(name, seed, tied):
    metric, reference, (labels,), options = METRICS[name]
    rng = np.random.default_rng(seed)
    scores, weights = rng.normal(size=(5, N)), rng.exponential(size=(5, N)) * (rng.random((5, N)) < 0.8)
    scores, weights = np.round(scores) if tied else scores, weights + np.eye(5, N)
    found = metric(scores, labels, weights=weights, epsilon=0, **options)
    expected = [reference(scores[i], labels[i], weights[i], **options) for i in range(5)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


SCORES = RNG.normal(size=(5, N))


@pytest.mark.parametrize("name", SOME)
def test_smooth_metrics_tend_to_the_exact_ones(name):
    metric, _, given, options = METRICS[name]
    exact = metric(SCORES, *given, epsilon=0, **options)
    np.testing.assert_allclose(metric(SCORES, *given, epsilon=1e-4, **options), exact, atol=1e-3)


@pytest.mark.parametrize("name", some(WEIGHTED, quick=["roc_auc"]))
def test_smooth_metrics_with_weights(name):
    """They are continuous where scores of unequal weight cross, and have the resolution 1/n."""
    metric, _, (labels,), options = METRICS[name]
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=200), rng.integers(0, 2, 200)
    weights = rng.exponential(size=200) * (rng.random(200) < 0.8)
    exact = metric(scores, labels, weights=weights, epsilon=0, **options)
    np.testing.assert_allclose(metric(scores, labels, weights=weights, epsilon=1e-5, **options), exact, atol=1e-2)
    at = lambda move: metric(SCORES[0] + move * (np.arange(N) == 1), LABELS[0], weights=weights[:N], epsilon=0.05)
    crossing = SCORES[0, 0] - SCORES[0, 1]
    np.testing.assert_allclose(at(crossing - 1e-7), at(crossing + 1e-7), atol=1e-6)


@pytest.mark.parametrize("name", SOME)
def test_derivatives(name):
    metric, _, given, options = METRICS[name]
    mean = lambda scores: metric(scores, *(array[:2] for array in given), epsilon=0.05, **options)
    check_grads(mean, (SCORES[:2],), order=1, rtol=1e-5, atol=1e-6)
    if name in WEIGHTED:
        weighted = lambda weights: metric(SCORES[:2], given[0][:2], epsilon=0.05, weights=weights, **options)
        check_grads(weighted, (RNG.uniform(0.5, 1, (2, N)),), order=1, modes=["rev"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", some(["roc_auc", "kendall_tau", "ndcg"], quick=["kendall_tau"]))
def test_second_derivatives(name):
    metric, _, given, options = METRICS[name]
    slope = jax.grad(lambda scores: metric(scores, *(array[0] for array in given), epsilon=0.05, **options))
    check_grads(slope, (SCORES[0],), order=1, modes=["rev"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SOME)
def test_padding_changes_neither_values_nor_gradients(name):
    metric, _, given, options = METRICS[name]
    where = np.arange(N) < np.array([[N], [5], [4], [0], [N]])
    scores = np.where(where, SCORES, np.nan)
    padded = tuple(np.where(where, array, -1) for array in given)
    of_all = lambda scores: metric(scores, *padded, where=where, epsilon=0.05, **options)
    values, pull = jax.vjp(of_all, scores)
    (gradients,) = pull(jnp.ones(5))
    for i in (0, 2):
        of_one = lambda scores, i=i: metric(
            scores, *(array[i, : len(scores)] for array in given), epsilon=0.05, **options
        )
        value, gradient = jax.value_and_grad(of_one)(SCORES[i, : where[i].sum()])
        np.testing.assert_allclose(values[i], value, rtol=1e-9)
        np.testing.assert_allclose(gradients[i, where[i]], gradient, rtol=1e-6, atol=1e-9)
    assert values[3] in (0, 0.5)
    assert not np.any(gradients[~where])


@pytest.mark.parametrize("name", SOME)
def test_batches_axes_vmap_and_missing_scores(name):
    metric, _, given, options = METRICS[name]
    values = metric(SCORES, *given, **options)
    turned = metric(SCORES.T, *(array.T for array in given), axis=0, **options)
    np.testing.assert_allclose(turned, values, rtol=1e-9)
    mapped = jax.vmap(lambda *lists: metric(*lists, **options))(SCORES, *given)
    np.testing.assert_allclose(mapped, values, rtol=1e-9)
    missing = SCORES.copy()
    missing[1, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(metric(missing, *given, **options)), np.arange(5) == 1)


@pytest.mark.parametrize("name", SOME)
def test_float32_and_scores_of_any_size(name, without_x64):
    metric, _, given, options = METRICS[name]
    slope = jax.value_and_grad(lambda scores: jnp.sum(metric(scores, *given, **options)))
    value, gradient = slope(SCORES.astype(np.float32))
    assert value.dtype == gradient.dtype == jnp.float32
    for scale in (1e3, 1e-3):
        scaled, scaled_gradient = slope((scale * SCORES).astype(np.float32))
        np.testing.assert_allclose(scaled, value, rtol=1e-4)
        np.testing.assert_allclose(scale * scaled_gradient, gradient, rtol=1e-2, atol=1e-4)


def test_pairs_are_compared_at_independent_places():
    x, y, events = SCORES[0], GRADES[0], EVENTS[0]
    shares = N * otsort.solve(x, otsort.UniformTarget(N), epsilon=0.05).plan.as_matrix()
    places = np.arange(N)
    above = np.einsum("ik,jl,kl->ij", shares, shares, (places[:, None] > places) + 0.5 * np.eye(N))
    p, q = np.sum(y[:, None] < y), N * (N - 1) / 2
    expected = np.sum((1 - 2 * above)[y[:, None] < y]) / np.sqrt(p * q)
    np.testing.assert_allclose(metrics.kendall_tau(x, y, epsilon=0.05), expected, rtol=1e-8)
    earlier = (events[:, None] == 1) & ((y[:, None] < y) | ((y[:, None] == y) & (events == 0)))
    found = metrics.concordance_index(x, y, events, epsilon=0.05)
    np.testing.assert_allclose(found, np.mean(above[earlier]), rtol=1e-8)


@pytest.mark.parametrize("n", some([1, 2, 3], quick=[1, 3]))
def test_short_lists(n):
    x, y = np.arange(n) ** 2, np.arange(n)
    for epsilon in (0, 1e-3):
        np.testing.assert_allclose(metrics.kendall_tau(x, y, epsilon=epsilon), float(n > 1), atol=1e-6)
        np.testing.assert_allclose(metrics.concordance_index(-x, y, y >= 0, epsilon=epsilon), 1 if n > 1 else 0.5)
        np.testing.assert_allclose(metrics.roc_auc(x, y == n - 1, epsilon=epsilon), 1 if n > 1 else 0.5, atol=1e-6)
        np.testing.assert_allclose(metrics.ndcg(x, y == n - 1, epsilon=epsilon), 1, atol=1e-6)


@pytest.mark.ci
def test_long_lists(without_x64):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100_000).round(2)
    x = (y + rng.normal(size=y.size)).astype(np.float32)
    events = rng.random(y.size) < 0.7
    exact = scipy.stats.kendalltau(x, y).statistic
    np.testing.assert_allclose(metrics.kendall_tau(x, y, epsilon=0), exact, rtol=1e-5)
    soft, gradient = jax.value_and_grad(metrics.kendall_tau)(x, y, epsilon=1e-3)
    np.testing.assert_allclose(soft, exact, rtol=0.02)
    assert np.all(np.isfinite(gradient))
    assert np.corrcoef(gradient, y - x)[0, 1] > 0.2, "the gradient moves x towards the order of y"
    assert 0.5 < metrics.concordance_index(-x, y, events, epsilon=0) < 1
    labels = y > 1
    np.testing.assert_allclose(
        metrics.roc_auc(x, labels, epsilon=0), sklearn.metrics.roc_auc_score(labels, x), rtol=1e-5
    )


def test_a_smooth_solver_for_long_lists_agrees_with_newton():
    x, y = np.random.default_rng(1).normal(size=(2, 400))
    found = metrics.kendall_tau(x, y, solver=otsort.Quadrature(1e-2))
    np.testing.assert_allclose(found, metrics.kendall_tau(x, y, solver=otsort.Newton(1e-2)), atol=1e-5)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "ndcg", "kendall_tau", "concordance_index"])
def test_smooth_metrics_of_float32_where_float64_is_on(name):
    metric, _, given, options = METRICS[name]
    found = metric(SCORES[0].astype(np.float32), *(array[0] for array in given), **options)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, metric(SCORES[0], *(array[0] for array in given), **options), atol=1e-4)


def test_precision_and_recall_are_those_of_rax():
    rax = pytest.importorskip("rax")
    arrays = jnp.asarray(SCORES, jnp.float32), jnp.asarray(LABELS, jnp.float32)
    for ours, theirs in ((metrics.precision_at_k, rax.precision_metric), (metrics.recall_at_k, rax.recall_metric)):
        expected = [theirs(*(array[i] for array in arrays), topn=3) for i in range(5)]
        np.testing.assert_allclose(ours(*arrays, 3, epsilon=0), expected, rtol=1e-6)


def test_order_is_that_of_all_digits(without_x64):
    y = 2**40 + np.arange(4)
    np.testing.assert_allclose(metrics.kendall_tau(y[::-1].copy(), y, epsilon=0), -1)
    np.testing.assert_allclose(metrics.concordance_index(y, y, np.ones(4), epsilon=0), 0)


def test_a_model_that_starts_at_zero_learns():
    features, relevance = RNG.normal(size=(20, N, 3)), None
    relevance = np.round(np.exp(features @ np.array([1.0, -2.0, 0.5])).clip(0, 4))
    squash = otsort.squash.Sigmoid(1.0)
    loss = lambda weights: -jnp.mean(metrics.ndcg(features @ weights, relevance, squash=squash, epsilon=0.1))
    weights, slope = jnp.zeros(3), jax.jit(jax.grad(loss))
    for _ in range(30):
        weights = weights - 3 * slope(weights)
    before, after = (jnp.mean(metrics.ndcg(features @ w, relevance, epsilon=0)) for w in (jnp.zeros(3), weights))
    assert after > before + 0.1


def test_bad_arguments():
    scores, labels = SCORES[0], LABELS[0]
    with pytest.raises(ValueError, match=r"labels must be 0 or 1 .* got \[2"):
        metrics.roc_auc(scores, 2 * labels)
    with pytest.raises(ValueError, match="labels must be 0 or 1"):
        metrics.roc_auc(scores.astype(np.float32), 0.99999999 * labels)
    with pytest.raises(ValueError, match=r"labels must have the shape of the scores, \(9,\), got \(8,\)"):
        metrics.average_precision(scores, labels[1:])
    with pytest.raises(ValueError, match="max_fpr must lie above 0 and up to 1, got 2"):
        metrics.roc_auc(scores, labels, max_fpr=2)
    with pytest.raises(ValueError, match="k must be above 0 and at most 9"):
        metrics.precision_at_k(scores, labels, 10)
    with pytest.raises(ValueError, match="k must be an integer from 1 on, got 0"):
        metrics.ndcg(scores, labels, k=0)
    with pytest.raises(ValueError, match=r"relevance must be finite and nonnegative .* got \[-1"):
        metrics.ndcg(scores, -labels)
    with pytest.raises(ValueError, match="x and y must have one shape"):
        metrics.kendall_tau(scores, scores[1:])
    with pytest.raises(TypeError, match="kendall_tau takes no weights"):
        metrics.kendall_tau(scores, scores, weights=np.ones(N))
    with pytest.raises(RuntimeError, match="labels must be 0 or 1"):
        jax.block_until_ready(jax.jit(metrics.roc_auc)(scores, 2 * labels))


@pytest.mark.parametrize("metric", [partial(metrics.recall_at_k, k=2), metrics.ndcg])
def test_labels_of_any_dtype(metric):
    """JAX's strict promotion of dtypes keeps booleans, such as `y > 0`, and integers apart from numbers."""
    scores, labels = jnp.asarray([0.3, 1.0, -2.0, 0.5]), jnp.asarray([1.0, 0.0, 1.0, 0.0])
    where = jnp.asarray([True, True, True, False])
    expected = metric(scores, labels, where=where)
    for dtype in (bool, jnp.int32):
        assert jax.jit(metric)(scores, labels.astype(dtype), where=where) == pytest.approx(expected)
