"""Quantiles, each of which is read from a plan with three targets."""

from collections.abc import Callable
from typing import Any, TypeAlias, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Axes, Batch, Dims, OneList, Options, Transport
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
    """Returns quantiles of x at the levels q.

    Each quantile is read from a problem of its own with three targets, so it does not depend on the other levels. The
    middle target has the mass min(width, 2 c, 2 (1 - c)), centred at a level c, for the linear method
    c = q + (1/2 - q)/n. With `epsilon=0` and the default width, the result is that of `numpy.quantile` with the same
    method, ties and weights included. (Equation (4) of Cuturi et al. is `TargetMeasure.quantile`, which has another
    centre.)

    Args:
        x: values, any shape.
        q: levels in [0, 1], any shape, any order.
        method: which value has the level q, as in `numpy.quantile`. "linear" interpolates between two values; with
            weights, NumPy has no such method, and the level c above counts mass. "lower" and "higher" take the value
            below or above, and accept no weights. "inverted_cdf" takes the least value up to which there is at least
            the mass q. A level that misses a value by rounding only has that value.
        width: mass of the middle target, in (0, 1]; 1/n unless given, with n the number of values that take part. With
            "inverted_cdf" it is the weight of the value. A larger width averages more values.
        **options: see `Options`.

    Returns:
        The shape of q, then that of x without its axis; in the units of x.

    Raises:
        ValueError: q or width out of range (RuntimeError when traced); an unknown method, or one without weights.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> q = jnp.array([0.25, 0.4])
        >>> print(otsort.quantile(x, q), otsort.quantile(x, q, epsilon=0))
        [4.04 4.6 ] [4.  4.6]
        >>> print(otsort.quantile(x, q, method="higher", epsilon=0))
        [4. 5.]
    """
    atom = _ATOMS.get(method)
    if atom is None:
        raise ValueError(f"method must be one of {', '.join(_ATOMS)}, got {method!r}")
    if options.get("weights") is not None:
        if atom in (_lower, _higher):
            raise ValueError(f"method {method!r} accepts no weights: use 'inverted_cdf', as in NumPy")
        atom = _weighted_inverted_cdf if atom is _inverted_cdf else atom
    batch = Batch(x, options)
    q = batch.checked(q, lambda q: (q >= 0) & (q <= 1), "q must be levels in [0, 1]")
    if width is not None:
        width = batch.scalar(width, lambda width: (width > 0) & (width <= 1), "width must lie in (0, 1]")
    return batch.read(_Quantiles(uniform_atoms(3, batch.dtype), q, width, atom))


def _linear(q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
    return linear_centre(q, one_list.count), 1 / one_list.count


def _lower(q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
    n = one_list.count
    return (jnp.floor((n - 1) * q + _rounding(q, n)) + 0.5) / n, 1 / n


def _higher(q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
    n = one_list.count
    return (jnp.ceil((n - 1) * q - _rounding(q, n)) + 0.5) / n, 1 / n


def _inverted_cdf(q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
    n = one_list.count
    return (jnp.maximum(jnp.ceil(n * q - _rounding(q, n)), 1) - 0.5) / n, 1 / n


def _weighted_inverted_cdf(q: Float[Array, ""], one_list: OneList, transport: Transport) -> tuple[Any, Any]:
    weights = jnp.take_along_axis(one_list.weights, jnp.argsort(transport.keys, axis=0), axis=0)
    masses = jnp.cumsum(weights, axis=0)
    # A value without weight is not found: the masses up to it and up to the value before it are equal.
    level = jnp.maximum(q - _rounding(q, 1), jnp.finfo(weights.dtype).tiny)
    place = jnp.sum(masses < level, axis=0, keepdims=True).clip(max=len(weights) - 1)
    mass, weight = (jnp.take_along_axis(array, place, axis=0) for array in (masses, weights))
    return mass - weight / 2, weight


#: From a level, a list and its transport to the centre and the width of the middle target. The arrays are scalars, or
#: have one entry for each list.
_Atom: TypeAlias = Callable[[Float[Array, ""], OneList, Transport], tuple[Any, Any]]
_ATOMS: dict[str, _Atom] = {
    "linear": _linear,
    "lower": _lower,
    "higher": _higher,
    "inverted_cdf": _inverted_cdf,
}


def _rounding(q: Float[Array, ""], n: int | Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns what a level times n may miss an integer by because of rounding."""
    return jnp.asarray(4 * jnp.finfo(q.dtype).eps * n, q.dtype)


class _Quantiles(AbstractReading):
    target: TargetMeasure
    q: Float[Array, "*q"]
    width: Float[Array, ""] | None
    atom: _Atom = eqx.field(static=True)

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


def _increasing(answers: Float[Array, "q *lists"], levels: Float[Array, " q"]) -> Float[Array, "q *lists"]:
    """Returns quantiles without the decreases that only rounding caused where the level rises."""
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
        x without its axis, in its units.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(f"{otsort.median(x):.2f} {otsort.median(x, epsilon=0):.2f}")
        4.96 5.00
    """
    return quantile(x, 0.5, **options)
