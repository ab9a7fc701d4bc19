"""Losses: their exact limits, gradients, masks, batches, and what float32 makes of large and small logits."""

import functools
import logging

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

import otsort
from otsort import losses

from . import problems
from .cases import diagonal, some

RNG = np.random.default_rng(0)
N = 8
X = RNG.normal(size=(4, N))
LABELS = np.array([3, 0, 7, 2])
HOT = np.eye(N)[LABELS]
TARGETS = RNG.normal(size=(4, N)).round()

#: Of arrays (lists, N) and what belongs to each place of them, which a mask and an axis apply to alike.
LOSSES = {
    "top_k_error": lambda x, hot, y, **o: losses.top_k_error(x, hot, penalty=jnp.square, num_targets=4, **o),
    "top_k_cross_entropy": lambda x, hot, y, **o: losses.top_k_cross_entropy(x, hot, [0.5, 0, 0.5], **o),
    "spearman_distance": lambda x, hot, y, **o: losses.spearman_distance(x, y, **o),
    "quantile_error": lambda x, hot, y, **o: losses.quantile_error(x, 0.3, **o),
    "expected_shortfall": lambda x, hot, y, **o: losses.expected_shortfall(x, 0.2, **o),
}
QUICK_LOSSES = ("top_k_error", "top_k_cross_entropy", "spearman_distance")


#: Of errors (lists, N) and a number for each list.
ERRORS = {
    "quantile_error": lambda x, number, **o: losses.quantile_error(x, number, t=number / 2, **o),
    "trimmed_mean": lambda x, number, **o: losses.trimmed_mean(x, number / 2, 0.3 + number, **o),
    "expected_shortfall": losses.expected_shortfall,
}


def places(x, labels=LABELS):
    """Returns the places of the labels' logits, 1 for the largest."""
    return 1 + np.sum(x > np.take_along_axis(x, labels[:, None], axis=1), axis=1)


@hypothesis.given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 10, 100]), st.sampled_from([float, np.float32]))
def test_top_k_error_is_zero_exactly_among_the_k_largest(seed, classes, dtype):
    rng = np.random.default_rng(seed)
    x = rng.permuted(np.tile(np.arange(classes) ** rng.uniform(0.1, 3), (6, 1)), axis=1).astype(dtype)
    labels, k = rng.integers(classes, size=(2, 6))
    errors = losses.top_k_error(x, labels, k + 1, epsilon=0)
    np.testing.assert_array_equal(errors == 0, places(x, labels) <= k + 1)
    np.testing.assert_allclose(errors, np.maximum(places(x, labels) - k - 1, 0) / classes, atol=1e-6)


def test_top_k_error_in_the_limit():
    for k in (1, 3, N):
        right = np.mean(losses.top_k_error(X, LABELS, k, epsilon=0) == 0)
        np.testing.assert_allclose(right, top_k_accuracy_score(LABELS, X, k=k, labels=range(N)) if k < N else 1)


def test_top_k_error_of_the_paper_has_one_place_more():
    """J_k(u) = max(u - k/L, 0) of u = 1 - F."""
    above = 1 - jnp.take_along_axis(otsort.cdf(X), jnp.asarray(LABELS)[:, None], axis=1)[:, 0]
    for k in (0, 1, 5):
        expected = jnp.maximum(above - k / N, 0)
        np.testing.assert_allclose(losses.top_k_error(X, LABELS, k + 1), expected, atol=1e-9)


def test_top_k_error_is_the_soft_zero_one_loss():
    labels = jnp.asarray(LABELS)
    of_label = jnp.take_along_axis(otsort.rank(X), labels[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(N * losses.top_k_error(X, labels), jax.nn.relu(N - of_label), atol=1e-9)


@pytest.mark.parametrize("k", [1, 3, N])
def test_top_k_cross_entropy_in_the_limit(k):
    exact = losses.top_k_cross_entropy(X, LABELS, k, epsilon=0)
    np.testing.assert_array_equal(exact, np.where(places(X) <= k, 0, np.inf))
    near = losses.top_k_cross_entropy(X, LABELS, k, epsilon=1e-3)
    np.testing.assert_array_equal(near < 1, exact == 0)


def test_top_k_cross_entropy_of_several_k_in_the_limit():
    probabilities = [0.2, 0, 0.5, 0, 0, 0, 0, 0.3]
    satisfied = np.array([sum(probabilities[place - 1 :]) for place in places(X)])
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
        pytest.param(otsort.Newton, 1e-3, np.float64, marks=pytest.mark.slow),
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
    for x, y in ((np.ones(N), X[0]), (X[0], np.ones(N))):
        value, gradient = jax.value_and_grad(losses.spearman_correlation)(x, y)
        assert value == 0
        assert np.all(np.isfinite(gradient))


def test_spearman_lies_within_its_range(without_x64):
    """Rounding would leave -1 and 1, of equal orders and of opposite ones."""
    x = np.random.default_rng(5).normal(size=(200, 7)).astype(np.float32)
    for epsilon in (0, 1e-2):
        for y in (x, -x, np.exp(x)):
            correlation = losses.spearman_correlation(x, y, epsilon=epsilon)
            assert np.all(np.abs(correlation) <= 1)
            np.testing.assert_allclose(np.abs(correlation), 1, atol=0.2 if epsilon else 1e-6)
            assert np.all(losses.spearman_distance(x, y, epsilon=epsilon) >= 0)


def test_spearman_of_single_values_asks_for_the_other_axis():
    column = X[0][:, None]
    for loss in (losses.spearman_correlation, losses.spearman_distance):
        with pytest.raises(ValueError, match="pass axis=0"):
            loss(column, column)
    assert losses.spearman_correlation(column, column, epsilon=0, axis=0) == 1


def partial_mean(x, low, high):
    """Returns the mean of the quantile function between two levels."""
    edges = np.arange(x.size + 1) / x.size
    shares = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    return np.sort(x) @ shares / (high - low)


def test_errors_by_order_in_the_limit():
    x = X[0]
    for tau in (0, 0.3, 0.5, 1):
        centre = tau + (0.5 - tau) / N
        for t in (0.1, 0.5, 1):
            half = min(t / 2, centre, 1 - centre)
            expected = partial_mean(x, centre - half, centre + half)
            np.testing.assert_allclose(losses.quantile_error(x, tau, t=t, epsilon=0), expected)
            np.testing.assert_allclose(losses.quantile_error(x, tau, t=t), otsort.quantile(x, tau, width=t))
        np.testing.assert_allclose(losses.quantile_error(x, tau, t=1 / N, epsilon=0), np.quantile(x, tau))
    np.testing.assert_allclose(losses.trimmed_mean(x, 0.25, 0.75, epsilon=0), scipy.stats.trim_mean(x, 0.25))
    np.testing.assert_allclose(losses.trimmed_mean(x, 0.1, 0.35, epsilon=0), partial_mean(x, 0.1, 0.35))
    np.testing.assert_allclose(losses.trimmed_mean(x, 0, 0.5, epsilon=0), np.sort(x)[:4].mean())
    for alpha in (0.05, 0.25, 0.4, 1):
        np.testing.assert_allclose(losses.expected_shortfall(x, alpha, epsilon=0), partial_mean(x, 1 - alpha, 1))
    np.testing.assert_allclose(losses.expected_shortfall(x, 1), x.mean())


def test_equation_4_is_a_target():
    """Its atom lies between the levels tau (1 - t) and tau (1 - t) + t."""
    for tau, t in ((0, 0.1), (0.3, 0.1), (0.3, 0.5), (1, 0.5)):
        target, low = otsort.TargetMeasure.quantile(tau, t), tau * (1 - t)
        found = otsort.sort(X, target=target, epsilon=0)[..., 1]
        np.testing.assert_allclose(found, [partial_mean(x, low, low + t) for x in X])


@pytest.mark.parametrize(("name", "epsilon"), diagonal(list(ERRORS), [0, 0.05]))
def test_numbers_of_each_list(name, epsilon):
    """Such as tau, t, low, high and alpha: as list by list, along any axis, and with derivatives."""
    numbers = np.array([0.1, 0.3, 0.5, 0.7])
    loss = lambda x, number: ERRORS[name](x, number, epsilon=epsilon)
    expected = [loss(*pair) for pair in zip(X, numbers, strict=True)]
    np.testing.assert_allclose(loss(X, numbers), expected, rtol=1e-6)
    np.testing.assert_allclose(loss(X, jnp.asarray(numbers)), expected, rtol=1e-6)
    square = X.reshape(2, 2, N).transpose(0, 2, 1)
    found = ERRORS[name](square, numbers.reshape(2, 2), epsilon=epsilon, axis=1)
    np.testing.assert_allclose(found, np.reshape(expected, (2, 2)), rtol=1e-6)
    slopes = jax.jit(jax.grad(lambda numbers: jnp.sum(loss(X, numbers))))(numbers)
    each = [jax.grad(loss, argnums=1)(*pair) for pair in zip(X, numbers, strict=True)]
    np.testing.assert_allclose(slopes, each, rtol=1e-5)


@pytest.mark.parametrize(("loss", "epsilon"), diagonal([losses.top_k_error, losses.top_k_cross_entropy], [0, 0.1]))
def test_k_of_each_example(loss, epsilon):
    ks = np.array([1, 2, 5, N])
    expected = [loss(*each, epsilon=epsilon) for each in zip(X, LABELS, ks, strict=True)]
    for given in (ks, jnp.asarray(ks), ks.astype(np.uint8), ks.astype(np.float32)):
        np.testing.assert_allclose(loss(X, LABELS, given, epsilon=epsilon), expected, rtol=1e-6, atol=1e-9)
    traced = jax.jit(lambda k: loss(X, LABELS, k, epsilon=epsilon))(ks)
    np.testing.assert_allclose(traced, expected, rtol=1e-6, atol=1e-9)
    turned = loss(X.T.reshape(N, 2, 2), LABELS.reshape(2, 2), ks.reshape(2, 2), epsilon=epsilon, axis=0)
    np.testing.assert_allclose(turned, np.reshape(expected, (2, 2)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", some(LOSSES, QUICK_LOSSES))
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


@pytest.mark.parametrize("name", some(LOSSES, QUICK_LOSSES))
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


NARROW = [
    (np.uint8, 256),
    (np.uint8, 300),
    (np.int8, 128),
    (np.int8, 200),
    (np.uint16, 300),
    (np.int64, 300),
    (bool, 2),
]


@pytest.mark.parametrize("loss", some([losses.top_k_error, losses.top_k_cross_entropy], [losses.top_k_error]))
@pytest.mark.parametrize(
    "labels", [pytest.param(pair, marks=[pytest.mark.slow] if place % 3 else []) for place, pair in enumerate(NARROW)]
)
def test_labels_of_narrow_integers(labels, loss):
    """Numbers of classes that the labels' dtype does not hold."""
    dtype, classes = labels
    known = np.array([0, 1]) if dtype is bool else np.array([0, min(np.iinfo(dtype).max, classes - 1)])
    x = np.random.default_rng(0).normal(size=(2, classes))
    expected = loss(x, np.eye(classes)[known], epsilon=0)
    if dtype is bool:
        with pytest.raises(ValueError, match="integers"):
            loss(x, known.astype(dtype))
        return
    for labels in (known.astype(dtype), jnp.asarray(known.astype(dtype))):
        np.testing.assert_array_equal(loss(x, labels, epsilon=0), expected)
        np.testing.assert_array_equal(jax.jit(lambda labels: loss(x, labels, epsilon=0))(labels), expected)


@pytest.mark.parametrize("loss", [losses.top_k_error, losses.top_k_cross_entropy])
def test_labels_that_are_no_class_are_nan(loss, without_x64):
    x = X.astype(np.float32)
    for labels in (np.array([2**32, 2**32 + 3, -(2**32), 2**40]), np.array([-1, N, -128, 127], np.int8)):
        assert np.all(np.isnan(loss(x, labels)))
    assert np.all(np.isnan(loss(x[:1], np.array([255], np.uint8))))
    assert np.all(np.isnan(loss(x[:1], np.array([2**64 - 1], np.uint64))))


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
    for loss in (losses.top_k_error, losses.top_k_cross_entropy):
        for labels in (LABELS, HOT, HOT.astype(int), HOT.astype(bool)):
            assert loss(jnp.asarray(X, jnp.bfloat16), labels).dtype == jnp.bfloat16
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
        lambda e: losses.top_k_error(x, labels, k=20 * e, epsilon=e),
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
        (lambda: losses.top_k_error(X, LABELS, 0), "between 1 and 8 .* got 0"),
        (lambda: losses.top_k_error(X, LABELS, N + 1), "between 1 and 8 .* got 9"),
        (lambda: losses.top_k_error(X, LABELS, [1, 2, 3]), "batch's shape"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, 0), "above 0 and at most 8"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, N + 1), "above 0 and at most 8"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, np.array([1, 2, 3])), "batch's shape"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, [0.5, 0.4]), "sum to 1"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, [1.5, -0.5]), "sum to 1"),
        (lambda: losses.top_k_cross_entropy(X, LABELS, [1 / (N + 1)] * (N + 1)), "at most 8"),
        (lambda: losses.spearman_correlation(X, X[0]), "one shape"),
        (lambda: losses.quantile_error(X, 2), "tau"),
        (lambda: losses.quantile_error(X, 0.5, t=0), "t must"),
        (lambda: losses.quantile_error(X, 0.5, t=[0.1, 0.2]), "batch's shape"),
        (lambda: losses.trimmed_mean(X, 0.5, 0.5), "above low"),
        (lambda: losses.trimmed_mean(X, [0.1, 0.2, 0.3, 0.6], 0.5), "above low"),
        (lambda: losses.expected_shortfall(X, 0), "alpha"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    for solver, words in (
        (otsort.Newton(), "two targets"),
        (otsort.Quadrature(), "two targets, got 200: use solver=otsort.Newton"),
    ):
        with pytest.raises(ValueError, match=words):
            otsort.solve(X[0], otsort.UniformTarget(200), solver=solver).plan.log_upper()
    with pytest.raises(RuntimeError):
        jax.block_until_ready(jax.jit(lambda alpha: losses.expected_shortfall(X, alpha))(0.0))
