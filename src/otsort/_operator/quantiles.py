"""Quantiles, each from three targets."""

from typing import Unpack

import equinox as eqx
import jax
from jaxtyping import Array, ArrayLike, Float

from .._rows import AbstractReading, Axes, Dims, Options, Rows, Transport
from .._target import TargetMeasure, atom_weights
from .._types import Scalar


def quantile(
    x: ArrayLike, q: ArrayLike, *, width: Scalar | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Quantiles, each from a problem of its own with three targets: the q-th value does not depend on the other q.

    The middle target is an atom of mass min(width, 2 c, 2 (1 - c)) centred at level c = q + (1/2 - q)/n. With
    `epsilon=0`, uniform weights and the default width this is numpy's linear quantile. (Equation (4) of Cuturi et al.
    is `TargetMeasure.quantile`, centred elsewhere.)

    Args:
        x: values, any shape.
        q: levels in [0, 1], any shape, any order.
        width: mass of the atom, in (0, 1]; 1/n unless given. A wider one averages more values.
        **options: see `Options`.

    Returns:
        The shape of q, then that of x without its axis.

    Raises:
        ValueError: q or width out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    width = 1 / rows.n if width is None else width
    q = rows.checked(q, lambda q: (q >= 0) & (q <= 1), "quantile levels q must lie in [0, 1]")
    width = rows.checked(width, lambda w: (w > 0) & (w <= 1), "the width of a quantile's atom must lie in (0, 1]")
    return rows.read(_Quantiles(TargetMeasure.uniform(3).astype(rows.dtype), q, width))


class _Quantiles(AbstractReading):
    target: TargetMeasure
    q: Float[Array, "*q"]
    width: Float[Array, ""]

    def __call__(self, transport: Transport, values: Float[Array, " n"]) -> Float[Array, "*q"]:
        def one(q: Float[Array, ""]) -> Float[Array, "*lists"]:
            weights = atom_weights(q, self.width, len(values))
            return transport(eqx.tree_at(lambda target: target.weights, self.target, weights)).push(values)[1]

        answers = jax.vmap(one)(self.q.ravel())
        return answers.reshape(*self.q.shape, *answers.shape[1:])

    def dims(self, axes: Axes) -> Dims:
        return (None,) * self.q.ndim + axes.batch


def median(x: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """`quantile(x, 0.5)`: x without its axis."""
    return quantile(x, 0.5, **options)
