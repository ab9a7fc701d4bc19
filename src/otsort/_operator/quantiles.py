"""Quantiles, each of which is read from a plan with three targets."""

from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport
from .._transport.averages import rising
from .._transport.target import TargetMeasure, atom_weights, uniform_atoms
from .._types import Scalar


def quantile(
    x: ArrayLike, q: ArrayLike, *, width: Scalar | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Returns quantiles of x at the levels q.

    Each quantile is read from a problem of its own with three targets, so it does not depend on the other levels. The
    middle target has the mass min(width, 2 c, 2 (1 - c)), centred at the level c = q + (1/2 - q)/n. With `epsilon=0`,
    uniform weights and the default width, the result is numpy's linear quantile. (Equation (4) of Cuturi et al. is
    `TargetMeasure.quantile`, which has another centre.)

    Args:
        x: values, any shape.
        q: levels in [0, 1], any shape, any order.
        width: mass of the middle target, in (0, 1]; 1/n unless given, with n the number of values that take part. A
            larger width averages more values.
        **options: see `Options`.

    Returns:
        The shape of q, then that of x without its axis; in the units of x.

    Raises:
        ValueError: q or width out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> q = jnp.array([0.25, 0.4])
        >>> print(otsort.quantile(x, q), otsort.quantile(x, q, epsilon=0))
        [4.04 4.6 ] [4.  4.6]
    """
    batch = Batch(x, options)
    q = batch.checked(q, lambda q: (q >= 0) & (q <= 1), "q must be levels in [0, 1]")
    if width is not None:
        width = batch.scalar(width, lambda width: (width > 0) & (width <= 1), "width must lie in (0, 1]")
    return batch.read(_Quantiles(uniform_atoms(3, batch.dtype), q, width))


class _Quantiles(AbstractReading):
    target: TargetMeasure
    q: Float[Array, "*q"]
    width: Float[Array, ""] | None

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*q"]:
        width = 1 / one_list.count if self.width is None else self.width

        def one(q: Float[Array, ""]) -> Float[Array, "*lists"]:
            weights = atom_weights(q, width, one_list.count)
            weights = weights.reshape(3, *one_list.x.shape[1:] if one_list.weighted is not None else ())
            plan = transport.plan_to(eqx.tree_at(lambda target: target.weights, self.target, weights))
            return plan.push(one_list.values)[1]

        if self.q.size == 0:
            return jnp.zeros((*self.q.shape, *one_list.x.shape[1:]), one_list.values.dtype)
        levels = self.q.ravel()
        answers = _increasing(jax.vmap(one)(levels), levels)
        return one_list.first(answers, len(answers)).reshape(*self.q.shape, *answers.shape[1:])

    def dims(self, axes: Axes) -> Dims:
        return (None,) * self.q.ndim + axes.batch


def _increasing(answers: Float[Array, "q *lists"], levels: Float[Array, " q"]) -> Float[Array, "q *lists"]:
    """Returns quantiles without the decreases that only rounding caused where the level rises."""
    if len(levels) == 1:
        return answers
    order = jnp.argsort(levels)
    return jnp.zeros_like(answers).at[order].set(rising(answers[order]), unique_indices=True)


def median(x: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Returns the median, `quantile(x, 0.5)`.

    Args:
        x: values, any shape.
        **options: see `Options`.

    Returns:
        x without its axis, in its units.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.median(x):.2f} {otsort.median(x, epsilon=0):.2f}")
        4.96 5.00
    """
    return quantile(x, 0.5, **options)
