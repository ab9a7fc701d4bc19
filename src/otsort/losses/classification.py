"""Classification losses, from the place of the label's logit among all logits."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, OneList, Options, Transport, of_each_list
from .._call.closure import opened_elementwise
from .._call.options import with_epsilon_of_masks
from .._checks import as_array, as_callable, as_indices, dtypes
from .._operator.top_k import top_mass
from .._transport.target import AbstractTarget, TargetMeasure, uniform_atoms
from .._types import Scalar
from .._xla import with_axes


def top_k_error(
    logits: ArrayLike,
    labels: ArrayLike,
    k: Scalar = 1,
    *,
    penalty: Callable[[Array], Array] = jax.nn.relu,
    num_targets: int | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Computes how far the label is from being among the k largest logits, as a share of the L classes.

    This is the S-top-k loss of Cuturi et al. (2019), section 4: max(u - (k - 1) / L, 0) with u = 1 - F, where F is the
    cdf of the logits at the logit of the label. With `epsilon=0`, the loss of a label with the p-th largest logit is
    max(p - k, 0) / L. It is zero exactly when the label is among the k largest. The paper's J_k leaves a margin of one
    place, so it is `top_k_error(logits, labels, k + 1)`. The soft 0/1 loss in the tutorial of `ott.tools.soft_sort` is
    `L * top_k_error(logits, labels)`.

    Args:
        logits: any shape; classes along the axis.
        labels: the true classes, integers from 0 to L - 1 in the shape of the logits without the axis; any other
            integer gives NaN. (With several axes, they are flat indices in the order of the array.) Alternatively,
            weights of the shape of the logits: u is then the weighted sum of 1 - F.
        k: number of the largest logits that have no loss, between 1 and L: one number for all examples, or an array of
            the shape of the answer.
        penalty: an increasing elementwise function of u - (k - 1) / L; the positive part unless given.
        num_targets: m, the number of points of the uniform target of the cdf; L unless given.
        **options: see `otsort.Options`.

    Returns:
        The losses, in the shape of the logits without the axis.

    Raises:
        ValueError: k is out of range (RuntimeError when traced); labels have another shape, or are neither integers nor
            weights.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> logits = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> error = otsort.losses.top_k_error
        >>> print(f"{error(logits, 1):.2f} {error(logits, 1, epsilon=0):.2f} {error(logits, 1, k=3, epsilon=0):.2f}")
        0.43 0.40 0.00
    """
    batch = _with_labels(logits, labels, options)
    allowed = f"must lie between 1 and {batch.n} (the number of classes)"
    k = batch.number(k, lambda k: (k >= 1) & (k <= batch.n), "k", allowed)
    penalty = opened_elementwise(as_callable(penalty, "penalty", "jax.nn.relu"), batch.dtype)
    return batch.read(_TopKError(batch.target(num_targets, None), penalty), numbers=(k,))


class _TopKError(AbstractReading):
    target: AbstractTarget | None
    penalty: Callable[[Array], Array]

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        labels = one_list.at_inputs(one_list.values)
        (k,) = one_list.numbers
        levels = transport.plan_to(one_list.target_per_weighted_value(self.target)).level(1.0)
        above = jnp.sum(labels * (1 - levels), axis=0, keepdims=True)
        losses = self.penalty(above - (k - 1)[None] / one_list.count)
        return jnp.where(jnp.all(labels == 0, axis=0, keepdims=True), 0, losses)[0]

    dims = of_each_list


def top_k_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, k: Scalar | Sequence[float] = 1, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes the top-k cross-entropy: -log of the membership of the label in the k largest logits.

    This is the loss of Petersen et al. (2022), but the membership is that of `otsort.top_k_mask` and not of a sorting
    network. It is used for k = 1 too, where they use the softmax. For a distribution over k, the loss uses the mean of
    the memberships. The logarithm comes from the plan, so loss and gradient are exact in float32 even where the
    membership underflows. With `epsilon=0` the loss is 0 for a label among the k largest and infinite for any other,
    without gradient. For a distribution over k, it is then -log of the probability that k is large enough for the
    label.

    Args:
        logits: any shape; L classes along the axis.
        labels: integers as in `top_k_error`. Alternatively, weights of the shape of the logits, for example multi-hot:
            the loss is then the weighted sum over classes, as in `optax.softmax_cross_entropy`.
        k: a number above 0 and up to L: one for all examples, or an array of the shape of the answer. The loss has a
            derivative in it. Alternatively, a Python list or tuple of the probabilities of k = 1, 2, ..., at most L of
            them, known and not traced.
        **options: see `otsort.Options`. Unless epsilon or solver is given, epsilon is 0.1, because networks train worse
            at the operators' default of 0.01: :doc:`/how_to/losses` has the measurement.

    Returns:
        The losses, in the shape of the logits without the axis.

    Raises:
        ValueError: k is out of range (RuntimeError when traced); probabilities are negative or do not sum to 1; labels
            have another shape, or are neither integers nor weights.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> logits = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.losses.top_k_cross_entropy(logits, 1, k=2):.2f}")
        2.23
    """
    batch = _with_labels(logits, labels, with_epsilon_of_masks(options))
    ks, shares = _distribution(k, batch)
    return batch.read(_CrossEntropy(uniform_atoms(2, batch.dtype), shares), numbers=ks)


class _CrossEntropy(AbstractReading):
    target: TargetMeasure
    shares: Float[Array, " k"]  # the probabilities of the k that are the numbers of the list

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        log_mask = lambda k: transport.plan_to(top_mass(one_list, self.target, k)).log_upper()
        logs = jax.vmap(log_mask)(jnp.stack(one_list.numbers))
        log = jax.nn.logsumexp(logs, axis=0, b=with_axes(self.shares, 1 + one_list.x.ndim))
        labels = one_list.at_inputs(one_list.values)
        return jnp.sum(labels * jnp.where(labels == 0, 0, -log), axis=0)

    dims = of_each_list


def _distribution(
    k: Scalar | Sequence[float], batch: Batch
) -> tuple[tuple[Float[Array, "..."], ...], Float[Array, " k"]]:
    """Returns the values of k that have positive probability, and their probabilities.

    Raises:
        ValueError: k is out of range (RuntimeError when traced), or not a list of probabilities.
    """
    if not isinstance(k, list | tuple):
        number: Any = k
        allowed = f"must be above 0 and at most {batch.n} (the number of classes)"
        return (batch.number(number, lambda k: (k > 0) & (k <= batch.n), "k", allowed),), jnp.ones(1, batch.dtype)
    given = np.asarray(k, float)
    if given.ndim > 1 or not 1 <= given.size <= batch.n or np.any(given < 0) or not np.isclose(given.sum(), 1):
        raise ValueError(f"k must be a number, or at most {batch.n} probabilities that sum to 1, got {k}")
    (places,) = np.nonzero(given)
    return tuple(jnp.asarray(place + 1, batch.dtype) for place in places), jnp.asarray(given[places], batch.dtype)


def _with_labels(logits: ArrayLike, labels: ArrayLike, options: Options) -> Batch:
    """Returns a batch of logits, with the labels as weights of the classes.

    Raises:
        ValueError: labels are neither integers in the shape without the axis, nor weights of the shape of the logits.
    """
    logits, labels = as_array(logits, "logits"), as_array(labels, "labels")
    axes, dtype = Axes.of(logits.shape, options.get("axis", -1), "logits"), dtypes(logits, "logits")[1]
    if labels.shape == axes.shape:
        return Batch(logits, options, labels.astype(dtype), name="logits")
    if labels.shape != axes.batch_shape or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"labels must be integers of shape {axes.batch_shape}, or weights of the logits' shape, {axes.shape}; got "
            f"{labels.dtype} of shape {labels.shape}"
        )
    indices = as_indices(labels, axes.n, "labels")
    classes = jnp.where((indices < 0)[..., None], jnp.nan, jax.nn.one_hot(indices, axes.n, dtype=dtype))
    classes = classes.reshape(*axes.batch_shape, *axes.lengths)
    return Batch(
        logits, options, jnp.moveaxis(classes, range(len(axes.shape)), axes.batch + axes.chosen), name="logits"
    )
