"""Functions that make the ranking metrics of `rax <https://rax.readthedocs.io>`_ smooth.

`rax.ndcg_metric(scores, labels, rank_fn=otsort.ranking.rank_fn(epsilon=1e-2))` has a gradient. So do mean reciprocal
rank and average precision with this `rank_fn`. With `cutoff_fn`, precision, recall and all metrics with a `topn` have a
gradient too. With `epsilon=0` the metrics have the values of rax.

`otsort.metrics.ndcg` works without rax. It gives tied scores the mean of their gains, as scikit-learn does, and its
gradient reaches every score. The metrics of rax break ties by the order of the list, or at random.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias, Unpack

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Shaped

from ._call import Options
from ._operator import rank, top_k_mask

#: A function `(scores, where=None, segments=None, key=None) -> ranks`.
RankFn: TypeAlias = Callable[..., Float[Array, "... n"]]
#: A function `(a, n=None, where=None, segments=None) -> cutoffs`.
CutoffFn: TypeAlias = Callable[..., Float[Array, "... n"]]


def rank_fn(*, num_targets: int | None = None, **options: Unpack[Options]) -> RankFn:
    """Returns a `rank_fn` for rax, which gives the ranks of scores along the last axis, 1 for the largest.

    Each segment is ranked as a separate list. The operators give equal scores their average rank, whereas rax gives
    them distinct ranks: by their order, or at random if there is a key. The difference of these two exact ranks is
    added to the soft ranks, without a gradient; it is zero without ties. Scores that take no part, which include scores
    of minus infinity, come last. Their rank is infinite, so their gains are discounted to zero.

    Args:
        num_targets: m, the number of points of the uniform target; n unless given.
        **options: see `otsort.Options`; rax chooses axis and where.

    Returns:
        A function `(scores, where=None, segments=None, key=None) -> ranks`. All arrays but the key have the shape
        `(..., n)`. Segments are solved as n lists of n values, so memory is quadratic, as in rax.

    Raises:
        ImportError: rax is not installed.
        ValueError, TypeError, RuntimeError: on use, see `otsort.solve`.

    Example:
        >>> import rax
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0]), jnp.array([0.0, 1.0, 2.0])
        >>> ndcg = lambda scores: rax.ndcg_metric(scores, labels, rank_fn=otsort.ranking.rank_fn(epsilon=0.1))
        >>> print(f"{ndcg(scores):.2f}", jax.grad(ndcg)(scores))
        0.79 [-0.01 -0.02  0.03]
    """
    try:
        import rax
    except ImportError as error:
        raise ImportError("otsort.ranking needs the package rax: python -m pip install rax") from error

    descending_rank = functools.partial(rank, descending=True)

    def ranks(
        scores: Float[Array, "... n"],
        where: Bool[Array, "... n"] | None = None,
        segments: Shaped[Array, "... n"] | None = None,
        key: Array | None = None,
    ) -> Float[Array, "... n"]:
        takes_part = _taking_part(scores, where)
        given = {"num_targets": num_targets, **options}
        smooth = _by_segment(descending_rank, scores, takes_part, segments, given)
        average = _by_segment(descending_rank, scores, takes_part, segments, {"epsilon": 0})
        distinct = rax.utils.ranks(scores, where=takes_part, segments=segments, key=key).astype(average.dtype)
        return jnp.where(takes_part, smooth + jax.lax.stop_gradient(distinct - average), jnp.inf)

    return ranks


def cutoff_fn(**options: Unpack[Options]) -> CutoffFn:
    """Returns a `cutoff_fn` for rax, which gives the mask `otsort.top_k_mask` of the n largest along the last axis.

    rax calls it with the negated ranks. The mask is zero for entries that take no part, which include entries of minus
    infinity.

    Args:
        **options: see `otsort.Options`; rax chooses axis and where.

    Returns:
        A function `(a, n=None, where=None, segments=None) -> cutoffs`. The cutoffs lie in [0, 1] and have the shape of
        a; they are ones if n is None.

    Raises:
        ValueError, TypeError, RuntimeError: on use, see `otsort.solve`.

    Example:
        >>> import rax
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0]), jnp.array([0.0, 1.0, 0.0])
        >>> cutoff_fn = otsort.ranking.cutoff_fn(epsilon=0.1)
        >>> print(f"{rax.precision_metric(scores, labels, topn=1, cutoff_fn=cutoff_fn):.2f}")
        0.94
    """

    def cutoffs(
        a: Float[Array, "... n"],
        n: int | None = None,
        where: Bool[Array, "... n"] | None = None,
        segments: Shaped[Array, "... n"] | None = None,
    ) -> Float[Array, "... n"]:
        if n is None:
            return jnp.ones_like(a)
        if n == 0:
            return jnp.zeros_like(a)
        return _by_segment(top_k_mask, a, _taking_part(a, where), segments, {"k": min(n, a.shape[-1]), **options})

    return cutoffs


def _taking_part(scores: Float[Array, "... n"], where: Bool[Array, "... n"] | None) -> Bool[Array, "... n"]:
    ranked = ~jnp.isneginf(scores)
    return ranked if where is None else ranked & where


def _by_segment(
    operator: Callable[..., Array],
    scores: Float[Array, "... n"],
    where: Bool[Array, "... n"],
    segments: Shaped[Array, "... n"] | None,
    options: dict[str, Any],
) -> Float[Array, "... n"]:
    """Returns the answers of an operator along the last axis, with the entries of each segment as a list."""
    if segments is None:
        return operator(scores, axis=-1, where=where, **options)
    together = segments[..., :, None] == segments[..., None, :]
    lists = jnp.broadcast_to(scores[..., None, :], together.shape)
    answers = operator(lists, axis=-1, where=together & where[..., None, :], **options)
    return jnp.diagonal(answers, axis1=-2, axis2=-1)
