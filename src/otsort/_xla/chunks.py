"""Batches that are worked through in chunks, whose derivatives keep only what is expensive to compute."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, DTypeLike, PyTree

from .batching import spare_lists

_Tree = TypeVar("_Tree")

_KEPT = "otsort_kept"
#: XLA: the memory that the lists of a chunk share. On a CPU, batches that fit no cache take up to three times as long
#: (`benchmarks/scripts/chunks.py`). A GPU is faster with more work at once, and its number is a choice, not measured.
_BYTES_ON_CPU = 3 * 2**22
_BYTES = 2**26


def at_once(entries: int, dtype: DTypeLike) -> int:
    """Returns about how many lists to work on at once, if each holds so many numbers in memory.

    A batch may be split among all devices, so the number is that of one device times the number of devices.
    """
    size = _BYTES_ON_CPU if jax.default_backend() == "cpu" else _BYTES
    return max(1, size // (entries * jnp.dtype(dtype).itemsize)) * jax.device_count()


def kept(tree: _Tree) -> _Tree:
    """Marks arrays that stay in memory for the derivative of a chunk; other arrays are computed again."""
    return jax.tree.map(lambda leaf: checkpoint_name(leaf, _KEPT) if eqx.is_array(leaf) else leaf, tree)


def in_chunks(
    function: Callable[[Any], PyTree[Array]], lists: PyTree[Array], size: int | None, lists_last: bool
) -> PyTree[Array]:
    """Returns the answers of a function of many lists, called for chunks of them.

    Between a chunk and its derivative, only the arrays stay in memory that the function marks by `kept`.

    Args:
        function: of arrays with an axis of lists, which its answers have too.
        lists: arrays of all lists.
        size: the most lists of a chunk, if there are several; up to twice as many are one piece. None for any number.
        lists_last: whether the axis of lists is the last; otherwise it is the first.
    """
    first, axis = jax.tree.leaves(lists)[0], -1 if lists_last else 0
    number: Any = first.shape[axis]
    if not isinstance(number, int):  # `jax.export` left the number open, and so would be the number of chunks
        return function(lists)
    chunks = 1
    # Reverse mode computes a chunk twice, so a batch of at most two chunks stays in one piece.
    while size is not None and number > (chunks + (chunks == 1)) * size:
        chunks *= 2
    length = -(-number // chunks)
    chunks = -(-number // length)  # rounding up may have left the last ones empty
    if lists_last:
        length += spare_lists(length, first.dtype)
    padding = chunks * length - number

    def padded(array: Array) -> Array:
        widths = [(0, 0)] * array.ndim
        widths[axis] = (0, padding)
        return jnp.pad(array, widths, mode="edge") if padding else array

    lists = jax.tree.map(padded, lists)
    cut = lambda answer: jax.lax.slice_in_dim(answer, 0, number, axis=axis)
    if chunks == 1:
        return jax.tree.map(cut, function(lists))

    # On several devices each chunk takes lists from everywhere, so that a batch that is split among the devices stays
    # where it is. On one device it takes neighbours, which are not copied.
    apart = jax.device_count() > 1
    shape = (length, chunks) if apart else (chunks, length)

    def split(array: Array) -> Array:
        before, after = (array.shape[:-1], ()) if lists_last else ((), array.shape[1:])
        return jnp.moveaxis(array.reshape(*before, *shape, *after), len(before) + apart, 0)

    def joined(answer: Array) -> Array:
        before, after = (answer.shape[1:-1], ()) if lists_last else ((), answer.shape[2:])
        return cut(jnp.moveaxis(answer, 0, len(before) + apart).reshape(*before, chunks * length, *after))

    policy = jax.checkpoint_policies.save_only_these_names(_KEPT)
    one = jax.checkpoint(lambda lists: function(lists), policy=policy, prevent_cse=False)
    return jax.tree.map(joined, jax.lax.map(one, jax.tree.map(split, lists)))
