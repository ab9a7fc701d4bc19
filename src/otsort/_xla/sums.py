"""Sums along an axis that stay XLA's own.

XLA:CPU of jaxlib 0.10.2 and later hands sums and maxima to the library YNNPACK, with all that leads up to them. Batches
of short lists then take several times as long (https://github.com/jax-ml/jax/issues/37465). It tells them by their
reducers, and does not know those below; nor does the sum over several devices, so that these keep `jnp.sum`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from .primitive import primitive

_BY_LIBRARY = jax.__version_info__ >= (0, 10, 2)


def total(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """The sum along an axis."""
    return _total.bind(array, axis=axis)


def copies(array: Float[Array, "..."], axis: int, size: int) -> Float[Array, "..."]:
    """So many copies along a new axis. The transpose is `total`; that of broadcasting would be `jnp.sum`."""
    return _copies.bind(array, axis=axis, size=size)


def highest(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """The maximum along an axis, a constant for derivatives."""
    return _highest.bind(jax.lax.stop_gradient(array), axis=axis)


def _copy(array: Array, *, axis: int, size: int) -> Array:
    shape = (*array.shape[:axis], size, *array.shape[axis:])
    return jnp.broadcast_to(jnp.expand_dims(array, axis), shape)


def _reduce(start: float, reducer: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    return lambda array, *, axis: jax.lax.reduce(array, jnp.array(start, array.dtype), reducer, (axis,))


def _along_axis(name: str, function: Callable[..., Array], on_one_cpu: Callable[..., Array]) -> Primitive:
    made = primitive(name, function, on_one_cpu if _BY_LIBRARY else function)

    def batched(arrays: Any, dims: Any, *, axis: int, **numbers: int) -> tuple[Array, int]:
        return made.bind(jnp.moveaxis(arrays[0], dims[0], 0), axis=axis + 1, **numbers), 0

    batching.primitive_batchers[made] = batched
    return made


_total = _along_axis("total", jnp.sum, _reduce(0.0, lambda left, right: left - (-right)))
_copies = _along_axis("copies", _copy, _copy)
_highest = _along_axis(
    "highest", jnp.max, _reduce(-jnp.inf, lambda left, right: jax.lax.select(left > right, left, right))
)
ad.deflinear2(_total, lambda change, array, axis: [copies(change, axis, array.aval.shape[axis])])
ad.deflinear2(_copies, lambda change, array, axis, size: [total(change, axis)])
