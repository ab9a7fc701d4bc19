"""Losses that compare the order of predictions with the order of targets."""

from typing import Unpack

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from .._call import Axes, Options
from .._call.weights import checked_weights
from .._checks import as_array, dtypes
from .._operator import rank
from .._transport.averages import within
from .._xla import on_any_mesh


def spearman_correlation(
    predictions: ArrayLike, targets: ArrayLike, *, num_targets: int | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes Spearman's correlation of the soft ranks of the predictions with the exact ranks of the targets.

    The ranks of the targets are exact and have no gradient, so only the order of the targets matters. With soft ranks
    on both sides, the spacing of the targets would matter too. With `epsilon=0` the result is that of
    `scipy.stats.spearmanr`, ties included, but 0 where predictions or targets are constant.

    Args:
        predictions: any shape.
        targets: an array of the same shape.
        num_targets: m, the number of points of the uniform target of the soft ranks; n unless given. Integer weights
            count as repetitions if m is their sum.
        **options: see `otsort.Options`.

    Returns:
        Correlations in [-1, 1], in the shape of the predictions without the axis.

    Raises:
        ValueError: the shapes differ, or the lists have only one value.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> x, y = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> correlation = otsort.losses.spearman_correlation
        >>> print(f"{correlation(x, y):.2f} {correlation(x, y, epsilon=0):.2f}")
        0.93 0.90
    """
    return _spearman(predictions, targets, num_targets, options)[0]


def spearman_distance(
    predictions: ArrayLike, targets: ArrayLike, *, num_targets: int | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes 1 - `spearman_correlation`, a loss to minimise.

    Args:
        predictions: any shape.
        targets: an array of the same shape.
        num_targets: see `spearman_correlation`.
        **options: see `otsort.Options`.

    Returns:
        Distances in [0, 2], in the shape of the predictions without the axis; 0 if no value takes part.

    Raises:
        ValueError, TypeError, RuntimeError: see `spearman_correlation`.

    Example:
        >>> x, y = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> print(100 * jax.grad(otsort.losses.spearman_distance)(x, y))
        [ 0.35  3.98 -3.86 -0.2  -0.26]
    """
    correlation, some = _spearman(predictions, targets, num_targets, options)
    return jnp.where(some, 1 - correlation, 0)


def _spearman(
    predictions: ArrayLike, targets: ArrayLike, num_targets: int | None, options: Options
) -> tuple[Float[Array, "..."], Bool[Array, "..."]]:
    """Returns the correlation, and whether any value takes part."""
    predictions, targets = as_array(predictions, "predictions"), as_array(targets, "targets")
    if targets.shape != predictions.shape:
        raise ValueError(f"predictions and targets must have one shape, got {predictions.shape} and {targets.shape}")
    axes = Axes.of(predictions.shape, options.get("axis", -1), "predictions")
    if axes.n == 1:
        raise ValueError(
            f"predictions must hold more than one value along axis {axes.chosen[0]}, got shape {predictions.shape}: "
            "pass axis=0 for a list in a column"
        )
    weights, where, throw = options.get("weights"), options.get("where"), options.get("throw", True)
    ranks = rank(predictions, num_targets=num_targets, **options)
    fine = None if num_targets is None else max(num_targets, axes.n)
    exact = rank(targets, num_targets=fine, epsilon=0, axis=axes.chosen, weights=weights, where=where, throw=throw)
    dtype, _ = dtypes(ranks, "predictions")
    mask = jnp.ones(ranks.shape, bool) if where is None else axes.broadcast(jnp.asarray(where))
    shares = jnp.ones(ranks.shape, dtype)
    if weights is not None:
        shares = axes.broadcast(checked_weights(weights, None if where is None else mask, axes, dtype, throw=throw))

    def agreement(ranks: Array, exact: Array, shares: Array, mask: Array) -> tuple[Array, Array]:
        correlation = _correlation(ranks, exact, jnp.where(mask, shares, 0), axes.chosen)
        return correlation, jnp.any(mask, axis=axes.chosen)

    arrays = ranks.astype(dtype), exact.astype(dtype), shares, mask
    correlation, some = on_any_mesh(agreement, ranks, axes.batch)(*arrays)
    return correlation.astype(ranks.dtype), some


def _correlation(
    u: Float[Array, "..."], v: Float[Array, "..."], weights: Float[Array, "..."], axes: tuple[int, ...]
) -> Float[Array, "..."]:
    """Returns Pearson's correlation; 0 where one of the two lists is constant."""
    total = jnp.sum(weights, axis=axes, keepdims=True)
    weights = weights / jnp.where(total > 0, total, 1)
    u, v = (jnp.where(weights > 0, ranks, 0) for ranks in (u, v))  # ranks without weight may be anything, NaN too
    mean = lambda values: jnp.sum(weights * values, axis=axes, keepdims=True)
    rounding = (8 * jnp.finfo(u.dtype).eps) ** 2 * mean(u**2)
    u, v = u - mean(u), v - mean(v)
    of_u, of_v = mean(u**2), mean(v**2)
    # Numerics: the derivative is divided by the deviation of u, which is zero or a rounding error where predictions are
    # constant. There, the deviation of v takes its place, so the gradient has the usual size if the squash has one.
    spread = jnp.where(of_u > rounding, of_u, of_v) * of_v
    constant = spread == 0
    correlation = jnp.where(constant, 0, mean(u * v) / jnp.sqrt(jnp.where(constant, 1, spread)))
    return jnp.squeeze(within(correlation, -1.0, 1.0), axes)
