"""Losses made of the operators, in the conventions of `optax.losses`.

One value an example (a list along the axis), no reduction; logits with integer labels; all options of the operators. As
inputs are standardised before they are squashed, a loss of logits depends on their order and relative distances alone,
not on their scale: the two logits of two classes carry no gradient with the default squash.
"""

from collections.abc import Callable, Sequence
from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ._axes import Axes, Dims
from ._checks import as_array, as_values
from ._operator import rank
from ._operator.top_k import top_mass
from ._row import AbstractReading, Row, Transport
from ._rows import Options, Rows
from ._target import AbstractTarget, TargetMeasure
from ._types import Scalar


def top_k_error(
    logits: ArrayLike,
    labels: ArrayLike,
    k: Scalar = 1,
    *,
    penalty: Callable[[Array], Array] = jax.nn.relu,
    num_targets: int | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """The S-top-k loss of Cuturi et al. (2019), section 4: J_k(1 - F), F the cdf of the logits at the label's.

    J_k(u) = max(u - k/L, 0) of L classes. With `epsilon=0`, for a label with the p-th largest logit, it is
    max(p - 1 - k, 0) / L: zero for a label among the k + 1 largest, as J_k leaves a margin of one place. The soft 0/1
    loss of the tutorial of `ott.tools.soft_sort`, zero for the largest logit alone, is its multiple
    `L * top_k_error(logits, labels, k=0)`.

    Args:
        logits: any shape; classes along the axis.
        labels: of the true classes, integers from 0 to L - 1, the shape of the logits without the axis (of several
            axes, flat indices in the order of the array); any other number gives NaN.
        k: number of places without loss, at least 0.
        penalty: increasing, of u - k/L, elementwise; the positive part unless given.
        num_targets: m, the size of the uniform target of the cdf, L unless given.
        **options: see `Options`.

    Returns:
        The shape of the labels.

    Raises:
        ValueError: labels of another shape, or not integers.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = _with_labels(logits, labels, options)
    k = rows.checked(k, lambda k: k >= 0, "k must not be negative")
    return rows.read(_TopKError(rows.target(num_targets, None), k, penalty))


class _TopKError(AbstractReading):
    target: AbstractTarget | None
    k: Float[Array, ""]
    penalty: Callable[[Array], Array]

    def __call__(self, row: Row, transport: Transport) -> Float[Array, "*lists"]:
        labels = row.at_inputs(row.values)
        above = jnp.sum(labels * (1 - transport(self.target).level(1.0)), axis=0, keepdims=True)
        losses = self.penalty(above - self.k / row.count)
        return jnp.where(jnp.all(labels == 0, axis=0, keepdims=True), 0, losses)[0]

    def dims(self, axes: Axes) -> Dims:
        return axes.batch


def top_k_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, k: Scalar | Sequence[float] = 1, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """-log of how far the label belongs to the k largest logits: the top-k cross-entropy of Petersen et al. (2022).

    The membership is that of `top_k_mask`, in place of their sorting networks, also for k = 1, where they take the
    softmax; for a distribution over k it is the mean of the memberships. Its logarithm comes from the plan: loss and
    gradient are exact in float32 also where the membership underflows. With `epsilon=0` the loss is 0 for a label among
    the k largest and infinite for another, without gradient; for a distribution, -log of the probability of a k that
    the label satisfies.

    Args:
        logits: any shape; L classes along the axis.
        labels: integers as in `top_k_error`; or weights of the shape of the logits, multi-hot say, and the loss is the
            weighted sum over classes, as in `optax.softmax_cross_entropy`.
        k: a number above 0 and up to L, in which the loss has a derivative; or the probabilities of k = 1, 2, ..., at
            most L of them, known and not traced.
        **options: see `Options`.

    Returns:
        The shape of the logits without the axis.

    Raises:
        ValueError: k out of range (RuntimeError when traced), probabilities that are negative or do not sum to 1,
            labels of another shape or neither integers nor weights.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = _with_labels(logits, labels, options)
    return rows.read(_CrossEntropy(TargetMeasure.uniform(2).astype(rows.dtype), *_distribution(k, rows)))


class _CrossEntropy(AbstractReading):
    target: TargetMeasure
    ks: Float[Array, " k"]
    shares: Float[Array, " k"]  # the probabilities of these k

    def __call__(self, row: Row, transport: Transport) -> Float[Array, "*lists"]:
        logs = jax.vmap(lambda k: transport(top_mass(row, self.target, k)).log_upper())(self.ks)
        log = jax.nn.logsumexp(logs, axis=0, b=self.shares.reshape(-1, *[1] * row.x.ndim))
        labels = row.at_inputs(row.values)
        return jnp.sum(labels * jnp.where(labels == 0, 0, -log), axis=0)

    def dims(self, axes: Axes) -> Dims:
        return axes.batch


def _distribution(k: Scalar | Sequence[float], rows: Rows) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """The k of positive probability, and their probabilities.

    Raises:
        ValueError: k out of range (RuntimeError when traced), or no probabilities.
    """
    if np.ndim(k) == 0:
        message = f"k must lie between 0, exclusive, and the number of classes, {rows.n}: give it in this range"
        return rows.checked(k, lambda k: (k > 0) & (k <= rows.n), message)[None], jnp.ones(1, rows.dtype)  # pyright: ignore[reportArgumentType]
    given = np.asarray(k, float)
    if given.ndim > 1 or not 1 <= given.size <= rows.n or np.any(given < 0) or not np.isclose(given.sum(), 1):
        raise ValueError(f"a distribution over k is at most {rows.n} probabilities that sum to 1, got {k}")
    (places,) = np.nonzero(given)
    return jnp.asarray(places + 1, rows.dtype), jnp.asarray(given[places], rows.dtype)


def spearman_correlation(
    predictions: ArrayLike, targets: ArrayLike, *, num_targets: int | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Spearman's correlation: that of the soft ranks of the predictions with the exact ranks of the targets.

    The ranks of the targets are exact, without gradient, so that their order alone counts: soft ranks on both sides
    would ask for their spacing too. With `epsilon=0` it is `scipy.stats.spearmanr`, ties included, but 0 where
    predictions or targets are constant; integer weights count as repetitions.

    Args:
        predictions: any shape.
        targets: the same shape.
        num_targets: m, the size of the uniform target of the soft ranks, n unless given.
        **options: see `Options`.

    Returns:
        In [-1, 1], the shape without the axis.

    Raises:
        ValueError: the shapes differ.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    values, dtype = as_values(predictions)
    targets = as_array(targets)
    if targets.shape != values.shape:
        raise ValueError(f"predictions and targets must have one shape, got {values.shape} and {targets.shape}")
    axes = Axes.of(values.shape, options.get("axis", -1))
    weights, where = options.get("weights"), options.get("where")
    ranks = rank(values, num_targets=num_targets, **options)
    exact = rank(targets, epsilon=0, axis=axes.chosen, weights=weights, where=where).astype(ranks.dtype)
    shares = jnp.ones_like(ranks) if weights is None else axes.broadcast(jnp.asarray(weights, ranks.dtype))
    if where is not None:
        shares = jnp.where(axes.broadcast(jnp.asarray(where)), shares, 0)
    return _correlation(ranks, exact, shares, axes.chosen).astype(dtype)


def spearman_distance(
    predictions: ArrayLike, targets: ArrayLike, *, num_targets: int | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """1 - `spearman_correlation`, of the same arguments: in [0, 2], to be minimised."""
    return 1 - spearman_correlation(predictions, targets, num_targets=num_targets, **options)


def _correlation(
    u: Float[Array, "..."], v: Float[Array, "..."], weights: Float[Array, "..."], axes: tuple[int, ...]
) -> Float[Array, "..."]:
    """Pearson's, 0 where one of the two is constant."""
    total = jnp.sum(weights, axis=axes, keepdims=True)
    weights = weights / jnp.where(total > 0, total, 1)
    mean = lambda values: jnp.sum(weights * values, axis=axes, keepdims=True)
    u, v = u - mean(u), v - mean(v)
    spread = mean(u**2) * mean(v**2)
    varies = spread > 0
    return jnp.squeeze(jnp.where(varies, mean(u * v) / jnp.sqrt(jnp.where(varies, spread, 1)), 0), axes)


def quantile_error(
    errors: ArrayLike, tau: Scalar, *, t: Scalar = 0.1, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """The tau-quantile of errors by equation (4) of Cuturi et al. (2019): one push to three atoms, O(n).

    With `epsilon=0` it is the mean of the errors between the levels tau (1 - t) and tau (1 - t) + t, which contain tau:
    their quantile at tau + t (1/2 - tau) as t goes to 0, of the method "inverted_cdf" of `numpy.quantile`. Minimise it
    for errors that are bounded below, absolute residuals say; the quantile of signed residuals falls with any shift.
    (`otsort.quantile` centres its atom at tau.)

    Args:
        errors: any shape.
        tau: level in [0, 1].
        t: mass of the middle atom, in (0, 1]: the share of the errors that is averaged, and has a gradient.
        **options: see `Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: tau or t out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(errors, options)
    tau = rows.checked(tau, lambda tau: (tau >= 0) & (tau <= 1), "tau must lie in [0, 1]")
    t = rows.checked(t, lambda t: (t > 0) & (t <= 1), "t must lie in (0, 1]")
    return _mean_of_atom(rows, [tau * (1 - t), t, (1 - tau) * (1 - t)])


def trimmed_mean(errors: ArrayLike, low: Scalar, high: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The mean of the errors between two levels: one push to three atoms, O(n).

    Of squared residuals with low = 0 it is the loss of least trimmed squares (Rousseeuw, 1984). With `epsilon=0` an
    error counts by the share of its mass that lies between the levels.

    Args:
        errors: any shape.
        low: level from which errors count, in [0, 1).
        high: level up to which they do, in (low, 1].
        **options: see `Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: low or high out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(errors, options)
    rising = lambda levels: (levels[0] >= 0) & (levels[0] < levels[1]) & (levels[1] <= 1)
    levels = rows.checked([low, high], rising, "low and high must satisfy 0 <= low < high <= 1")  # pyright: ignore[reportArgumentType]
    return _mean_of_atom(rows, [levels[0], levels[1] - levels[0], 1 - levels[1]])


def expected_shortfall(errors: ArrayLike, alpha: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The mean of the worst share alpha of the errors: one push to two atoms, O(n).

    Also called conditional value at risk (Rockafellar and Uryasev, 2000), there with 1 - alpha as its level. With
    `epsilon=0` the last error counts by the part of its mass that belongs to the share.

    Args:
        errors: any shape.
        alpha: share in (0, 1]; 1 gives the mean.
        **options: see `Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: alpha out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(errors, options)
    alpha = rows.checked(alpha, lambda alpha: (alpha > 0) & (alpha <= 1), "alpha must lie in (0, 1]")
    return _mean_of_atom(rows, [1 - alpha, alpha])


def _mean_of_atom(rows: Rows, weights: list[Float[Array, ""]]) -> Float[Array, "..."]:
    """What is pushed to the second of some atoms with these weights."""
    target = TargetMeasure.uniform(len(weights)).astype(rows.dtype)
    return rows.read(_SecondAtom(eqx.tree_at(lambda target: target.weights, target, jnp.stack(weights))))


class _SecondAtom(AbstractReading):
    target: AbstractTarget

    def __call__(self, row: Row, transport: Transport) -> Float[Array, "*lists"]:
        return row.first(transport(self.target).push(row.values)[1:2], 1)[0]

    def dims(self, axes: Axes) -> Dims:
        return axes.batch


def _with_labels(logits: ArrayLike, labels: ArrayLike, options: Options) -> Rows:
    """Logits that carry labels as weights of classes.

    Raises:
        ValueError: labels that are neither integers without the axis nor weights of the shape of the logits.
    """
    logits, dtype = as_values(logits)
    axes, labels = Axes.of(logits.shape, options.get("axis", -1)), jnp.asarray(labels)
    if labels.shape == axes.shape:
        return Rows(logits, options, labels.astype(dtype))
    batch = tuple(axes.shape[i] for i in axes.batch)
    if labels.shape != batch or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"labels must be integers of shape {batch}, or weights of the shape of the logits, {axes.shape}; "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    classes = jax.nn.one_hot(labels, axes.n, dtype=dtype)
    classes = jnp.where(((labels >= 0) & (labels < axes.n))[..., None], classes, jnp.nan)
    classes = classes.reshape(*batch, *axes.lengths)
    return Rows(logits, options, jnp.moveaxis(classes, range(len(axes.shape)), axes.batch + axes.chosen))
