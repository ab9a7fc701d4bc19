"""Functions of the user's that close over traced values, such as a learnt temperature."""

import types
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun
from jaxtyping import Array, DTypeLike

from .._checks import is_traced


class _Closed(eqx.Module):
    """A function of arrays of fixed shapes, with the values that it closes over as leaves."""

    values: list[Array]
    program: Jaxpr = eqx.field(static=True)

    def __call__(self, *arrays: Array) -> Array:
        return jaxpr_as_fun(ClosedJaxpr(self.program, self.values))(*arrays)[0]


class _Elementwise(eqx.Module):
    """A function of a number, for each entry of an array."""

    function: Callable[[Array], Array]

    def __call__(self, array: Array) -> Array:
        function = self.function
        for _ in range(array.ndim):
            function = jax.vmap(function)
        return function(array)


def opened(function: Callable[..., Array], *shapes: tuple[int, ...], dtype: DTypeLike) -> Callable[..., Array]:
    """Returns a function of arrays of some shapes, as a module whose leaves are the traced values it closes over.

    The derivative in a value, and a batch of values, are then those of any leaf. What closes over none is as it was.
    """
    closes_over_nothing = isinstance(function, types.FunctionType) and function.__closure__ is None
    if closes_over_nothing or isinstance(function, eqx.Module):
        return function  # pyright: ignore[reportReturnType]
    program = jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes))
    return _Closed(program.consts, program.jaxpr) if is_traced(program.consts) else function


def opened_elementwise(function: Callable[[Any], Any], dtype: DTypeLike) -> Callable[[Any], Any]:
    """Returns a function that acts on each entry of an array of any shape, likewise."""
    known = opened(function, (), dtype=dtype)
    return function if known is function else _Elementwise(known)
