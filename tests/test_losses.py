"""Losses: their exact limits, gradients, masks, batches, and what float32 makes of large and small logits."""

import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from sklearn.metrics import top_k_accuracy_score

import otsort
from otsort import losses

from . import problems

RNG = np.random.default_rng(0)
N = 8
X = RNG.normal(size=(4, N))
LABELS = np.array([3, 0, 7, 2])
HOT = np.eye(N)[LABELS]
TARGETS = RNG.normal(size=(4, N)).round()

#: Of arrays (lists, N) and what belongs to each place of them, which a mask and an axis apply to alike.
LOSSES = {
    "top_k_error": lambda x, hot, y, **o: losses.top_k_error(x, hot, 0, penalty=jnp.square, num_targets=4, **o),
    "top_k_cross_entropy": lambda x, hot, y, **o: losses.top_k_cross_entropy(x, hot, [0.5, 0, 0.5], **o),
    "spearman_distance": lambda x, hot, y, **o: losses.spearman_distance(x, y, **o),
    "quantile_error": lambda x, hot, y, **o: losses.quantile_error(x, 0.3, **o),
    "expected_shortfall": lambda x, hot, y, **o: losses.expected_shortfall(x, 0.2, **o),
}


def places(x):
    """Of the labels' logits, 1 for the largest."""
    return 1 + np.sum(x > x[np.arange(4), LABELS][:, None], axis=1)


def test_top_k_error_in_the_limit():
    for k in (0, 1, 3):
        errors = losses.top_k_error(X, LABELS, k, epsilon=0)
        np.testing.assert_allclose(errors, np.maximum(places(X) - 1 - k, 0) / N, atol=1e-12)
        right = np.mean(np.asarray(errors) < 1e-9)
        np.testing.assert_allclose(right, top_k_accuracy_score(LABELS, X, k=k + 1, labels=range(N)))


def test_top_k_error_is_the_soft_zero_one_loss():
    labels = jnp.asarray(LABELS)
    of_label = jnp.take_along_axis(otsort.rank(X), labels[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(N * losses.top_k_error(X, labels, k=0), jax.nn.relu(N - of_label), atol=1e-9)


@pytest.mark.parametrize("k", [1, 3, N])
def test_top_k_cross_entropy_in_the_limit(k):
    exact = losses.top_k_cross_entropy(X, LABELS, k, epsilon=0)
    np.testing.assert_array_equal(exact, np.where(places(X) <= k, 0, np.inf))
    near = losses.top_k_cross_entropy(X, LABELS, k, epsilon=1e-3)
    np.testing.assert_array_equal(near < 1, exact == 0)


def test_top_k_cross_entropy_of_several_k_in_the_limit():
    probabilities = np.array([0.2, 0, 0.5, 0, 0, 0, 0, 0.3])
    satisfied = np.array([np.sum(probabilities[place - 1 :]) for place in places(X)])
    np.testing.assert_allclose(losses.top_k_cross_entropy(X, LABELS, probabilities, epsilon=0), -np.log(satisfied))


@pytest.mark.parametrize("solver", [otsort.Newton(0.1), otsort.Quadrature(0.1), None])
def test_top_k_cross_entropy_is_the_logarithm_of_the_mask(solver):
    x = np.random.default_rng(1).normal(size=(2, 100)) if solver is None else X
    hot = np.eye(x.shape[1])[LABELS[: len(x)]] + np.eye(x.shape[1])[1]
    options = {"epsilon": 0.1} if solver is None else {"solver": solver}
    masks = [otsort.top_k_mask(x, k, **options) for k in (2, 3)]
    expected = -jnp.sum(hot * jnp.log(0.25 * masks[0] + 0.75 * masks[1]), axis=1)
    np.testing.assert_allclose(losses.top_k_cross_entropy(x, hot, [0, 0.25, 0.75], **options), expected, rtol=1e-4)


def test_long_lists_and_short_ones_agree():
    """From a compressed plan: its tables do not hold small shares."""
    x = np.random.default_rng(1).normal(size=3000)
    loss = jax.jit(jax.value_and_grad(lambda x, solver: losses.top_k_cross_entropy(x, np.array(7), 5, solver=solver)))
    value, gradient = loss(x, otsort.Quadrature(1e-2))
    expected, slope = loss(x, otsort.Newton(1e-2))
    assert expected > 10
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    np.testing.assert_allclose(gradient, slope, atol=1e-9 * np.max(np.abs(slope)))


def closed_form(logits, label, epsilon):
    """The top-1 cross-entropy where a wide gap parts the largest logit from the rest, and the label is one of these."""
    a = jnp.full(logits.size, 1 / logits.size)
    positions = otsort.squash.logistic(logits, a)
    top = jnp.argmax(logits)
    rest = jax.nn.logsumexp(jnp.where(jnp.arange(logits.size) == top, -jnp.inf, 2 * positions / epsilon))
    return positions[top] / epsilon + rest / 2 - 2 * positions[label] / epsilon


@pytest.mark.parametrize(
    ("solver", "epsilon", "dtype"),
    [
        (otsort.Newton, 1e-4, np.float32),
        (otsort.Newton, 1e-3, np.float64),
        (otsort.Quadrature, 1e-2, np.float32),
        (functools.partial(otsort.Sinkhorn, max_steps=2), 1e-2, np.float32),
    ],
)
def test_cross_entropy_where_the_membership_underflows(solver, epsilon, dtype):
    logits = np.random.default_rng(3).normal(size=N)
    logits[5] = 50
    expected, slope = jax.value_and_grad(closed_form)(jnp.asarray(logits), 2, epsilon)
    loss = lambda logits: losses.top_k_cross_entropy(logits, np.array(2), solver=solver(epsilon))
    value, gradient = jax.jit(jax.value_and_grad(loss))(jnp.asarray(logits, dtype))
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    assert expected > 40
    np.testing.assert_allclose(value, expected, rtol=tolerance)
    np.testing.assert_allclose(gradient, slope, atol=tolerance * np.max(np.abs(slope)))
    assert np.max(np.abs(gradient)) > 1


@pytest.mark.parametrize("epsilon", [1e-1, 1e-4])
def test_as_much_mass_moves_up_as_down(epsilon):
    """Across any cut between the k largest and the rest, however little that is."""
    n, rng = 16, np.random.default_rng(0)
    each = lambda x, k: -losses.top_k_cross_entropy(jnp.broadcast_to(x, (n, n)), jnp.eye(n), k, epsilon=epsilon)
    for family in problems.FAMILIES.values():
        x = family(rng, n)
        order = np.argsort(x)
        for k in (1, 5, 12):
            up, down = each(x, k)[order[:-k]], each(-x, n - k)[order[-k:]]
            moved = [scipy.special.logsumexp(logs) for logs in (up, down)]
            np.testing.assert_allclose(*moved, rtol=1e-9, atol=1e-9)


def test_spearman_in_the_limit():
    x = X.round(1)
    expected = [scipy.stats.spearmanr(*pair).statistic for pair in zip(x, TARGETS, strict=True)]
    np.testing.assert_allclose(losses.spearman_correlation(x, TARGETS, epsilon=0), expected)
    np.testing.assert_allclose(losses.spearman_distance(x, TARGETS, epsilon=0), 1 - np.array(expected))
    counts = np.array([1, 3, 1, 2, 1, 1, 2, 1])
    repeated = scipy.stats.spearmanr(np.repeat(x[0], counts), np.repeat(TARGETS[0], counts)).statistic
    weighted = losses.spearman_correlation(x[0], TARGETS[0], weights=counts, num_targets=int(sum(counts)), epsilon=0)
    np.testing.assert_allclose(weighted, repeated)


def test_spearman_of_constants_is_zero():
    for x, y in ((np.ones(N), X[0]), (X[0], np.ones(N)), (np.ones(1), np.ones(1))):
        value, gradient = jax.value_and_grad(losses.spearman_correlation)(x, y)
        assert value == 0
        assert np.all(np.isfinite(gradient))


def partial_mean(x, low, high):
    """The mean of the quantile function between two levels."""
    edges = np.arange(x.size + 1) / x.size
    shares = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    return np.sort(x) @ shares / (high - low)


def test_errors_by_order_in_the_limit():
    x = X[0]
    for tau in (0, 0.3, 1):
        for t in (0.1, 0.5):
            low = tau * (1 - t)
            np.testing.assert_allclose(losses.quantile_error(x, tau, t=t, epsilon=0), partial_mean(x, low, low + t))
        np.testing.assert_allclose(
            losses.quantile_error(x, tau, t=1e-6, epsilon=0), np.quantile(x, tau, method="inverted_cdf")
        )
    np.testing.assert_allclose(losses.trimmed_mean(x, 0.25, 0.75, epsilon=0), scipy.stats.trim_mean(x, 0.25))
    np.testing.assert_allclose(losses.trimmed_mean(x, 0.1, 0.35, epsilon=0), partial_mean(x, 0.1, 0.35))
    np.testing.assert_allclose(losses.trimmed_mean(x, 0, 0.5, epsilon=0), np.sort(x)[:4].mean())
    for alpha in (0.05, 0.25, 0.4, 1):
        np.testing.assert_allclose(losses.expected_shortfall(x, alpha, epsilon=0), partial_mean(x, 1 - alpha, 1))
    np.testing.assert_allclose(losses.expected_shortfall(x, 1), x.mean())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name):
    """Against differences of the loss itself."""
    loss = lambda x: LOSSES[name](x, HOT[0], TARGETS[0], solver=otsort.Newton(0.05, tol=1e-12))
    direction = np.random.default_rng(2).normal(size=N)
    expected = problems.finite_difference(jax.jit(loss), X[0], direction)
    np.testing.assert_allclose(problems.directional(loss, X[0], direction), expected, rtol=1e-6, atol=1e-8)


def test_gradients_in_options():
    """In numbers that a training may change."""

    def of_labels(numbers):
        k, epsilon, weight = numbers
        return losses.top_k_cross_entropy(X[0], HOT[0], k, epsilon=epsilon, weights=jnp.ones(N).at[2].set(weight))

    def of_errors(numbers):
        alpha, tau = numbers
        return losses.expected_shortfall(X[0], alpha, epsilon=0.05) + losses.quantile_error(X[0], tau, epsilon=0.05)

    for loss, numbers in ((of_labels, np.array([1.5, 0.01, 1.2])), (of_errors, np.array([0.3, 0.4]))):
        direction = 0.1 * numbers
        expected = problems.finite_difference(jax.jit(loss), numbers, direction)
        np.testing.assert_allclose(jax.jit(jax.grad(loss))(numbers) @ direction, expected, rtol=2e-4)


def test_second_derivatives_of_the_cross_entropy():
    loss = lambda x: losses.top_k_cross_entropy(x, HOT[0], 2, epsilon=0.05)
    v = np.random.default_rng(2).normal(size=N)
    product = jax.jit(lambda x: jax.jvp(jax.grad(loss), (x,), (v,))[1])(X[0])
    np.testing.assert_allclose(product, problems.finite_difference(jax.jit(jax.grad(loss)), X[0], v), rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_a_mask_is_a_shorter_list(name):
    where = np.ones((2, N), bool)
    where[0, [1, 4]] = where[1] = False
    loss = lambda x, hot, y, **options: jnp.sum(LOSSES[name](x, hot, y, epsilon=0.05, **options))
    both = jax.jit(jax.value_and_grad(loss))
    value, gradient = both(np.where(where, X[:2], np.nan), HOT[:2], TARGETS[:2], where=where)
    expected, slope = both(X[0, where[0]], HOT[0, where[0]], TARGETS[0, where[0]])
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient[0, where[0]], slope, atol=1e-5)
    assert np.all(gradient[~where] == 0)


@pytest.mark.parametrize("name", LOSSES)
def test_batches_and_axes(name):
    loss = jax.jit(
        lambda x, hot, y, **options: LOSSES[name](x, hot, y, epsilon=0.05, **options), static_argnames="axis"
    )
    expected = np.array([loss(*row) for row in zip(X, HOT, TARGETS, strict=True)])
    square = lambda array: array.reshape(2, 2, 4, 2).transpose(2, 0, 3, 1)
    axes = loss(*map(square, (X, HOT, TARGETS)), axis=(0, 2))
    np.testing.assert_allclose(axes, expected.reshape(2, 2), rtol=1e-6)


def test_integer_labels_are_flat_indices():
    for loss in (losses.top_k_error, losses.top_k_cross_entropy):
        expected = loss(X, HOT)
        np.testing.assert_allclose(loss(X, LABELS), expected)
        cube = X.reshape(4, 4, 2).transpose(1, 0, 2)
        np.testing.assert_allclose(loss(cube, LABELS, axis=(0, 2)), expected)
        assert np.all(np.isnan(loss(X, np.array([-1, N, -5, 100]))))


@pytest.mark.parametrize("name", LOSSES)
def test_large_and_small_values_in_float32(name, without_x64):
    """What counts is relative; an error has the unit of errors."""
    power = {"quantile_error": 1, "expected_shortfall": 1}.get(name, 0)
    loss = jax.jit(jax.value_and_grad(lambda x: jnp.sum(LOSSES[name](x, HOT, TARGETS))))
    value, gradient = loss(X.astype(np.float32))
    assert value.dtype == gradient.dtype == jnp.float32
    for scale in (1e3, 1e-3):
        scaled, slope = loss((scale * X).astype(np.float32))
        np.testing.assert_allclose(scaled, scale**power * value, rtol=1e-4)
        np.testing.assert_allclose(slope * scale / scale**power, gradient, atol=1e-3 * np.max(np.abs(gradient)))


def test_half_precision_and_integers():
    for name in ("top_k_cross_entropy", "spearman_distance"):
        loss = LOSSES[name]
        value = loss(jnp.asarray(X, jnp.bfloat16), HOT, TARGETS)
        assert value.dtype == jnp.bfloat16, name
        np.testing.assert_allclose(value.astype(float), loss(X, HOT, TARGETS), rtol=0.05, atol=0.05)
    np.testing.assert_allclose(losses.trimmed_mean([3, 1, 2, 100], 0, 0.75, epsilon=0), 2)


def test_nan_stays_in_its_list():
    x = X.copy()
    x[1, 2] = np.nan
    for name, loss in LOSSES.items():
        np.testing.assert_array_equal(np.isnan(loss(x, HOT, TARGETS)), np.arange(4) == 1, err_msg=name)


def test_they_compile_once(caplog):
    x = np.random.default_rng(0).normal(size=(2, 7))
    labels = np.array([1, 2])
    calls = (
        lambda e: losses.top_k_error(x, labels, k=10 * e, epsilon=e),
        lambda e: losses.top_k_cross_entropy(x, labels, epsilon=e),
    )
    for call in calls:
        call(0.1)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        for call in calls:
            call(0.2)
    assert "ompil" not in caplog.text


def test_bad_input_is_told():
    for call, words in (
        (lambda: losses.top_k_error(X, LABELS[:2]), "labels must be integers"),
        (lambda: losses.top_k_cross_entropy(X, LABELS / 2), "labels must be integers"),
        (lambda: losses.top_k_error(X, LABELS, -1), "negative"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, 0), "between 0"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, N + 1), "between 0"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, [0.5, 0.4]), "sum to 1"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, [1.5, -0.5]), "sum to 1"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, np.ones(N + 1) / (N + 1)), "at most 8"),
        (lambda: losses.spearman_correlation(X, X[0]), "one shape"),
        (lambda: losses.quantile_error(X, 2), "tau"),
        (lambda: losses.quantile_error(X, 0.5, t=0), "t must"),
        (lambda: losses.trimmed_mean(X, 0.5, 0.5), "low < high"),
        (lambda: losses.expected_shortfall(X, 0), "alpha"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    for solver, words in ((otsort.Newton(), "two targets"), (otsort.Quadrature(), "compressed")):
        with pytest.raises(ValueError, match=words):
            otsort.solve(X[0], otsort.UniformTarget(200), solver=solver).plan.log_upper()
    with pytest.raises(RuntimeError):
        jax.block_until_ready(jax.jit(lambda alpha: losses.expected_shortfall(X, alpha))(0.0))
