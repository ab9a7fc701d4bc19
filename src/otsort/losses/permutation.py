"""The cross-entropy of a soft permutation."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_list
from .._checks import as_array, dtypes
from .._operator.ranks import exact_ranks
from .._transport.target import TargetMeasure
from .._xla import with_axes


def permutation_cross_entropy(scores: ArrayLike, ranks: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes the cross-entropy between the true permutation and the soft permutation of the scores.

    The loss is the mean, over the scores, of -log of the share that the plan sends to the true place. Grover et al.
    (2019) learn to sort with it. The logarithm is computed without the share, which may underflow. So loss and gradient
    are finite and useful in float32, however far apart finite scores are. With `epsilon=0` and without ties, the loss
    is 0 if the scores are in the true order and infinite otherwise, and has no gradient. It takes O(n^2) memory and
    O(n^3) time.

    Args:
        scores: any shape.
        ranks: the true ranks, 1 for the smallest, of the same shape. Any numbers are accepted, because only their order
            counts. If t ranks are tied, the true permutation gives each of these scores a share of 1/t at each of the t
            places.
        **options: see `otsort.Options`, without weights.

    Returns:
        Nonnegative losses, in the shape of the scores without the axis; 0 if no score takes part.

    Raises:
        ValueError: the shapes differ.
        TypeError: weights are given.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> scores, ranks = jnp.array([1.0, 5.0, 4.0]), jnp.array([1, 2, 3])
        >>> entropy = otsort.losses.permutation_cross_entropy
        >>> print(f"{entropy(scores, ranks, epsilon=0.1):.2f}", jax.grad(entropy)(scores, ranks, epsilon=0.1))
        0.79 [ 0.09  0.26 -0.34]
    """
    if options.get("weights") is not None:
        raise TypeError("permutation_cross_entropy takes no weights: use where= to leave scores out")
    scores, ranks = as_array(scores, "scores"), as_array(ranks, "ranks")
    if ranks.shape != scores.shape:
        raise ValueError(f"scores and ranks must have one shape, got {scores.shape} and {ranks.shape}")
    batch = Batch(scores, options, exact_ranks(ranks, options), name="scores")
    target = TargetMeasure.uniform(batch.n).astype(batch.dtype)
    return batch.read(_Entropy(target)).astype(dtypes(scores, "scores")[1])


class _Entropy(AbstractReading):
    target: TargetMeasure  # a `UniformTarget` would be compressed, and a compressed plan has no matrix

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        target = self.target
        if one_list.where is not None:
            uniform = one_list.target_per_value(None)
            arrays = uniform.points, uniform.weights
            target = eqx.tree_at(lambda target: (target.points, target.weights), target, arrays)
        # Numerics: where a wide gap separates the scores, rounding leaves the potential undetermined. This hardly
        # changes the loss: its derivative in the potential is the difference between the column sums of the plan and
        # those of the true permutation, which are equal.
        log_shares = transport.plan_to(target).log_shares()
        ranks = one_list.values
        others = ranks if one_list.where is None else jnp.where(one_list.where, ranks, jnp.inf)
        first, tied = (
            jnp.sum(compared, axis=1, dtype=ranks.dtype)[:, None]
            for compared in (others[None] < ranks[:, None], others[None] == ranks[:, None])
        )
        places = with_axes(jnp.arange(len(ranks), dtype=ranks.dtype), ranks.ndim)[None]
        true = (places >= first) & (places < first + tied)
        losses = jnp.sum(jnp.where(true, -log_shares, 0) / jnp.maximum(tied, 1), axis=1)
        losses = jnp.where(jnp.isnan(ranks), jnp.nan, losses)
        return jnp.sum(one_list.weights * one_list.at_inputs(losses), axis=0)

    dims = of_each_list
