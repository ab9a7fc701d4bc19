"""Weights and masks of the lists along the axes of an array."""

import numpy as np
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float

from .._checks import as_array, scaled_weights
from .axes import Axes


def checked_weights(
    weights: ArrayLike,
    where: Bool[Array, "..."] | np.ndarray | None,
    axes: Axes,
    dtype: DTypeLike,
    *,
    throw: bool = True,
) -> Float[Array, "..."]:
    """Returns weights of the values of an array, scaled so that the largest of each list is 1.

    Args:
        weights: of the array's shape, or of its shape along the axes.
        where: which values take part, of one of these shapes; None means all.
        axes: of the lists.
        dtype: of the answer.
        throw: see `otsort._checks.checked`.

    Raises:
        ValueError: the weights have another shape.
        TypeError, ValueError, RuntimeError: as `otsort._checks.scaled_weights`.
    """
    given = as_array(weights, "weights")
    _check_shape(given, axes, "weights")
    mask = None if where is None else axes.expanded(where)
    return scaled_weights(axes.expanded(given), mask, axes.chosen, dtype, throw=throw)


def as_mask(where: ArrayLike, axes: Axes) -> Bool[Array, "..."] | np.ndarray:
    """Returns a user's mask of the values that take part, checked.

    It has the shape of the array, or its shape along the axes.

    Raises:
        ValueError: the mask has another shape.
        TypeError: the mask is not boolean.
    """
    where = as_array(where, "where")
    if where.dtype != bool:
        raise TypeError(f"where must be boolean, such as x > 0, got {where.dtype}")
    _check_shape(where, axes, "where")
    return where


def _check_shape(array: Array | np.ndarray, axes: Axes, name: str) -> None:
    if array.shape not in (axes.shape, axes.lengths):
        raise ValueError(
            f"{name} must have the shape of the values, {axes.shape}, or along the axes, {axes.lengths}; "
            f"got {array.shape}"
        )
