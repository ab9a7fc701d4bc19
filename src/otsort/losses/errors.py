"""Errors of many examples by their order: one push to two or three atoms, O(n)."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._axes import Axes, Dims
from .._row import AbstractReading, Row, Transport
from .._rows import Options, Rows
from .._target import TargetMeasure, uniform_atoms
from .._types import Scalar


def quantile_error(
    errors: ArrayLike, tau: Scalar, *, t: Scalar = 0.1, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """The tau-quantile of errors by equation (4) of Cuturi et al. (2019): one push to three atoms, O(n).

    With `epsilon=0` it is the mean of the errors between the levels tau (1 - t) and tau (1 - t) + t, which contain tau:
    their quantile at tau + t (1/2 - tau) as t goes to 0, of the method "inverted_cdf" of `numpy.quantile`. Minimise it
    for errors that are bounded below, absolute residuals say; the quantile of signed residuals falls with any shift.
    (`otsort.quantile` centres its atom where numpy's quantile lies.)

    Args:
        errors: any shape.
        tau: level in [0, 1].
        t: mass of the middle atom, in (0, 1]: the share of the errors that is averaged, and has a gradient.
        **options: see `otsort.Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: tau or t out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.losses.quantile_error(errors, 0.5):.2f}")
        4.99
    """
    rows = Rows(errors, options)
    tau = rows.checked(tau, lambda tau: (tau >= 0) & (tau <= 1), "tau must lie in [0, 1]")
    t = rows.checked(t, lambda t: (t > 0) & (t <= 1), "t must lie in (0, 1]")
    return _mean_of_atom(rows, [tau * (1 - t), t, (1 - tau) * (1 - t)])


def trimmed_mean(errors: ArrayLike, low: Scalar, high: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The mean of the errors between two levels: one push to three atoms, O(n).

    Of squared residuals with low = 0 it is the loss of least trimmed squares (Rousseeuw, 1984). With `epsilon=0` an
    error counts by the share of its mass that lies between the levels.

    Args:
        errors: any shape.
        low: level from which errors count, in [0, 1).
        high: level up to which they do, in (low, 1].
        **options: see `otsort.Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: low or high out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> mean = otsort.losses.trimmed_mean
        >>> print(f"{mean(errors, 0, 0.8, epsilon=0.1):.2f} {mean(errors, 0, 0.8, epsilon=0):.2f}")
        4.86 4.50
    """
    rows = Rows(errors, options)
    rising = lambda levels: (levels[0] >= 0) & (levels[0] < levels[1]) & (levels[1] <= 1)
    levels = rows.checked([low, high], rising, "low and high must satisfy 0 <= low < high <= 1")  # pyright: ignore[reportArgumentType]
    return _mean_of_atom(rows, [levels[0], levels[1] - levels[0], 1 - levels[1]])


def expected_shortfall(errors: ArrayLike, alpha: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The mean of the worst share alpha of the errors: one push to two atoms, O(n).

    Also called conditional value at risk (Rockafellar and Uryasev, 2000), there with 1 - alpha as its level. With
    `epsilon=0` the last error counts by the part of its mass that belongs to the share.

    Args:
        errors: any shape.
        alpha: share in (0, 1]; 1 gives the mean.
        **options: see `otsort.Options`.

    Returns:
        The shape of errors without the axis.

    Raises:
        ValueError: alpha out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> worst = otsort.losses.expected_shortfall
        >>> print(f"{worst(errors, 0.4, epsilon=0.1):.2f} {worst(errors, 0.4, epsilon=0):.2f}")
        9.76 10.00
    """
    rows = Rows(errors, options)
    alpha = rows.checked(alpha, lambda alpha: (alpha > 0) & (alpha <= 1), "alpha must lie in (0, 1]")
    return _mean_of_atom(rows, [1 - alpha, alpha])


def _mean_of_atom(rows: Rows, weights: list[Float[Array, ""]]) -> Float[Array, "..."]:
    """What is pushed to the second of some atoms with these weights."""
    target = uniform_atoms(len(weights), rows.dtype)
    return rows.read(_SecondAtom(eqx.tree_at(lambda target: target.weights, target, jnp.stack(weights))))


class _SecondAtom(AbstractReading):
    target: TargetMeasure

    def __call__(self, row: Row, transport: Transport) -> Float[Array, "*lists"]:
        return row.first(transport(self.target).push(row.values)[1:2], 1)[0]

    def dims(self, axes: Axes) -> Dims:
        return axes.batch
