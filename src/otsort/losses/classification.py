"""Losses of a label's logit among the others."""

from collections.abc import Callable, Sequence
from typing import Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._axes import Axes, Dims
from .._checks import as_values
from .._operator.top_k import top_mass
from .._row import AbstractReading, Row, Transport
from .._rows import Options, Rows
from .._target import AbstractTarget, TargetMeasure, uniform_atoms
from .._types import Scalar


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
            axes, flat indices in the order of the array), any other number gives NaN; or weights of the shape of the
            logits, for the weighted sum of 1 - F.
        k: number of places without loss, at least 0.
        penalty: increasing, of u - k/L, elementwise; the positive part unless given.
        num_targets: m, the size of the uniform target of the cdf, L unless given.
        **options: see `otsort.Options`.

    Returns:
        The shape of the logits without the axis.

    Raises:
        ValueError: k negative (RuntimeError when traced), labels of another shape or neither integers nor weights.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> logits = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> error = otsort.losses.top_k_error
        >>> print(f"{error(logits, 1, k=0):.2f} {error(logits, 1, k=0, epsilon=0):.2f}")
        0.43 0.40
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

    The membership is that of `otsort.top_k_mask`, in place of their sorting networks, also for k = 1, where they take
    the softmax; for a distribution over k it is the mean of the memberships. Its logarithm comes from the plan: loss
    and gradient are exact in float32 also where the membership underflows. With `epsilon=0` the loss is 0 for a label
    among the k largest and infinite for another, without gradient; for a distribution, -log of the probability of a k
    that the label satisfies.

    Args:
        logits: any shape; L classes along the axis.
        labels: integers as in `top_k_error`; or weights of the shape of the logits, multi-hot say, for the weighted sum
            over classes, as in `optax.softmax_cross_entropy`.
        k: a number above 0 and up to L, in which the loss has a derivative; or the probabilities of k = 1, 2, ..., at
            most L of them, known and not traced.
        **options: see `otsort.Options`.

    Returns:
        The shape of the logits without the axis.

    Raises:
        ValueError: k out of range (RuntimeError when traced), probabilities that are negative or do not sum to 1,
            labels of another shape or neither integers nor weights.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> logits = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.losses.top_k_cross_entropy(logits, 1, k=2, epsilon=0.1):.2f}")
        2.23
    """
    rows = _with_labels(logits, labels, options)
    return rows.read(_CrossEntropy(uniform_atoms(2, rows.dtype), *_distribution(k, rows)))


class _CrossEntropy(AbstractReading):
    target: TargetMeasure
    ks: Float[Array, " k"]
    shares: Float[Array, " k"]  # the probabilities of these k

    def __call__(self, row: Row, transport: Transport) -> Float[Array, "*lists"]:
        def log_mask(k: Float[Array, ""]) -> Float[Array, "n *lists"]:
            return transport(top_mass(row, self.target, jnp.broadcast_to(k, row.x.shape[1:]))).log_upper()

        logs = jax.vmap(log_mask)(self.ks)
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
