"""Checks of the arguments that users give: at once if a value is known, at run time if it is traced."""

import operator
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float, Int

from ._xla import on_any_mesh, quotient


def is_traced(value: Any) -> bool:
    """Returns whether a value is known only when the program runs."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value))


def as_array(value: ArrayLike, name: str = "x") -> Array | np.ndarray:
    """Returns numbers, or lists of them, as an array: of NumPy if they are known, so that checks raise at once.

    Raises:
        ValueError: a masked array, whose mask would be lost; lists of unequal length.
        TypeError: NumPy makes no array of numbers of the value.
    """
    _refuse_masked(value, name)
    if isinstance(value, jax.Array | np.ndarray):
        return value
    if is_traced(value):
        return jnp.asarray(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} holds lists of unequal length: pad them to one length and pass where=, or use otsort.segments.pack"
        ) from error
    except RuntimeError as error:  # what torch raises
        raise TypeError(f"{name} is no array that NumPy can read ({error}): detach a tensor from its graph") from error
    if array.dtype == object:
        raise TypeError(f"{name} must be real numbers, got {value!r:.200}")
    return array


def _refuse_masked(value: Any, name: str) -> None:
    values = [value, *value] if isinstance(value, list | tuple) else [value]
    if any(isinstance(value, np.ma.MaskedArray) for value in values):
        raise ValueError(
            f"{name} is a masked array, whose mask would be lost: pass the plain array, {name}.data, and "
            f"where=~numpy.ma.getmaskarray({name})"
        )


def as_size(value: Any, name: str, most: int | None = None, of: str = "") -> int:
    """Returns an integer, at least 1, that decides the shape of an answer.

    Args:
        value: any kind of integer.
        name: of the argument, for messages.
        most: the largest value that is allowed.
        of: what the largest value is, for messages.

    Raises:
        TypeError: the value is traced, or not an integer.
        ValueError: the value is out of range.
    """
    if is_traced(value):
        raise TypeError(f"{name} decides a shape and cannot be traced: make it static under jax.jit (static_argnames)")
    allowed = f"{name} must be an integer from 1 to {most} ({of})" if most else f"{name} must be an integer from 1 on"
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(f"{allowed}, got {value!r}") from None
    if size < 1 or (most is not None and size > most):
        raise ValueError(f"{allowed}, got {size}")
    return size


def as_callable(value: Any, name: str, example: str) -> Any:
    """Returns a function that a user gave, checked.

    Raises:
        TypeError: the value is not callable, or is a class.
    """
    allowed = f"{name} must be a function such as {example}"
    if isinstance(value, type):
        raise TypeError(f"{allowed}, got the class {value.__name__}: pass an instance of it")
    if not callable(value):
        raise TypeError(f"{allowed}, got {value!r}")
    return value


def as_indices(indices: ArrayLike, size: int, name: str) -> Int[Array, "..."]:
    """Returns indices as integers of 32 bits; an index that is not one of 0 ... size - 1 becomes -1.

    Raises:
        TypeError: the indices are not integers.
    """
    array = as_array(indices, name)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise TypeError(f"{name} must be integers, got {array.dtype}")
    if isinstance(array, np.ndarray):  # NumPy compares integers of 64 bits, also where JAX has 32
        known = (array >= 0) & (array < size)
        return jnp.asarray(np.where(known, np.where(known, array, 0).astype(np.int32), np.int32(-1)))
    wide = array if array.dtype.itemsize >= 4 else array.astype(jnp.int32)
    known = (wide >= 0) & (wide < size)
    return jnp.where(known, jnp.where(known, wide, 0).astype(jnp.int32), -1)


def checked(
    value: ArrayLike,
    condition: Callable[[Any], Any],
    name: str,
    allowed: str,
    *,
    remedy: str = "",
    dtype: DTypeLike = float,
    throw: bool = True,
) -> Float[Array, "..."]:
    """Returns a copy of a value as an array of numbers, checked.

    Args:
        value: of any shape.
        condition: of the array; gives truth values, all of which have to be true.
        name: of the argument, for messages.
        allowed: what is allowed, for messages, such as "must be positive".
        remedy: what to do, for messages.
        dtype: of the array.
        throw: whether a traced value that is wrong raises. If false, entries that are wrong become NaN: all of them, if
            the condition gives one truth value.

    Raises:
        ValueError: the value is known and wrong, or a masked array.
        TypeError: the value does not hold real numbers.
        RuntimeError: the value is traced and turns out wrong when the program runs, and throw is true.
    """
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    given = as_array(value, name)
    dtypes(given, name)  # raises if they are not real
    array = given.astype(dtype) if is_traced(given) else np.asarray(given, dtype)
    message, remedy = f"{name} {allowed}", f": {remedy}" if remedy else ""
    ok = condition(array)
    if not is_traced(ok):
        if not np.all(ok):
            wrong = np.asarray(array)[~np.asarray(ok)] if np.shape(ok) == array.shape else array
            raise ValueError(f"{message}, got {_shown(np.asarray(wrong))}{remedy}")
        return jnp.array(array)
    array = jnp.asarray(array)
    if not throw:
        return jnp.where(ok, array, jnp.nan)
    # Every use of the array depends on the check. It is around a scalar, because around an array that is sharded over
    # devices it would gather the array on one.
    return array + eqx.error_if(jnp.zeros((), dtype), ~jnp.all(ok), message + remedy)


def _shown(array: np.ndarray) -> str:
    """Returns a few of the values, as Python writes them."""
    some = [f"{value:.6g}" for value in np.ravel(array)[:4]]
    return some[0] if array.size == 1 else f"[{', '.join(some)}{', ...' if array.size > len(some) else ''}]"


def probabilities(weights: ArrayLike, name: str) -> Float[Array, " n"]:
    """Returns finite nonnegative weights, scaled to sum to one.

    Raises:
        ValueError, RuntimeError: as `checked`, for a weight that is negative or not finite, or if all are zero.
    """
    scaled = scaled_weights(as_array(weights, name), None, (0,), float, name=name)
    return scaled / jnp.sum(scaled)


def scaled_weights(
    weights: Array | np.ndarray,
    where: Bool[Array, "..."] | np.ndarray | None,
    axis: tuple[int, ...],
    dtype: DTypeLike,
    *,
    throw: bool = True,
    name: str = "weights",
) -> Float[Array, "..."]:
    """Returns weights, scaled so that the largest of each list is 1.

    Numerics: weights are scaled before they are cast and summed, so that none overflows or vanishes in float32.

    Args:
        weights: of the values of many lists.
        where: which values take part, of a shape that broadcasts against the weights; None means all.
        axis: the axes of each list.
        dtype: of the answer.
        throw: see `checked`.
        name: of the argument.

    Raises:
        TypeError: the weights are not real numbers.
        ValueError, RuntimeError: as `checked`, for a weight that is negative or not finite, or a list of zeros. If
            throw is false and the weights are traced, the weights of such a list become NaN.
    """
    computing = dtypes(weights, name)[0]
    traced = is_traced((weights, where))
    module: Any = jnp if traced else np
    if not traced:  # within a program, any operation on a known JAX array would make a traced one
        weights, where = np.asarray(weights), None if where is None else np.asarray(where)
    if isinstance(weights, np.ndarray):
        weights = weights.astype(np.float64)
        if traced:  # only the mask is traced: the weights are scaled into the range of every dtype
            sizes = np.abs(weights[np.isfinite(weights)])
            weights = weights / max(sizes.max(initial=0), np.finfo(np.float64).tiny)
    shares: Any = module.asarray(weights, computing if traced else np.float64)
    some, mask = True, where
    if mask is not None:
        if traced:  # the mask gets the shape and the sharding of the weights
            like = lambda mask, shares: mask | jnp.zeros_like(shares, bool)
            mask = on_any_mesh(like, shares, tuple(range(shares.ndim)))(mask, shares)
        shares = module.where(mask, shares, 0)
        some = mask.any(axis=axis, keepdims=True)
    largest = module.max(shares, axis=axis, keepdims=True)
    sound = (shares >= 0) & module.isfinite(shares)
    ok = sound.all(axis=axis, keepdims=True) & ((largest > 0) | ~module.asarray(some))
    allowed = "must be finite, not negative, and not all zero"
    if not traced and not np.all(ok):
        raise ValueError(f"{name} {allowed}, got {_shown(shares[~sound] if not np.all(sound) else shares)}")
    divide = quotient if traced else np.divide
    scaled = divide(shares, module.where(largest > 0, largest if not traced else stop_gradient(largest), 1))
    return checked(scaled, lambda _: ok, name, allowed, dtype=dtype, throw=throw)


def as_values(x: ArrayLike, name: str = "x") -> tuple[Float[Array, "..."], jnp.dtype]:
    """Returns a copy of x in the dtype of computation, and the dtype of the answer.

    Raises:
        TypeError: as `dtypes`.
    """
    x = as_array(x, name)
    computing, answer = dtypes(x, name)
    return as_own(x, computing), answer


def as_own(x: Array | np.ndarray, dtype: DTypeLike) -> Array:
    """Returns a JAX array that shares no memory with a NumPy array, which the user may change later."""
    return jnp.array(x, dtype) if isinstance(x, np.ndarray) else x.astype(dtype)


def dtypes(x: Array | np.ndarray, name: str) -> tuple[jnp.dtype, jnp.dtype]:
    """Returns the dtype of the computation and the dtype of the answer.

    Integers count as real numbers. Half precision is too little to compute in, so float32 takes its place.

    Raises:
        TypeError: the numbers are complex, or not numbers.
    """
    real = jnp.issubdtype(x.dtype, jnp.floating) or jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == bool
    if not real:
        raise TypeError(f"{name} must be real numbers, got {x.dtype}")
    dtype = jax.dtypes.canonicalize_dtype(x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else float)
    return (jnp.dtype(jnp.float32) if dtype.itemsize < 4 else dtype), dtype


def wider(one: jnp.dtype, other: jnp.dtype) -> jnp.dtype:
    """Returns the dtype of computation that holds the numbers of both."""
    return max(one, other, key=lambda dtype: dtype.itemsize)
