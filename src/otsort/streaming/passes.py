"""Fits a stream in two passes over its chunks."""

import functools
import math
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import ArrayLike

from .._solver import Quadrature
from .._solver.quadrature import SMALLEST_EPSILON
from .arrays import as_chunk
from .moments import Moments
from .stream import Stream
from .summary import Summary, summarised

_REMEDY = "pass a list, otsort.streaming.Chunks(array) or an object whose __iter__ begins anew"


def fit(chunks: Iterable[ArrayLike], *, epsilon: float = 1e-2, accuracy: float | None = None) -> Stream:
    """Fits a stream, which gives ranks, levels and quantiles, to arrays of values that are read twice.

    Args:
        chunks: arrays of any shapes and one dtype. They are iterated over twice, so a generator is not accepted. Pass a
            Python list, `Chunks` of an array or of a memory-mapped file, or any object whose `__iter__` starts again
            from the first array.
        epsilon: regularisation, at least 1e-5.
        accuracy: error of levels, > 0; see `otsort.Quadrature`.

    Returns:
        The fitted stream.

    Raises:
        TypeError: chunks is an iterator, which can be read only once; a chunk is traced, or does not hold real numbers.
        ValueError: there are no chunks, or different chunks in the second pass; a chunk is empty, masked or not finite;
            chunks have different dtypes; epsilon or accuracy is out of range.
        RuntimeError: the solve missed its tolerance.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> stream = otsort.streaming.fit([x[:2], x[2:]])
        >>> print(stream.rank(jnp.array([0.0, 4.5])))
        [1.   2.49]
    """
    if isinstance(chunks, Iterator):
        raise TypeError(
            f"chunks are read twice, got an iterator ({type(chunks).__name__}), which can be read once: {_REMEDY}"
        )
    # The comparison is in float32, because the user may pass the bound itself in float32.
    if not np.float32(SMALLEST_EPSILON) <= np.float32(epsilon) < math.inf:
        raise ValueError(
            f"epsilon must be finite and at least {SMALLEST_EPSILON}, got {epsilon}: raise it, or take "
            "otsort.rank(x, epsilon=0) for exact ranks of values that fit in memory"
        )
    solver = Quadrature(epsilon=epsilon, accuracy=accuracy)
    summaries = [summarised(as_chunk(chunk, f"chunks[{index}]")) for index, chunk in enumerate(chunks)]
    if not summaries:
        raise ValueError(
            f"there are no chunks, got an empty {type(chunks).__name__}: pass at least one array of values"
        )
    summary = functools.reduce(Summary.merge, summaries)
    parts = (Moments.of(chunk, summary, solver) for chunk in chunks)
    moments = functools.reduce(lambda sums, part: part if sums is None else sums.merge(part), parts, None)
    if moments is None or moments.count != summary.count:
        again = 0 if moments is None else moments.count
        raise ValueError(
            f"chunks are read twice, got {summary.count} values the first time and {again} the second: {_REMEDY}"
        )
    return moments.solve()
