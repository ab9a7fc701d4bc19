"""The rule by which `jax.vmap` moves lists to the last axis."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

# XLA: rows whose length is a multiple of so many bytes all meet in a few lines of a CPU's cache. Spare lists make the
# rows longer: without them, gradients of ranks of 1024 x 16 and 256 x 100 take more than twice as long on 2 cores
# (`benchmarks/scripts/plain.py`).
_ALIASED_BYTES = 1024
_SPARE_LISTS = 16


def batched(
    function: Callable[..., Sequence[Array]], arrays: Sequence[Array], dims: Sequence[int | None], own_axes: int
) -> tuple[list[Array], list[int]]:
    """Calls a function once for all lists of a `jax.vmap`, with the lists in the last axis.

    Args:
        function: of arrays with a last axis of lists; its answers have that axis too.
        arrays: of one list, or with a last axis of lists from a `jax.vmap` within this one.
        dims: the axis of each array that `jax.vmap` maps, or None.
        own_axes: number of axes that one list has in the first array.

    Returns:
        The answers for all lists, and their mapped axes.
    """
    (size,) = {array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None}
    arrays = [
        jnp.broadcast_to(array[..., None], (*array.shape, size)) if dim is None else jnp.moveaxis(array, dim, -1)
        for array, dim in zip(arrays, dims, strict=True)
    ]
    lists = arrays[0].shape[own_axes:]
    number = math.prod(lists)
    # An empty batch has answers of the right shape, found without a call: the function may need at least one list.
    if number == 0:
        one = [jax.ShapeDtypeStruct((*array.shape[: array.ndim - len(lists)], 1), array.dtype) for array in arrays]
        answers = [jnp.zeros((*answer.shape[:-1], *lists), answer.dtype) for answer in jax.eval_shape(function, *one)]
        return answers, [answer.ndim - 1 for answer in answers]
    # On several devices the lists may be split among the devices, and spare lists would move them between devices.
    is_aliased = number * arrays[0].dtype.itemsize % _ALIASED_BYTES == 0 and jax.device_count() == 1
    spare = _SPARE_LISTS if is_aliased else 0

    def merged(array):
        array = array.reshape(*array.shape[: array.ndim - len(lists)], number)
        return jnp.concatenate([array, array[..., :spare]], axis=-1) if spare else array

    answers = [answer[..., :number].reshape(*answer.shape[:-1], *lists) for answer in function(*map(merged, arrays))]
    return answers, [answer.ndim - 1 for answer in answers]
