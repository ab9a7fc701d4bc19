"""The largest values, their positions, and masks of them."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import (
    AbstractReading,
    Batch,
    OneList,
    Options,
    Transport,
    of_each_value,
    of_new_axis,
    of_rows_of_each_list,
)
from .._transport.target import TargetMeasure, as_k, uniform_atoms
from .._transport.top_target import TopTarget
from .sorting import Sorted


def top_k(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Returns the k largest values, the largest first, as jax.lax.top_k does.

    The answers are the push of x to the k upper points of `TargetMeasure.top_k`, which have the mass 1/n each: the
    average of the values that arrive there.

    Args:
        x: values, any shape.
        k: number of values, between 1 and n.
        **options: see `Options`.

    Returns:
        The largest values, in the units of x. The shape is that of x with length k along the axis. If fewer than k
        values of a list take part, they come first, followed by zeros.

    Raises:
        ValueError: k out of range.
        TypeError: k is traced.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.top_k(x, 2, epsilon=0.1), otsort.top_k(x, 2, epsilon=0))
        [11.    7.76] [12.  8.]
    """
    batch = Batch(x, options)
    return batch.read(_TopK(TopTarget(batch.n, k, batch.dtype)))


class _TopK(AbstractReading):
    target: TopTarget

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " k"]:
        pushed = Sorted(_of_list(one_list, self.target), descending=True)(one_list, transport)
        return one_list.first(pushed[: self.target.k], one_list.num_weighted)

    dims = of_new_axis


def selection(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "... k n"]:
    """Returns, for each of the k largest values, a distribution over the values of x; the largest comes first.

    It is the transposed plan to the k upper targets of `top_k`, with each row divided by its sum. So
    `selection(x, k) @ x` is `top_k(x, k)`. It takes O(n k) memory. Use it in place of an argsort, whose integers have
    no derivative: the indices are `jnp.argmax(selection(x, k), axis=-1)`, and `selection(x, k) @ values` picks other
    values in that order. With `epsilon=0` each row selects one value, as `jax.lax.top_k` does: of equal values, the
    first comes first. At a positive epsilon, equal values of equal weight have equal columns.

    Args:
        x: values, any shape.
        k: number of values, between 1 and n.
        **options: see `Options`.

    Returns:
        The distributions, as rows that sum to 1. The shape is that of x without its axis, followed by `(k, n)`. If
        fewer than k values of a list take part, there is a row for each of them, followed by rows of zeros.

    Raises:
        ValueError: k out of range.
        TypeError: k is traced.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> chosen = otsort.selection(x, 2)
        >>> print(jnp.argmax(chosen, axis=-1), chosen @ x)
        [4 3] [12.  8.]
    """
    batch = Batch(x, options)
    return batch.read(_Selection(TargetMeasure.top_k(batch.n, k).astype(batch.dtype), as_k(k, batch.n)))


class _Selection(AbstractReading):
    target: TargetMeasure  # a `TopTarget` would be compressed, and a compressed plan has no matrix
    k: int = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "k n"]:
        target = self.target
        if one_list.weighted is not None:
            of_list = _of_list(one_list, TopTarget(len(one_list.x), self.k, target.dtype))
            arrays = of_list.points, of_list.weights
            target = eqx.tree_at(lambda target: (target.points, target.weights), target, arrays)
        matrix = transport.untied_plan_to(target, descending=True).as_matrix()
        masses = jnp.swapaxes(matrix, 0, 1)[::-1][: self.k]
        total = jnp.sum(masses, axis=1, keepdims=True)
        return one_list.first(masses / jnp.where(total > 0, total, 1), one_list.num_weighted)

    dims = of_rows_of_each_list


def _of_list(one_list: OneList, target: TopTarget) -> TopTarget:
    """Returns the target for the values of a list that have weight."""
    if one_list.weighted is None:
        return target
    return TopTarget(target.n, target.k, target.dtype, jnp.asarray(one_list.count)[0])


def top_k_mask(x: ArrayLike, k: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Returns a soft mask of the k largest values: a number between 0 and 1 for each value.

    The number says how far the value belongs to the k largest. It is the share of the value that the plan sends to the
    upper point of `TargetMeasure.top_mass`, which has the mass k/n.

    Args:
        x: values, any shape.
        k: number of values, a real number above 0 and up to n: one for all lists, or an array of the shape of x without
            its axis. The mask has a derivative in k.
        **options: see `Options`.

    Returns:
        The mask, in [0, 1] and the shape of x. Without weights, its sum is k. With weights a_i that sum to 1, the sum
        of n a_i mask_i is k, with n the number of values that take part; it is n if k is larger.

    Raises:
        ValueError: k is out of range (RuntimeError when traced), or has another shape.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.top_k_mask(x, 2, epsilon=0.1), otsort.top_k_mask(x, 2.5, epsilon=0))
        [0.   0.11 0.03 0.86 1.  ] [0.  0.5 0.  1.  1. ]
    """
    batch = Batch(x, options)
    allowed = f"must be above 0 and at most {batch.n} (the number of values)"
    k = batch.number(k, lambda k: (k > 0) & (k <= batch.n), "k", allowed)
    return batch.read(_TopMass(uniform_atoms(2, batch.dtype)), numbers=(k,))


class _TopMass(AbstractReading):
    target: TargetMeasure

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " n"]:
        target = top_mass(one_list, self.target, *one_list.numbers)
        return one_list.at_inputs(transport.plan_to(target).pull(target.points))

    dims = of_each_value


def top_mass(one_list: OneList, target: TargetMeasure, k: Float[Array, "*lists"]) -> TargetMeasure:
    """Returns a target with two points, the upper of which has the mass of the k largest values of a list."""
    share = jnp.minimum(k[None] / one_list.count, 1)
    return eqx.tree_at(lambda target: target.weights, target, jnp.concatenate([1 - share, share]))
