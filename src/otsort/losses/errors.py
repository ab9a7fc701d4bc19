"""Losses from the order of the errors of many examples. Each is one push to two or three targets."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_list
from .._transport.atoms import atom_weights, linear_centre
from .._transport.target import TargetMeasure, uniform_atoms
from .._types import Scalar


def quantile_error(
    errors: ArrayLike, tau: Scalar, *, t: Scalar = 0.1, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes the tau-quantile of errors as the mean of the errors around it.

    The loss is read from a transport plan to three targets, in O(n) time; exact operators and solvers for short lists
    also sort. The middle target has the mass t, or less near the ends, and the same centre as in `otsort.quantile`.
    With `epsilon=0` the loss is the mean of the errors between the levels c - t/2 and c + t/2, with c = tau + (1/2 -
    tau)/n. Minimise it for errors that are bounded below, such as absolute residuals. With signed residuals, a model
    could lower the loss by shifting all predictions. In equation (4) of Cuturi et al. (2019), the middle target is
    centred at tau + t (1/2 - tau). That loss is `sort(errors, target=TargetMeasure.quantile(tau, t))[..., 1]`.

    Args:
        errors: any shape.
        tau: quantile level in [0, 1]: one number for all lists, or an array of the shape of the answer.
        t: mass of the middle target, in (0, 1]: one number for all lists, or an array of the shape of the answer. It is
            the share of the errors that is averaged and has a gradient.
        **options: see `otsort.Options`.

    Returns:
        The losses, in the shape of errors without the axis.

    Raises:
        ValueError: tau or t out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.losses.quantile_error(errors, 0.5):.2f}")
        4.99
    """
    batch = Batch(errors, options, name="errors")
    tau = batch.number(tau, lambda tau: (tau >= 0) & (tau <= 1), "tau", "must lie in [0, 1]")
    t = batch.number(t, lambda t: (t > 0) & (t <= 1), "t", "must lie in (0, 1]")
    return batch.read(_AroundLevel(uniform_atoms(3, batch.dtype)), numbers=(tau, t))


class _AroundLevel(AbstractReading):
    target: TargetMeasure

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        level, width = one_list.numbers
        centre = linear_centre(level[None], one_list.count)
        return _of_second(one_list, transport, self.target, atom_weights(centre, width[None]))

    dims = of_each_list


def trimmed_mean(errors: ArrayLike, low: Scalar, high: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes the mean of the errors between two quantile levels.

    The loss is read from a transport plan to three targets, in O(n) time; exact operators and solvers for short lists
    also sort. For squared residuals and low = 0 it is the loss of least trimmed squares (Rousseeuw, 1984). With
    `epsilon=0` the weight of an error is the part of its mass that lies between the levels.

    Args:
        errors: any shape.
        low: level from which errors count, in [0, 1): one number for all lists, or an array of the shape of the answer.
        high: level up to which errors count, in (low, 1]: one number for all lists, or an array of the shape of the
            answer.
        **options: see `otsort.Options`.

    Returns:
        The losses, in the shape of errors without the axis.

    Raises:
        ValueError: low or high out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> mean = otsort.losses.trimmed_mean
        >>> print(f"{mean(errors, 0, 0.8, epsilon=0.1):.2f} {mean(errors, 0, 0.8, epsilon=0):.2f}")
        4.86 4.50
    """
    batch = Batch(errors, options, name="errors")
    low = batch.number(low, lambda low: (low >= 0) & (low < 1), "low", "must lie in [0, 1)")
    high = batch.number(high, lambda high: (high > low) & (high <= 1), "high", "must lie above low and up to 1")
    return batch.read(_BetweenLevels(uniform_atoms(3, batch.dtype)), numbers=(low, high))


class _BetweenLevels(AbstractReading):
    target: TargetMeasure

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        low, high = one_list.numbers
        return _of_second(one_list, transport, self.target, jnp.stack([low, high - low, 1 - high]))

    dims = of_each_list


def expected_shortfall(errors: ArrayLike, alpha: Scalar, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes the mean of the largest errors; alpha is their share of all errors.

    The loss is read from a transport plan to two targets, in O(n) time; exact operators and solvers for short lists
    also sort. It is also called the conditional value at risk at the level 1 - alpha (Rockafellar and Uryasev, 2000).
    With `epsilon=0`, the smallest of these errors may belong to the share only in part. It then counts with that part
    of its weight.

    Args:
        errors: any shape.
        alpha: share in (0, 1]: one number for all lists, or an array of the shape of the answer; 1 gives the mean.
        **options: see `otsort.Options`.

    Returns:
        The losses, in the shape of errors without the axis.

    Raises:
        ValueError: alpha out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> errors = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> worst = otsort.losses.expected_shortfall
        >>> print(f"{worst(errors, 0.4, epsilon=0.1):.2f} {worst(errors, 0.4, epsilon=0):.2f}")
        9.76 10.00
    """
    batch = Batch(errors, options, name="errors")
    alpha = batch.number(alpha, lambda alpha: (alpha > 0) & (alpha <= 1), "alpha", "must lie in (0, 1]")
    return batch.read(_Worst(uniform_atoms(2, batch.dtype)), numbers=(alpha,))


class _Worst(AbstractReading):
    target: TargetMeasure

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        (alpha,) = one_list.numbers
        return _of_second(one_list, transport, self.target, jnp.stack([1 - alpha, alpha]))

    dims = of_each_list


def _of_second(
    one_list: OneList, transport: Transport, target: TargetMeasure, weights: Float[Array, "m *ones"]
) -> Float[Array, "*lists"]:
    """Returns the mean that is pushed to the second of a few targets; their weights may differ between lists."""
    weights = weights.reshape(len(weights), *one_list.x.shape[1:])
    plan = transport.plan_to(eqx.tree_at(lambda target: target.weights, target, weights))
    return one_list.first(plan.push(one_list.values)[1:2], 1)[0]
