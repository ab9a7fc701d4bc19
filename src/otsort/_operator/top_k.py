"""The largest values."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport
from .._transport.target import TargetMeasure, as_k, top_atoms, uniform_atoms
from .sorting import Sorted


def top_k(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The k largest values, largest first as jax.lax.top_k: push of x to k atoms of mass 1/n, `TargetMeasure.top_k`.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        x with its axis of length k, in the units of x. A list in which fewer values take part gives these, then zeros.

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
    return batch.read(_TopK(TargetMeasure.top_k(batch.n, k).astype(batch.dtype), as_k(k, batch.n)))


class _TopK(AbstractReading):
    target: TargetMeasure
    k: int = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " k"]:
        pushed = Sorted(_atoms(one_list, self.target, self.k), descending=True)(one_list, transport)
        return one_list.first(pushed[: self.k], one_list.num_weighted)

    def dims(self, axes: Axes) -> Dims:
        return axes.new


def selection(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "... k n"]:
    """Which values the k largest are: for each of them, largest first, a distribution over x.

    P^T / P^T 1 for the k top atoms of `top_k`, in memory O(n k): `selection(x, k) @ x` is `top_k(x, k)`. It is what
    takes the place of an argsort, whose integers have no derivative: `jnp.argmax(selection(x, k), axis=-1)` are the
    indices, and `selection(x, k) @ values` what they pick. With `epsilon=0` each row is one value, as in
    `jax.lax.top_k`: of equal values the first is taken first. Smooth rows of equal values are equal.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        The shape of x without its axis, then `(k, n)`. Rows sum to 1. A list in which fewer than k values take part has
        so many rows, then zeros.

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
    target: TargetMeasure
    k: int = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "k n"]:
        matrix = transport.untied_plan_to(_atoms(one_list, self.target, self.k), descending=True).as_matrix()
        masses = jnp.swapaxes(matrix, 0, 1)[::-1][: self.k]
        total = jnp.sum(masses, axis=1, keepdims=True)
        return one_list.first(masses / jnp.where(total > 0, total, 1), one_list.num_weighted)

    def dims(self, axes: Axes) -> Dims:
        return (*axes.batch, None, None)


def _atoms(one_list: OneList, target: TargetMeasure, k: int) -> TargetMeasure:
    """The target of a row, of the form of that for the most values."""
    if one_list.weighted is None:
        return target
    atoms = top_atoms(jnp.asarray(one_list.count), k, target.size)
    return eqx.tree_at(lambda target: (target.points, target.weights), target, atoms)


def top_k_mask(x: ArrayLike, k: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """How far each value belongs to the k largest: pull of the indicator of a top atom of mass k/n.

    The target is `TargetMeasure.top_mass`.

    Args:
        x: values, any shape.
        k: how many, a real number above 0 and up to n, for all lists or of the shape of x without its axis. The mask
            has a derivative in it.
        **options: see `Options`.

    Returns:
        Shape of x, in [0, 1]; the sum of n a_i mask_i is k, where n values take part, or n if k is more.

    Raises:
        ValueError: k out of range (RuntimeError when traced), or of another shape.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.top_k_mask(x, 2, epsilon=0.1), otsort.top_k_mask(x, 2.5, epsilon=0))
        [0.   0.11 0.03 0.86 1.  ] [0.  0.5 0.  1.  1. ]
    """
    batch = Batch(x, options)
    message = f"k must be above 0 and at most {batch.n} (the number of values)"
    k = batch.number(k, lambda k: (k > 0) & (k <= batch.n), message)
    return batch.read(_TopMass(uniform_atoms(2, batch.dtype)), numbers=(k,))


class _TopMass(AbstractReading):
    target: TargetMeasure

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " n"]:
        target = top_mass(one_list, self.target, *one_list.numbers)
        return one_list.at_inputs(transport.plan_to(target).pull(target.points))

    def dims(self, axes: Axes) -> Dims:
        return axes.same


def top_mass(one_list: OneList, target: TargetMeasure, k: Float[Array, "*lists"]) -> TargetMeasure:
    """Of two targets, the upper one with the mass of the k largest values of a row."""
    share = jnp.minimum(k[None] / one_list.count, 1)
    return eqx.tree_at(lambda target: target.weights, target, jnp.concatenate([1 - share, share]))
