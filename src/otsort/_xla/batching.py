"""The rule by which all lists of nested `jax.vmap` meet in one axis, the last or the first."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike

# XLA: rows whose length is a multiple of so many bytes all meet in a few lines of a CPU's cache. Spare lists make the
# rows longer: without them, gradients of ranks of 1024 x 16 and 256 x 100 take more than twice as long on 2 cores
# (`benchmarks/scripts/plain.py`).
_ALIASED_BYTES = 1024
_SPARE_LISTS = 16


def spare_lists(number: int, dtype: DTypeLike) -> int:
    """Returns how many spare lists to append to a last axis of `number` lists."""
    # On several devices the lists may be split among the devices, and spare lists would move them between devices.
    is_aliased = number * jnp.dtype(dtype).itemsize % _ALIASED_BYTES == 0 and jax.device_count() == 1
    return _SPARE_LISTS if is_aliased else 0


def batched(
    function: Callable[..., Sequence[Array]],
    arrays: Sequence[Array],
    dims: Sequence[int | None],
    own_axes: int,
    lists_last: bool = True,
) -> tuple[list[Array], list[int]]:
    """Calls a function once for all lists of a `jax.vmap`.

    Args:
        function: of arrays with one more axis for lists, the last or the first; its answers have that axis too.
        arrays: of one list, or with an axis of lists from a `jax.vmap` within this one.
        dims: the axis of each array that `jax.vmap` maps, or None.
        own_axes: number of axes that one list has in the first array.
        lists_last: whether the axis of lists is the last.

    Returns:
        The answers for all lists, and their mapped axes.
    """
    (size,) = {array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None}
    axis = -1 if lists_last else 0
    arrays = [
        jnp.repeat(jnp.expand_dims(array, axis), size, axis) if dim is None else jnp.moveaxis(array, dim, axis)
        for array, dim in zip(arrays, dims, strict=True)
    ]
    lists = arrays[0].shape[own_axes:] if lists_last else arrays[0].shape[: arrays[0].ndim - own_axes]
    number, count = math.prod(lists), len(lists)

    def shaped(array: Any, lists: tuple[int, ...], count: int) -> tuple[int, ...]:
        """Returns the shape of an array with other axes in place of its `count` axes of lists."""
        shape = array.shape
        return (*shape[: len(shape) - count], *lists) if lists_last else (*lists, *shape[count:])

    # An empty batch has answers of the right shape, found without a call: the function may need at least one list.
    if number == 0:
        one = [jax.ShapeDtypeStruct(shaped(array, (1,), count), array.dtype) for array in arrays]
        answers = [jnp.zeros(shaped(answer, lists, 1), answer.dtype) for answer in jax.eval_shape(function, *one)]
    else:
        arrays = [array.reshape(shaped(array, (number,), count)) for array in arrays]
        answers = [answer.reshape(shaped(answer, lists, 1)) for answer in function(*arrays)]
    return answers, [answer.ndim - 1 if lists_last else 0 for answer in answers]
