"""Groups of unequal length, side by side in one array, as lists with a mask that every operator takes.

`pack` makes them rows, an operator is applied to these with `where`, and `unpack` brings each answer back to its value.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Int, Shaped

from ._checks import as_array, checked


def pack(
    values: ArrayLike, segment_ids: ArrayLike, num_segments: int, length: int
) -> tuple[Shaped[Array, "num_segments length *d"], Bool[Array, "num_segments length"]]:
    """Groups as the rows of an array, each in the order of its values, then zeros.

    Args:
        values: of all groups, shape `(n, *d)`.
        segment_ids: the group of each value, integers in any order, shape `(n,)`, as in `jax.ops.segment_sum`: a value
            whose group is not one of 0 ... num_segments - 1 is left out.
        num_segments: number of groups, some of which may be empty.
        length: that of the longest group, or more.

    Returns:
        The rows, and where they hold values.

    Raises:
        ValueError: shapes differ, a size is below 1, or a group is longer than length (RuntimeError when traced).
        TypeError: segment ids that are not integers.

    Example:
        >>> x, ids = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 1, 0, 1, 1])
        >>> lists, where = otsort.segments.pack(x, ids, num_segments=2, length=3)
        >>> print(lists)
        [[ 1.  4.  0.]
         [ 5.  8. 12.]]
        >>> print(otsort.median(lists, where=where))
        [2.5 8. ]
    """
    values, ids = jnp.asarray(values), _checked_ids(segment_ids)
    if values.shape[:1] != ids.shape:
        raise ValueError(f"values and segment_ids must be of one length, got shapes {values.shape} and {ids.shape}")
    if num_segments < 1 or length < 1:
        raise ValueError(f"num_segments and length must be at least 1, got {num_segments} and {length}")
    message = f"a group is longer than length={length}: give the length of the longest, np.bincount(segment_ids).max()"
    known = (ids >= 0) & (ids < num_segments)
    places = checked(_places(ids), lambda places: ~known | (places < length), message, dtype=int)
    rows = jnp.where(known, ids, num_segments)  # out of bounds, where nothing is set
    lists = jnp.zeros((num_segments, length, *values.shape[1:]), values.dtype)
    where = jnp.zeros((num_segments, length), bool)
    return lists.at[rows, places].set(values, mode="drop"), where.at[rows, places].set(True, mode="drop")


def unpack(lists: ArrayLike, segment_ids: ArrayLike) -> Shaped[Array, "n *d"]:
    """The entry of each value from rows that `pack` made, or from what an operator made of them.

    Args:
        lists: shape `(num_segments, length, *d)`.
        segment_ids: as given to `pack`.

    Returns:
        Shape `(n, *d)`, zero for values that `pack` left out.

    Raises:
        ValueError: lists of fewer than two dimensions, or ids that are not one-dimensional.
        TypeError: segment ids that are not integers.

    Example:
        >>> x, ids = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 1, 0, 1, 1])
        >>> lists, where = otsort.segments.pack(x, ids, num_segments=2, length=3)
        >>> print(otsort.segments.unpack(otsort.rank(lists, where=where), ids))
        [1. 1. 2. 2. 3.]
    """
    lists, ids = jnp.asarray(lists), _checked_ids(segment_ids)
    if lists.ndim < 2:
        raise ValueError(f"lists must have the shape (num_segments, length), and any axes more; got {lists.shape}")
    rows = jnp.where(ids >= 0, ids, len(lists))
    return lists.at[rows, _places(ids)].get(mode="fill", fill_value=0)


def _checked_ids(segment_ids: ArrayLike) -> Int[Array, " n"]:
    ids = as_array(segment_ids)
    if ids.ndim != 1:
        raise ValueError(f"segment_ids must have the shape (n,), got {ids.shape}")
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise TypeError(f"segment_ids must be integers, got {ids.dtype}")
    return jnp.asarray(ids)


def _places(ids: Int[Array, " n"]) -> Int[Array, " n"]:
    """How many values before each are of its group; at once where ids are known, which takes the compiler minutes."""
    with jax.ensure_compile_time_eval():
        order = jnp.argsort(ids, stable=True)
        ordered, index = ids[order], jnp.arange(ids.size)
        starts = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
        return jnp.zeros_like(index).at[order].set(index - jax.lax.cummax(jnp.where(starts, index, 0)))
