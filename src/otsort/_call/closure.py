"""Functions of users that close over traced values, such as a learnt temperature."""

import types
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, DTypeLike

from .._checks import is_traced


class _Elementwise(eqx.Module):
    """Applies a function of a number to each entry of an array."""

    function: Callable[[Array], Array]

    def __call__(self, array: Array) -> Array:
        function = self.function
        for _ in range(array.ndim):
            function = jax.vmap(function)
        return function(array)


def opened(function: Callable[..., Array], *shapes: tuple[int, ...], dtype: DTypeLike) -> Callable[..., Array]:
    """Returns a function of a user as a module, whose leaves are the traced values that the function closes over.

    Derivatives and batches of these values are then handled as those of any leaf. A function that closes over no traced
    value is returned as it is.

    Args:
        function: of arrays.
        *shapes: of its arguments.
        dtype: of its arguments.
    """
    closes_over_nothing = isinstance(function, types.FunctionType) and function.__closure__ is None
    if closes_over_nothing or isinstance(function, eqx.Module):
        return function  # pyright: ignore[reportReturnType]
    module = eqx.filter_closure_convert(function, *(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes))
    return module if is_traced(module) else function


def opened_elementwise(function: Callable[[Any], Any], dtype: DTypeLike) -> Callable[[Any], Any]:
    """Returns what `opened` does, for a function that acts on each entry of an array of any shape."""
    known = opened(function, (), dtype=dtype)
    return function if known is function else _Elementwise(known)
