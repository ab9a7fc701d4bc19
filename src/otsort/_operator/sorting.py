"""Sorted values, and the matrix that sorts them."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport, of_new_axis, of_rows_of_each_list
from .._transport.averages import rising
from .._transport.target import AbstractTarget
from .._xla import with_axes


def sort(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns the values of x in nondecreasing order.

    The answers are the push of x to a uniform target: the average of the values that arrive at each of its m points.
    These are the K-quantiles (`epsilon=0`) or S-quantiles of Cuturi et al. (2019), Definitions 1 and 2. With
    `epsilon=0` and m = n they are the values of x themselves, bit for bit.

    Args:
        x: values, any shape.
        num_targets: m, the number of points of the uniform target and of sorted values; n unless given.
        target: a target to use instead of a uniform one.
        descending: whether the largest value comes first.
        **options: see `Options`.

    Returns:
        The sorted values, in the units and range of x. The shape is that of x with length m along the axis. (Of several
        axes, the first has the length m and the others are dropped.)

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.sort(x), otsort.sort(x, epsilon=0))
        [ 1.05  4.12  4.85  8.01 11.97] [ 1.  4.  5.  8. 12.]
        >>> print(otsort.sort(x, num_targets=2, descending=True))
        [9. 3.]
    """
    batch = Batch(x, options)
    return batch.read(Sorted(batch.target(num_targets, target), descending))


class Sorted(AbstractReading):
    """A reading of the sorted values: those of a list, pushed to the targets, in increasing or decreasing order."""

    target: AbstractTarget | None
    descending: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " m"]:
        pushed = transport.plan_to(one_list.target_per_value(self.target)).push(one_list.values)
        # Numerics: exp(-h / epsilon) is totally positive, so the exact result is nondecreasing at every potential.
        # `rising` only undoes rounding.
        return _of_targets(one_list, rising(pushed), self.target, self.descending)

    dims = of_new_axis


def sort_by(
    values: ArrayLike,
    key: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns values in the order of a key.

    The answers are the push of the values through the plan that sorts the key: the average of the values that arrive at
    each target.

    Args:
        values: an array whose shape begins with that of the key and may have further axes, such as `(n, d)` for a key
            of shape `(n,)`.
        key: the numbers to sort by, any shape; `axis` and `weights` refer to it.
        num_targets: m, the number of points of the uniform target; n unless given.
        target: a target to use instead of a uniform one.
        descending: whether the values of the largest key come first.
        **options: see `Options`.

    Returns:
        The values in that order, with length m along the key's axis.

    Raises:
        ValueError: the values' shape does not begin with the key's.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> key = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> values = jnp.array([10.0, 50.0, 40.0, 80.0, 120.0])
        >>> print(otsort.sort_by(values, key))
        [ 10.48  41.18  48.54  80.06 119.75]
    """
    batch = Batch(key, options, values, name="key")
    return batch.read(_Carried(batch.target(num_targets, target), descending, batch.extra))


class _Carried(AbstractReading):
    target: AbstractTarget | None
    descending: bool = eqx.field(static=True)
    extra: int = eqx.field(static=True)  # axes of the values after those of the key

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "m *d"]:
        pushed = transport.plan_to(one_list.target_per_value(self.target)).push(one_list.values)
        return _of_targets(one_list, pushed, self.target, self.descending)

    def dims(self, axes: Axes) -> Dims:
        return axes.new + (None,) * self.extra


def permutation(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "... m n"]:
    """Returns the matrix that sorts x, so that `permutation(x) @ x` is `sort(x)`.

    It is the transposed transport plan with each row divided by its sum. With `epsilon=0` and m = n it is the
    permutation matrix of a stable `jax.numpy.argsort`: equal values keep their order. (Proposition 1 of Cuturi et al.
    (2019) allows any permutation that sorts.) At a positive epsilon, equal values of equal weight have equal columns.

    Args:
        x: values, any shape.
        num_targets: m, the number of points of the uniform target; n unless given.
        target: a target to use instead of a uniform one.
        descending: whether the row of the largest value comes first.
        **options: see `Options`.

    Returns:
        The matrices, with entries in [0, 1] and rows that sum to 1. The shape is that of x without its axis, followed
        by `(m, n)`.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0])
        >>> print(otsort.permutation(x, epsilon=0.1))
        [[0.89 0.01 0.09]
         [0.11 0.32 0.58]
         [0.   0.67 0.33]]
    """
    batch = Batch(x, options)
    return batch.read(_Permutation(batch.target(num_targets, target), descending))


class _Permutation(AbstractReading):
    target: AbstractTarget | None
    descending: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "m n"]:
        each = with_axes(jnp.eye(len(one_list.x), dtype=one_list.x.dtype), 1 + one_list.x.ndim)
        plan = transport.untied_plan_to(one_list.target_per_value(self.target), self.descending)
        return _of_targets(one_list, plan.push(each), self.target, self.descending)

    dims = of_rows_of_each_list


def _of_targets(
    one_list: OneList, pushed: Float[Array, "m *d"], target: AbstractTarget | None, descending: bool
) -> Float[Array, "m *d"]:
    """Returns the pushed values in increasing or decreasing order, with zeros at targets that stand for no value."""
    return one_list.at_targets(one_list.turned(pushed, target) if descending else pushed, target)
