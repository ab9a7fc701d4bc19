"""Both passes."""

import functools
from collections.abc import Iterable

from jaxtyping import ArrayLike

from .._solver import Quadrature
from .moments import Moments
from .stream import Stream
from .summary import Summary


def fit(chunks: Iterable[ArrayLike], *, epsilon: float = 1e-2, accuracy: float | None = None) -> Stream:
    """Two passes over arrays of values.

    Args:
        chunks: arrays of any shapes. They are iterated over twice, so not a generator: a list, `Chunks` of an array
            or of a memory-mapped file, or any object whose `__iter__` begins anew.
        epsilon: regularisation, at least 1e-5.
        accuracy: error of levels, > 0: see `otsort.Quadrature`.

    Returns:
        What ranks, levels and quantiles are asked of.

    Raises:
        TypeError: an iterator, which can be read only once.
        ValueError: no values, one that is not finite, epsilon or accuracy out of range.
        RuntimeError: the solve missed its tolerance.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> stream = otsort.streaming.fit([x[:2], x[2:]])
        >>> print(stream.rank(jnp.array([0.0, 4.5])))
        [1.   2.49]
    """
    if iter(chunks) is chunks:
        raise TypeError("chunks are read twice: pass a list, Chunks(array) or an object whose __iter__ begins anew")
    solver = Quadrature(epsilon=epsilon, accuracy=accuracy)
    summarys = [Summary.of(chunk) for chunk in chunks]
    if not summarys:
        raise ValueError("there are no chunks")
    summary = functools.reduce(Summary.merge, summarys)
    return functools.reduce(Moments.merge, (Moments.of(chunk, summary, solver) for chunk in chunks)).solve()
