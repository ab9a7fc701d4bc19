"""Quantiles, each of which is read from a plan to three targets."""

import abc
from collections.abc import Callable
from typing import Any, TypeAlias, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox import AbstractVar
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport
from .._checks import is_traced
from .._transport.atoms import atom_weights, linear_centre
from .._transport.averages import rising
from .._transport.target import TargetMeasure, uniform_atoms
from .._types import Scalar


def quantile(
    x: ArrayLike,
    q: ArrayLike,
    *,
    method: str = "linear",
    width: Scalar | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns the quantiles of x at the levels q.

    Each quantile is a mean of the values around a level c. It is read from a separate transport problem with three
    targets, so it does not depend on the other levels. The mean is read at the middle target. The mass of this target
    is min(width, 2 c, 2 (1 - c)) and is centred at c, which is q + (1/2 - q)/n for the linear method. With `epsilon=0`
    and the default width, the result is that of `numpy.quantile` with the same method. With weights, NumPy supports
    only "inverted_cdf". (Equation (4) of Cuturi et al. is `TargetMeasure.quantile`, which has another centre.)

    Args:
        x: values, any shape.
        q: quantile levels in [0, 1], any shape, in any order.
        method: which value has the level q, as in `numpy.quantile`. "linear" interpolates between two values. "lower"
            and "higher" take the value below or above, and accept no weights. "inverted_cdf" takes the least value for
            which the mass of all values up to it is at least q. Rounding errors in q * n are ignored: 0.1 * 30 counts
            as 3.
        width: mass of the middle target, in (0, 1]. Unless given, it is 1/n, with n the number of values that take
            part, and for "inverted_cdf" the weight of the value. A larger width averages more values.
        **options: see `Options`.

    Returns:
        The quantiles, in the units of x. The shape is that of q, followed by that of x without its axis.

    Raises:
        ValueError: q or width is out of range (RuntimeError when traced); the method is unknown; weights are given with
            "lower" or "higher".
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> q = jnp.array([0.25, 0.4])
        >>> print(otsort.quantile(x, q), otsort.quantile(x, q, epsilon=0))
        [4.04 4.6 ] [4.  4.6]
        >>> print(otsort.quantile(x, q, method="higher", epsilon=0))
        [4. 5.]
    """
    weighted = options.get("weights") is not None
    if not isinstance(method, str) or method not in _PLACES:
        raise ValueError(f"method must be one of {', '.join(_PLACES)}, got {method!r}")
    if weighted and method in ("lower", "higher"):
        raise ValueError(f"method {method!r} accepts no weights: use 'inverted_cdf', as in NumPy")
    batch = Batch(x, options)
    levels = batch.checked(q, lambda q: (q >= 0) & (q <= 1), "q", "must be levels in [0, 1]")
    if width is not None:
        width = batch.scalar(width, lambda width: (width > 0) & (width <= 1), "width", "must lie in (0, 1]")
    target, place = uniform_atoms(3, batch.dtype), _PLACES[method]
    if weighted and method == "inverted_cdf":
        return batch.read(_WeightedQuantiles(target, levels, width))
    if place is not None and options.get("where") is None and not weighted and not is_traced(q):
        # Numerics: in float32, the place of a level among many values would be rounded. NumPy computes it in float64.
        given = np.asarray(q)
        given = given if jnp.issubdtype(given.dtype, jnp.floating) else given.astype(np.float64)
        levels, place = jnp.asarray(_level_of(place, given, batch.n), batch.dtype), None
    return batch.read(_Quantiles(target, levels, width, place))


#: A function `(q, n) -> place` of the level q among n sorted values; places are counted from 0.
_Place: TypeAlias = Callable[[Any, Any], Any]


def _lower(q: Any, n: Any) -> Any:
    return _numpy(q).floor(_product(q, n - 1, 1))


def _higher(q: Any, n: Any) -> Any:
    return _numpy(q).ceil(_product(q, n - 1, -1))


def _inverted_cdf(q: Any, n: Any) -> Any:
    return _numpy(q).maximum(_numpy(q).ceil(_product(q, n, -1)) - 1, 0)


#: For each method, the function that gives the place; None if the method interpolates between two values.
_PLACES: dict[str, _Place | None] = {
    "linear": None,
    "lower": _lower,
    "higher": _higher,
    "inverted_cdf": _inverted_cdf,
}


def _level_of(place: _Place, q: Any, n: Any) -> Any:
    """Returns the level at which the linear method returns the value at a place."""
    return place(q, n) / _numpy(q).maximum(n - 1, 1)


def _product(q: Any, n: Any, sign: int) -> Any:
    """Returns n q, moved by a few rounding errors in the direction of `sign`.

    A product that should be an integer may have been rounded to the other side of it.
    """
    product = n * (q if isinstance(q, jax.Array) else q.astype(np.float64))
    return product + sign * _numpy(q).minimum(4 * float(jnp.finfo(q.dtype).eps) * product, 0.25)


def _numpy(q: Any) -> Any:
    """Returns NumPy or `jax.numpy`, whichever q belongs to."""
    return jnp if isinstance(q, jax.Array) else np


class _AbstractQuantiles(AbstractReading):
    """A reading that solves a separate problem for each quantile."""

    target: AbstractVar[TargetMeasure]
    q: AbstractVar[Float[Array, "*q"]]
    width: AbstractVar[Float[Array, ""] | None]

    @abc.abstractmethod
    def atom(self, q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
        """Returns the centre and the default width of the middle target, as scalars or with one entry for each list."""

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*q"]:
        def one(q: Float[Array, ""]) -> Float[Array, "*lists"]:
            centre, width = self.atom(q, one_list, transport)
            weights = atom_weights(centre, width if self.width is None else self.width)
            weights = weights.reshape(3, *one_list.x.shape[1:] if centre.ndim else ())
            plan = transport.plan_to(eqx.tree_at(lambda target: target.weights, self.target, weights))
            return plan.push(one_list.values)[1]

        if self.q.size == 0:
            return jnp.zeros((*self.q.shape, *one_list.x.shape[1:]), one_list.values.dtype)
        levels = self.q.ravel()
        answers = _increasing(jax.vmap(one)(levels), levels)
        return one_list.first(answers, len(answers)).reshape(*self.q.shape, *answers.shape[1:])

    def dims(self, axes: Axes) -> Dims:
        return (None,) * self.q.ndim + axes.batch


class _Quantiles(_AbstractQuantiles):
    target: TargetMeasure
    q: Float[Array, "*q"]
    width: Float[Array, ""] | None
    place: _Place | None = eqx.field(static=True)

    def atom(self, q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
        n = one_list.count
        return linear_centre(q if self.place is None else _level_of(self.place, q, n), n), 1 / n


class _WeightedQuantiles(_AbstractQuantiles):
    """A reading of the least value up to which there is at least the mass q.

    The middle target has the weight of that value.
    """

    target: TargetMeasure
    q: Float[Array, "*q"]
    width: Float[Array, ""] | None

    def atom(self, q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
        weights = jnp.take_along_axis(one_list.weights, jnp.argsort(transport.keys, axis=0), axis=0)
        masses = jnp.cumsum(weights, axis=0)
        # Numerics: rounding may have moved a level above the sum of weights that it should equal, so it is lowered. A
        # value without weight is never found, because the masses up to it and up to the value before it are equal.
        level = jnp.maximum(q * (1 - 4 * jnp.finfo(q.dtype).eps), jnp.finfo(q.dtype).tiny)
        place = jnp.sum(masses < level, axis=0, keepdims=True).clip(max=len(weights) - 1)
        mass, weight = (jnp.take_along_axis(array, place, axis=0) for array in (masses, weights))
        return mass - weight / 2, weight


def _increasing(answers: Float[Array, "q *lists"], levels: Float[Array, " q"]) -> Float[Array, "q *lists"]:
    """Returns quantiles that do not decrease as the level rises; only rounding can make them decrease."""
    if len(levels) == 1:
        return answers
    order = jnp.argsort(levels)
    return jnp.zeros_like(answers).at[order].set(rising(answers[order]), unique_indices=True)


def median(x: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Returns the median, `quantile(x, 0.5)`.

    Args:
        x: values, any shape.
        **options: see `Options`.

    Returns:
        The medians, in the units of x and the shape of x without its axis.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.median(x):.2f} {otsort.median(x, epsilon=0):.2f}")
        4.96 5.00
    """
    return quantile(x, 0.5, **options)
