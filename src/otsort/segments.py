"""Conversion of groups of unequal length in one array to lists with a mask, and back.

`pack` turns the groups into the rows of an array and gives a mask. Any operator can be applied to the rows with this
mask as `where`. `unpack` brings each answer back to the place of its value.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Int, Shaped

from ._checks import as_array, as_indices, as_own, as_size, checked


def pack(
    values: ArrayLike, segment_ids: ArrayLike, num_segments: int, length: int
) -> tuple[Shaped[Array, "num_segments length *d"], Bool[Array, "num_segments length"]]:
    """Returns groups as the rows of an array; a row has the values in their order, followed by zeros.

    Args:
        values: values of all groups, shape `(n, *d)`.
        segment_ids: the group of each value, as integers in any order, shape `(n,)`, as in `jax.ops.segment_sum`. A
            value whose group is not one of 0 ... num_segments - 1 is left out.
        num_segments: number of groups, some of which may be empty.
        length: length of the rows, at least that of the longest group.

    Returns:
        The rows, and a mask of the entries that hold values.

    Raises:
        ValueError: shapes differ, a size is below 1, or a group is longer than length (RuntimeError when traced).
        TypeError: segment ids are not integers.

    Example:
        >>> x, ids = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 1, 0, 1, 1])
        >>> lists, where = otsort.segments.pack(x, ids, num_segments=2, length=3)
        >>> print(lists)
        [[ 1.  4.  0.]
         [ 5.  8. 12.]]
        >>> print(otsort.median(lists, where=where))
        [2.5 8. ]
    """
    num_segments, length = as_size(num_segments, "num_segments"), as_size(length, "length")
    values, ids = _own(as_array(values, "values")), _checked_ids(segment_ids, num_segments)
    if values.shape[:1] != ids.shape:
        raise ValueError(f"values and segment_ids must be of one length, got shapes {values.shape} and {ids.shape}")
    places = _places(ids)
    longest = jnp.max(jnp.where(ids < 0, 0, places + 1), initial=0)
    fits = lambda longest: longest <= length
    allowed, remedy = f"must have at most length={length} values", "raise length to the size of the longest group"
    longest = checked(longest, fits, "the longest group", allowed, remedy=remedy, dtype=int)
    places = jnp.minimum(places, longest)
    rows = jnp.where(ids < 0, num_segments, ids)  # values to leave out get a row out of bounds, which is dropped
    lists = jnp.zeros((num_segments, length, *values.shape[1:]), values.dtype)
    where = jnp.zeros((num_segments, length), bool)
    return lists.at[rows, places].set(values, mode="drop"), where.at[rows, places].set(True, mode="drop")


def unpack(lists: ArrayLike, segment_ids: ArrayLike) -> Shaped[Array, "n *d"]:
    """Returns the entries of the rows that `pack` made, or of an operator's answers, in the order of the values.

    Args:
        lists: shape `(num_segments, length, *d)`.
        segment_ids: as given to `pack`.

    Returns:
        One entry for each value, shape `(n, *d)`; zero for values that `pack` left out.

    Raises:
        ValueError: lists have fewer than two dimensions, or ids are not one-dimensional.
        TypeError: segment ids are not integers.

    Example:
        >>> x, ids = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 1, 0, 1, 1])
        >>> lists, where = otsort.segments.pack(x, ids, num_segments=2, length=3)
        >>> print(otsort.segments.unpack(otsort.rank(lists, where=where), ids))
        [1. 1. 2. 2. 3.]
    """
    lists = _own(as_array(lists, "lists"))
    if lists.ndim < 2:
        raise ValueError(f"lists must have the shape (num_segments, length), and any axes more; got {lists.shape}")
    ids = _checked_ids(segment_ids, len(lists))
    rows = jnp.where(ids < 0, len(lists), ids)
    return lists.at[rows, _places(ids)].get(mode="fill", fill_value=0)


def _own(array: Array | np.ndarray) -> Array:
    """Returns a JAX array.

    Raises:
        ValueError: integers are too large for the integers of JAX.
    """
    dtype = jax.dtypes.canonicalize_dtype(array.dtype)
    if dtype != array.dtype and np.issubdtype(dtype, np.integer) and array.size:
        low, high = array.min(), array.max()
        if low < np.iinfo(dtype).min or high > np.iinfo(dtype).max:
            raise ValueError(
                f"values must fit {dtype}, got integers from {low} to {high}: cast them to float, or enable x64"
            )
    return as_own(array, dtype)


def _checked_ids(segment_ids: ArrayLike, num_segments: int) -> Int[Array, " n"]:
    """Returns the group of each value, -1 where there is no such group."""
    ids = as_indices(segment_ids, num_segments, "segment_ids")
    if ids.ndim != 1:
        raise ValueError(f"segment_ids must have the shape (n,), got {ids.shape}")
    return ids


def _places(ids: Int[Array, " n"]) -> Int[Array, " n"]:
    """Returns the number of values before each value that belong to the same group."""
    # XLA: ids that are constants are sorted immediately. The compiler would fold their sort, which can take minutes.
    with jax.ensure_compile_time_eval():
        order = jnp.argsort(ids, stable=True)
        ordered, index = ids[order], jnp.arange(ids.size)
        starts = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
        return jnp.zeros_like(index).at[order].set(index - jax.lax.cummax(jnp.where(starts, index, 0)))
