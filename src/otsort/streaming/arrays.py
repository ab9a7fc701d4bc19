"""Checks the arrays that users give to streams."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .._checks import as_array, is_traced

#: What to pass in place of an array that holds no real numbers, by the kind of its dtype.
_REMEDIES = {"c": "{0}.real or abs({0})", "M": '{0}.astype("int64")', "m": '{0}.astype("int64")'}


def as_numbers(values: ArrayLike, name: str) -> Array | np.ndarray:
    """Returns values as an array of real numbers: of JAX if they come from it or are traced, of NumPy otherwise.

    Raises:
        ValueError: a masked array.
        TypeError: values that are not real numbers.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name}: a stream has no mask, got a masked array: pass {name}.compressed()")
    array = as_array(values, name)
    if not any(jnp.issubdtype(array.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_)):
        remedy = _REMEDIES.get(array.dtype.kind, "{0}.astype(float)").format(name)
        raise TypeError(f"{name} must be real numbers, got an array of {array.dtype}: pass {remedy}")
    return array


def as_chunk(values: ArrayLike, name: str) -> np.ndarray:
    """Returns values that a stream is fitted to.

    Raises:
        ValueError: a masked array, no values, or one that is not finite.
        TypeError: values that are traced, or not real numbers.
    """
    if is_traced(values):
        raise TypeError(f"{name} must be known, got a traced array: fit the stream outside jax.jit")
    array = np.asarray(as_numbers(values, name))
    if array.size == 0:
        raise ValueError(f"{name} must hold values, got an array of shape {array.shape}: leave empty chunks out")
    wrong = array.size - np.count_nonzero(np.isfinite(array))
    if wrong:
        raise ValueError(
            f"{name} must be finite, got {wrong} of {array.size} values that are NaN or infinite: "
            f"pass {name}[numpy.isfinite({name})]"
        )
    return array


def computing_dtype(array: Array | np.ndarray) -> np.dtype:
    """Returns the dtype in which JAX computes with an array: float64; float32 without x64 or for narrower floats."""
    wide = array.dtype if jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize <= 8 else float
    dtype = np.dtype(jax.dtypes.canonicalize_dtype(wide))
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype
