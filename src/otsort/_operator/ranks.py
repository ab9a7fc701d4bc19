"""Ranks and values of the cumulative distribution function."""

from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport
from .._transport.averages import with_value
from .._transport.target import AbstractTarget


def cdf(
    x: ArrayLike,
    *,
    at: ArrayLike | None = None,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns the cumulative distribution function of x, evaluated at the values of x or at others.

    Each answer is the pull of the cumulative weights of the target: their average over the points that the value is
    sent to. This is the K-CDF (`epsilon=0`) or S-CDF of Cuturi et al. (2019), Definitions 1 and 2.

    Args:
        x: values, any shape.
        at: other values, at which the function is evaluated instead. They are either one list for the whole batch,
            shape `(k,)`, or an array of the shape of x with any length k along the axis. (Of several axes, the first
            has the length k and the others are dropped.) The plan of x transports these values as it transports those
            of x. The squash maps them with the scale and offset of x.
        num_targets: m, the number of points of the uniform target; the number of values with weight unless given. The
            results have the resolution 1/m.
        target: a target to use instead of a uniform one.
        **options: see `Options`.

    Returns:
        Levels in [0, 1], in the shape of x; with `at`, the axis has the length k.

    Raises:
        ValueError: `at` has another shape.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.cdf(x))
        [0.2  0.57 0.43 0.8  1.  ]
        >>> print(otsort.cdf(x, at=jnp.array([0.0, 4.5])))
        [0.2 0.5]
    """
    batch = Batch(x, options, others={"at": at})
    return batch.read(_Level(batch.target(num_targets, target), at is not None), at=at)


class _Level(AbstractReading):
    target: AbstractTarget | None
    of_others: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " k"]:
        return _masked(one_list, _level(transport, one_list.target_per_weighted_value(self.target), 1.0))

    def dims(self, axes: Axes) -> Dims:
        return axes.new if self.of_others else axes.same


def rank(
    x: ArrayLike,
    *,
    at: ArrayLike | None = None,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns the rank of each value: 1 for the smallest of n values, n for the largest.

    Ties share their average rank. With `epsilon=0` the ranks are those of scipy.stats.rankdata. In general a rank is
    1/2 + n * pull(cumsum b - b/2), with b the weights of the target. This is n times the level of Cuturi et al. (2019),
    Definitions 1 and 2, counted to the middle of the mass of each target, plus 1/2. For a uniform target with m = n
    points, it is n * cdf(x). The weighted mean of the ranks is (n + 1)/2.

    Args:
        x: values, any shape.
        at: other values, whose ranks among the values of x are returned instead; see `cdf`.
        num_targets: m, the number of points of the uniform target; n unless given.
        target: a target to use instead of a uniform one.
        descending: whether ranks are counted from the largest value, as n + 1 - rank.
        **options: see `Options`.

    Returns:
        The ranks, in the shape of x; with `at`, the axis has the length k.

    Raises:
        ValueError: `at` has another shape.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x), otsort.rank(x, epsilon=0))
        [1.02 2.84 2.15 4.   4.99] [1. 3. 2. 4. 5.]
        >>> print(jax.grad(lambda x: otsort.rank(x)[1])(x))
        [ 0.01  0.24 -0.22 -0.02 -0.02]
    """
    batch = Batch(x, options, others={"at": at})
    return batch.read(_Rank(batch.target(num_targets, target), at is not None, descending), at=at)


def exact_ranks(y: ArrayLike, options: Options) -> Float[Array, "..."]:
    """Returns the exact ranks of y, along the axis and with the mask that the options give.

    Equal values have equal ranks. All other values have different ranks, even if they differ only in digits that the
    dtype of the computation cannot hold.
    """
    axis, where, throw = options.get("axis", -1), options.get("where"), options.get("throw", True)
    return rank(y, epsilon=0, axis=axis, where=where, throw=throw)


class _Rank(AbstractReading):
    target: AbstractTarget | None
    of_others: bool = eqx.field(static=True)
    descending: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " k"]:
        target = one_list.target_per_weighted_value(self.target)
        if transport.solver.order_only and self.target is None and not self.of_others:
            # The mean place of a value is its rank. Where the weights allow it, places are counted.
            places = jnp.arange(1, target.size + 1, dtype=one_list.x.dtype)
            ranks = transport.plan_to(target).pull(places)
            ranks = with_value(_counted(transport.keys, transport.weights, ranks), ranks)
        else:
            ranks = 0.5 + one_list.count * _level(transport, target, 0.5)
        return _masked(one_list, one_list.count + 1 - ranks if self.descending else ranks)

    def dims(self, axes: Axes) -> Dims:
        return axes.new if self.of_others else axes.same


def _counted(keys: Array, weights: Float[Array, " n"], ranks: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns exact ranks by counting if all values with weight have the same weight; otherwise the given ranks.

    Numerics: counts are whole numbers. The rank of equal values is the mean of the first and the last of their places,
    so it is a whole or a half number. A mean of all of their places would be rounded.

    XLA: the exact solver sorts the same keys, and the compiler keeps one of the two sorts.

    Args:
        keys: of the values, in whose order they are counted.
        weights: of the values.
        ranks: as means of places. Values without weight keep them, and so do lists that hold NaN.
    """
    order = jnp.argsort(keys)
    keys, weighted = keys[order], (weights[order] > 0).astype(jnp.int32)
    place = jnp.cumsum(weighted)
    changes, edge = keys[1:] != keys[:-1], jnp.ones(1, bool)
    first = jax.lax.cummax(jnp.where(jnp.concatenate([edge, changes]), place - weighted + 1, 0))
    last = jax.lax.cummin(jnp.where(jnp.concatenate([changes, edge]), place, len(keys)), reverse=True)
    counted = jnp.zeros_like(ranks).at[order].set((first + last).astype(ranks.dtype) / 2)
    equal = jnp.min(jnp.where(weights > 0, weights, jnp.inf)) == jnp.max(weights)
    return jnp.where(equal & (weights > 0) & ~jnp.isnan(ranks), counted, ranks)


def _level(transport: Transport, target: AbstractTarget, share: float) -> Float[Array, " k"]:
    """Returns the levels of the values of a list, or of the other values that are placed among them."""
    plan, at = transport.plan_to(target), transport.at
    if at is None:
        return plan.level(share)
    # Numerics: NaN among the other values has no level, and would make the derivatives of the others NaN.
    missing = jnp.isnan(at)
    return jnp.where(missing, jnp.nan, plan.level(share, jnp.where(missing, 0, at)))


def _masked(one_list: OneList, answers: Float[Array, " k"]) -> Float[Array, " k"]:
    """Returns the answers, with zeros where no value takes part."""
    return one_list.at_inputs(answers) if one_list.at is None else one_list.first(answers, len(answers))
