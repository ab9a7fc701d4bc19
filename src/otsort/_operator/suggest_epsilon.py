"""Rules for epsilon, from the number of neighbours of a value or the number of places that it reaches."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractListFunction, Batch, OneList, Options, of_each_list
from .._call.one_list import filled
from .._solver import MOST_TARGETS, SMALLEST_EPSILON
from .._types import Scalar, Squash
from ..squash import logistic

# A value has SUPPORT * w - OWN neighbours, where w is the deviation of the kernel in ranks, and OWN is the part of the
# value itself. The constants are not fitted. With phi(t) the Fourier transform of q / (exp(q) - 1), q the square of the
# frequency, SUPPORT = r^2 / s and OWN = 2 u - u^2, where r = int |phi| = 1.01205, s = int phi^2 = 0.26888 and
# u = phi(0) r / s, phi(0) = 0.36847.
SUPPORT, OWN = 3.8093, 0.8503


def suggest_epsilon(
    x: ArrayLike,
    neighbours: Scalar,
    *,
    axis: int | Sequence[int] | None = -1,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    squash: Squash | None = None,
) -> Float[Array, "..."]:
    """Returns the epsilon at which the rank of a typical value depends on a given number of other values.

    When a value changes, its own rank changes, and so do the ranks of values near it. The neighbours of a value are the
    other values that its rank depends on. Their number for value i is the participation ratio (sum_j abs(J_ij))^2 /
    sum_j J_ij^2 over j != i, with J = d rank / dx. It counts the entries of the gradient that are not small. About half
    of all values have more neighbours than asked for, and half have fewer. With more neighbours, a loss is smoother and
    its gradient depends on values further away. With fewer, ranks are nearer to the exact ones. The rule follows from
    the shape of the plan where values lie densely (documentation, "Choosing epsilon"), without a fitted constant:

        epsilon = 2 (s / 3.81)^2 width(s) / s,    s = (neighbours + 0.85) / n,

    where width(s) is the median length, after the squash, of the intervals that hold a share s of the values. Ties are
    spread over the gap to the next value. The rule is made for the squared cost and as many targets as values.

    The answer is a setting and not a function to train, so its derivative is zero. Call the function once, on typical
    values, and give the number to the operator: `rank(x, epsilon=suggest_epsilon(x, 10))`. The number may also be
    traced.

    The rule does not hold in four cases. The ties of a value are neighbours at every epsilon, so it cannot have fewer
    neighbours than ties. With m < n targets, it cannot have fewer than about n / m. If fewer than 2 neighbours are
    asked for, the gradient fades instead. If more than n/2 are asked for, a value has fewer, because the list ends.

    If the neighbours are less than about a hundredth of a long list, they need an epsilon below 1e-5. Neither default
    solver accepts that for more than 16384 values with as many targets. Such a list gets 1e-5, and its values have more
    neighbours than asked for. Use fewer targets (`num_targets`), or shorter lists, where fewer are needed.

    Args:
        x: values, any shape.
        neighbours: number of neighbours, between 1 and n - 1. With weights, it is relative to the effective number of
            values, 1 / sum a_i^2, and at most all of them count.
        axis: see `Options`.
        weights: see `Options`.
        where: see `Options`. A list with fewer than two values that take part counts as constant.
        squash: the squash that the operator will use; `otsort.squash.logistic` unless given.

    Returns:
        One epsilon for each list, in the shape of x without its axis. The dtype is float32 or float64; it is float32
        for float16 and bfloat16, which cannot hold a small epsilon. Each epsilon is at least 8 machine epsilons of that
        dtype, 1e-6 in float32, because solves are too inaccurate below that. For more than 16384 values it is at least
        1e-5. Constant values get the epsilon of evenly spread values. NaN and infinite values give NaN.

    Raises:
        ValueError: fewer than two values; neighbours is not a scalar, or out of range (RuntimeError when traced).
        ValueError, TypeError: see `solve`.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (50,))
        >>> print(f"{otsort.suggest_epsilon(x, 5):.1e} {otsort.suggest_epsilon(x, 20):.1e}")
        1.6e-03 2.1e-02
    """
    options = Options(axis=axis, weights=weights, where=where, squash=squash)
    batch = _lists_of_two_or_more(x, options)
    most = batch.n - 1
    allowed = f"must lie between 1 and n - 1 = {most} (the number of other values)"
    neighbours = batch.scalar(neighbours, lambda count: (count >= 1) & (count <= most), "neighbours", allowed)
    return stop_gradient(batch.apply(_EntropicSuggestion(neighbours, squash or logistic), 8 * batch.n))


def suggest_sparse_epsilon(
    x: ArrayLike,
    places: Scalar,
    *,
    axis: int | Sequence[int] | None = -1,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    squash: Squash | None = None,
) -> Float[Array, "..."]:
    """Returns the epsilon of `SparseNewton` at which a typical value reaches a given number of places.

    A place is one of n targets with equal weights, such as those of `rank`. A value reaches a place if the plan sends a
    share above zero there. About half of all values reach more places than asked for, and half reach fewer. Where
    values lie densely, the shares of a value follow a parabola that is cut off at zero. The mass of the parabola is 1,
    which gives the rule without a fitted constant:

        epsilon = s^2 width(s) / 6,    s = places / n,

    where width(s) is the median length, after the squash, of the intervals that hold a share s of the values. With m <
    n targets a value reaches m / n times as many places. The answer is a setting and not a function to train, so its
    derivative is zero.

    In float32, fewer places than about a fiftieth of the list need an epsilon below the least one that is suggested. A
    value then reaches more places than asked for. If more than half of the places are asked for, a value reaches a few
    fewer, because the list ends.

    Args:
        x: values, any shape.
        places: number of places, between 1 and n. The rank of a value that reaches a single place has no gradient.
        axis: see `Options`.
        weights: see `Options`.
        where: see `Options`.
        squash: the squash that the operator will use; `otsort.squash.logistic` unless given.

    Returns:
        One epsilon for each list, as `suggest_epsilon` returns it. It is at least 8 machine epsilons.

    Raises:
        ValueError: fewer than two values; places is not a scalar, or out of range (RuntimeError when traced).
        ValueError, TypeError: see `solve`.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (50,))
        >>> solver = otsort.SparseNewton(otsort.suggest_sparse_epsilon(x, 7))
        >>> plan = otsort.solve(x, otsort.UniformTarget(50), solver=solver).plan
        >>> print(jnp.median(jnp.sum(plan.as_matrix() > 0, axis=1)))
        7.0
    """
    options = Options(axis=axis, weights=weights, where=where, squash=squash)
    batch = _lists_of_two_or_more(x, options)
    allowed = f"must lie between 1 and n = {batch.n} (the number of values)"
    places = batch.scalar(places, lambda count: (count >= 1) & (count <= batch.n), "places", allowed)
    return stop_gradient(batch.apply(_SparseSuggestion(places, squash or logistic), 8 * batch.n))


def _lists_of_two_or_more(x: ArrayLike, options: Options) -> Batch:
    batch = Batch(x, options)
    if batch.n < 2:
        raise ValueError(
            f"x must hold at least two values in each list, got shape {batch.axes.shape}: a single value has no "
            "neighbours"
        )
    return batch


class _EntropicSuggestion(AbstractListFunction):
    neighbours: Float[Array, ""]
    squash: Squash

    def __call__(self, one_list: OneList) -> Float[Array, ""]:
        share = jnp.minimum((self.neighbours + OWN) * jnp.sum(one_list.weights**2), 1)
        epsilon = _usable(2 * (share / SUPPORT) ** 2 / _density(one_list, self.squash, share), one_list)
        # Newton accepts no more than MOST_TARGETS targets. Quadrature accepts more, but needs a larger epsilon.
        return epsilon if one_list.x.size <= MOST_TARGETS else jnp.maximum(epsilon, SMALLEST_EPSILON)

    dims = of_each_list


class _SparseSuggestion(AbstractListFunction):
    places: Float[Array, ""]
    squash: Squash

    def __call__(self, one_list: OneList) -> Float[Array, ""]:
        share = jnp.minimum(jnp.reshape(self.places / one_list.count, ()), 1)  # of places, which have equal weights
        return _usable(share**3 / 6 / _density(one_list, self.squash, share), one_list)

    dims = of_each_list


def _density(one_list: OneList, squash: Squash, share: Float[Array, ""]) -> Float[Array, ""]:
    x, weights = filled(one_list.x, one_list.weights > 0), one_list.weights
    return typical_density(squash(x, weights), weights, share, one_list.count)


def _usable(epsilon: Float[Array, ""], one_list: OneList) -> Float[Array, ""]:
    """Returns an epsilon of at least 8 machine epsilons; NaN if a value is not finite."""
    finite = jnp.all(jnp.isfinite(filled(one_list.x, one_list.weights > 0)))
    return jnp.where(finite, jnp.maximum(epsilon, 8 * jnp.finfo(epsilon.dtype).eps), jnp.nan)


def typical_density(
    positions: Float[Array, " n"], weights: Float[Array, " n"], share: Float[Array, ""], count: int | Float[Array, "1"]
) -> Float[Array, ""]:
    """Returns a share of the mass, divided by the median width of the windows that hold it; 1 for equal positions.

    The quantile function is taken to be linear between distinct positions. Each position has the level of the middle of
    its mass, so that ties do not make the function jump. Windows that would reach beyond an end are moved inside. There
    are `count` windows, up to n.
    """
    order = jnp.argsort(positions)
    positions, weights = positions[order], weights[order]
    mass = jnp.concatenate([jnp.zeros_like(weights[:1]), jnp.cumsum(weights)])
    first, last = (jnp.searchsorted(positions, positions, side) for side in ("left", "right"))
    levels = (mass[first] + mass[last]) / 2
    share = jnp.minimum(share, levels[-1] - levels[0])
    centres = (jnp.arange(positions.size, dtype=positions.dtype) + 0.5) / count
    low = jnp.clip(centres - share / 2, levels[0], levels[-1] - share)
    widths = jnp.interp(low + share, levels, positions) - jnp.interp(low, levels, positions)
    width = jnp.nanmedian(jnp.where(centres < 1, widths, jnp.nan))
    spread = width > 0
    return jnp.where(spread, share / jnp.where(spread, width, 1), 1)
