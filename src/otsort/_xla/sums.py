"""Sums and maxima along an axis that XLA compiles itself, instead of handing them to a library.

XLA: since jaxlib 0.10.2, the compiler for CPUs hands sums and maxima to the library YNNPACK, with the operations before
them. Batches of short lists then take several times as long (https://github.com/jax-ml/jax/issues/37465). The compiler
recognises sums by their reducers, and does not recognise the reducers below. Sums over several devices would not
either, so programs for several devices keep `jnp.sum`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from .primitive import primitive

#: Whether the compiler hands sums to the library; earlier versions compile `jnp.sum` themselves.
_BY_LIBRARY = jax.__version_info__ >= (0, 10, 2)


def sum_along(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Returns the sum along an axis."""
    return _sum_along.bind(array, axis=axis)


def repeat_along(array: Float[Array, "..."], axis: int, size: int) -> Float[Array, "..."]:
    """Returns an array repeated `size` times along a new axis.

    Its transpose is `sum_along`; the transpose of broadcasting would be `jnp.sum`.
    """
    return _repeat_along.bind(array, axis=axis, size=size)


def max_along(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Returns the maximum along an axis, a constant for derivatives."""
    return _max_along.bind(jax.lax.stop_gradient(array), axis=axis)


def _repeat(array: Array, *, axis: int, size: int) -> Array:
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


# XLA: `left - (-right)` and `select` are a sum and a maximum in forms that the compiler does not recognise.
_sum_along = _along_axis("sum_along", jnp.sum, _reduce(0.0, lambda left, right: left - (-right)))
_repeat_along = _along_axis("repeat_along", _repeat, _repeat)
_max_along = _along_axis(
    "max_along", jnp.max, _reduce(-jnp.inf, lambda left, right: jax.lax.select(left > right, left, right))
)
ad.deflinear2(_sum_along, lambda change, array, axis: [repeat_along(change, axis, array.aval.shape[axis])])
ad.deflinear2(_repeat_along, lambda change, array, axis, size: [sum_along(change, axis)])
