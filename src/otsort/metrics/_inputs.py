"""Checks of arguments that are given along with the scores."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._call import Axes, Options
from .._call.weights import as_mask
from .._checks import as_array, checked, dtypes, is_traced


def carried(
    scores: Array | np.ndarray,
    given: ArrayLike,
    name: str,
    condition: Callable[[Any], Any],
    allowed: str,
    options: Options,
    remedy: str = "",
) -> Float[Array, "..."]:
    """Returns an array given with the scores, such as labels: checked where scores take part, and zero elsewhere.

    Args:
        scores: the scores, an array.
        given: numbers of the same shape.
        name: name of the numbers, for messages.
        condition: maps an array to booleans, true where a number is allowed.
        allowed: what the condition allows, for messages.
        options: options of the metric.
        remedy: what to do, for messages.

    Raises:
        ValueError: the shapes differ, or a number that takes part is not allowed (RuntimeError when traced).
        TypeError: the numbers are not real.
    """
    array = as_array(given, name)
    if array.shape != scores.shape:
        raise ValueError(f"{name} must have the shape of the scores, {scores.shape}, got {array.shape}: broadcast them")
    dtypes(array, name)  # raises if they are not real
    dtype = dtypes(scores, "scores")[0]
    if not jnp.issubdtype(array.dtype, jnp.floating):
        # JAX's strict promotion refuses to compare booleans with numbers, and integers with infinity.
        array = array.astype(dtype)
    where = options.get("where")
    if where is not None:
        axes = Axes.of(scores.shape, options.get("axis", -1), "scores")
        mask = axes.expanded(as_mask(where, axes))
        array = (jnp if is_traced((array, mask)) else np).where(mask, array, 0)
    # The numbers are checked before and after the cast, which may round to an allowed number, or to infinity.
    both = lambda cast: condition(array) & condition(cast)
    throw = options.get("throw", True)
    return checked(array, both, name, f"must be {allowed}", remedy=remedy, dtype=dtype, throw=throw)


def binary(scores: Array | np.ndarray, labels: ArrayLike, name: str, options: Options) -> Float[Array, "..."]:
    """Returns labels that are 0 or 1, see `carried`."""
    is_binary = lambda labels: (labels == 0) | (labels == 1)
    remedy = "pass labels > 0 if they are -1 and 1, or where= for padding"
    return carried(scores, labels, name, is_binary, "0 or 1 (or booleans) where they take part", options, remedy)


def answer_dtype(scores: Array | np.ndarray) -> jnp.dtype:
    """Returns the dtype of a metric of some scores."""
    return dtypes(scores, "scores")[1]


def check_unweighted(options: Options, metric: str) -> None:
    """Raises TypeError if there are weights, for a metric that is not defined with them."""
    if options.get("weights") is not None:
        raise TypeError(f"{metric} takes no weights of values: use where= to leave values out")
