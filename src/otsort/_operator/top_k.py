"""The largest values."""

from typing import Unpack

import equinox as eqx
from jaxtyping import Array, ArrayLike, Float

from .._rows import AbstractReading, Axes, Dims, Options, Rows, Transport
from .._target import TargetMeasure
from .sorting import Sorted


def top_k(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The k largest values, largest first as jax.lax.top_k: push of x to k atoms of mass 1/n.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        x with its axis of length k.

    Raises:
        ValueError: k out of range.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.read(_TopK(TargetMeasure.top_k(rows.n, k).astype(rows.dtype), k))


class _TopK(AbstractReading):
    target: TargetMeasure
    k: int = eqx.field(static=True)

    def __call__(self, transport: Transport, values: Float[Array, " n"]) -> Float[Array, " k"]:
        return Sorted(self.target, descending=True)(transport, values)[: self.k]

    def dims(self, axes: Axes) -> Dims:
        return axes.new


def top_k_mask(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """How far each value belongs to the k largest: pull of the indicator of a top atom of mass k/n.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        Shape of x, in [0, 1]; the sum of n a_i mask_i is k.

    Raises:
        ValueError: k out of range.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.read(_TopMass(TargetMeasure.top_mass(rows.n, k).astype(rows.dtype)))


class _TopMass(AbstractReading):
    target: TargetMeasure

    def __call__(self, transport: Transport, values: Float[Array, " n"]) -> Float[Array, " n"]:
        return transport(self.target).pull(self.target.points)

    def dims(self, axes: Axes) -> Dims:
        return axes.same
