"""Metrics of scores for graded relevance."""

from typing import Unpack

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_list
from .._checks import as_array, as_size
from .._transport.averages import within
from .._transport.target import AbstractTarget
from .._xla import quotient, with_axes
from ._inputs import answer_dtype, carried, check_unweighted


def ndcg(
    scores: ArrayLike, relevance: ArrayLike, *, k: int | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes the normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002).

    The gains are sorted by the scores, as in `otsort.sort_by`. The gain at the p-th place is multiplied by 1 / log2(1 +
    p). The sum over all places is divided by the sum for the best order. So tied scores share the mean of their gains,
    and the gradient reaches every score. With `epsilon=0` it is `sklearn.metrics.ndcg_score`, ties included.

    Args:
        scores: any shape.
        relevance: the gains, finite and nonnegative, of the same shape. Pass `2.0**grade - 1` for exponential gains.
            Gains of scores that take no part may be anything.
        k: the number of places that count, from the highest score; all unless given.
        **options: see `otsort.Options`, without weights.

    Returns:
        Numbers in [0, 1], in the shape of the scores without the axis; 0 if all relevance is 0, as in scikit-learn.

    Raises:
        ValueError: relevance has another shape, or is negative or not finite (RuntimeError when traced); k is below 1.
        TypeError: weights are given, or k is traced.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> scores, relevance = jnp.array([1.0, 5.0, 4.0, 8.0]), jnp.array([0.0, 2.0, 3.0, 1.0])
        >>> ndcg = otsort.metrics.ndcg
        >>> print(f"{ndcg(scores, relevance):.2f} {ndcg(scores, relevance, epsilon=0):.2f}")
        0.79 0.79
        >>> print(100 * jax.grad(ndcg)(scores, relevance))
        [-0.05 -0.29  0.3   0.04]
    """
    check_unweighted(options, "ndcg")
    scores = as_array(scores, "scores")
    is_gain = lambda gain: (gain >= 0) & (gain < jnp.inf)
    gains = carried(scores, relevance, "relevance", is_gain, "finite and nonnegative where it takes part", options)
    batch = Batch(scores, options, gains, name="scores")
    last = batch.n if k is None else as_size(k, "k")
    answer = batch.read(_Ndcg(None), numbers=(jnp.asarray(last, batch.dtype),))
    return answer.astype(answer_dtype(scores))


class _Ndcg(AbstractReading):
    target: AbstractTarget | None

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        (last,) = one_list.numbers
        gains = one_list.at_inputs(one_list.values)
        placed = transport.plan_to(one_list.target_per_value(None)).push(gains)
        placed = one_list.at_targets(one_list.turned(placed, None), None)
        places = with_axes(jnp.arange(1, 1 + len(gains), dtype=gains.dtype), gains.ndim)
        discount = jnp.where(places <= last[None], 1 / jnp.log2(1 + places), 0)
        # Numerics: gains are counted in units of the largest, so that no sum overflows.
        largest = jnp.max(gains, axis=0, keepdims=True)
        unit = jnp.where(largest > 0, largest, 1)
        found, best = (
            jnp.sum(discount * quotient(gains, unit), axis=0) for gains in (placed, jnp.sort(gains, axis=0)[::-1])
        )
        return within(found / jnp.where(best > 0, best, 1), 0.0, 1.0)

    dims = of_each_list
