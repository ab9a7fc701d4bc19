"""Distances between two samples."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float

from .._call import Axes
from .._call.closure import opened_elementwise
from .._call.one_list import filled, taking_part
from .._call.weights import as_mask, checked_weights
from .._checks import as_array, as_callable, as_own, checked, dtypes, is_traced, wider
from .._solver import NorthWestCorner
from .._transport.cost import SQUARED
from .._transport.monotone_plan import MonotonePlan
from .._transport.problem import Problem
from .._transport.target import uniform_atoms
from .._types import Cost, Scalar
from .._xla import on_any_mesh, quotient


def wasserstein(
    x: ArrayLike,
    y: ArrayLike,
    *,
    p: Scalar = 1,
    cost: Cost | None = None,
    axis: int | Sequence[int] | None = -1,
    weights: ArrayLike | None = None,
    other_weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    other_where: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Computes the exact Wasserstein distance between the values of x and the values of y.

    It is the p-th root of the least mean of abs(x_i - y_j)^p over all transport plans between the two. In one
    dimension, the plan that transports in sorted order is optimal: Proposition 1 of Cuturi et al. (2019). For p = 1 the
    distance is `scipy.stats.wasserstein_distance`. With a cost h in place of the exponent, the result is the least mean
    of h(x_i - y_j). There is no epsilon, because the distance is differentiable almost everywhere, in the values and in
    the weights. It takes O((n + m) log(n + m)) time.

    Args:
        x: values, any shape.
        y: other values, of the shape of x, except that the length along the axis may differ.
        p: exponent, finite and at least 1; one number for all lists.
        cost: even convex elementwise function of the displacement. It replaces both abs(x - y)^p and the root.
        axis: one axis, several axes (whose values form one list), or None for all axes.
        weights: weights of x, finite and nonnegative, of its shape or of its shape along the axes; uniform unless
            given. They are scaled to sum to 1.
        other_weights: weights of y.
        where: a boolean mask of the values of x that take part, of its shape or of its shape along the axes; all unless
            given.
        other_where: a mask of the values of y that take part.

    Returns:
        The distances, in the shape of x without the axis and in the units of x, or of the cost. They are 0 if no value
        of x or no value of y takes part. Where a distance is 0, its gradient is 0.

    Raises:
        ValueError: p is out of range (RuntimeError when traced); x and y differ in another axis, or one of them is
            empty; weights or masks are wrong, see `otsort.Options`.
        TypeError: values are not real, a mask is not boolean, or both p and cost are given.

    Example:
        >>> x, y = jnp.array([1.0, 5.0, 4.0]), jnp.array([2.0, 8.0, 3.0])
        >>> print(f"{otsort.losses.wasserstein(x, y):.2f} {otsort.losses.wasserstein(x, y, p=2):.2f}")
        1.67 1.91
        >>> print(jax.grad(otsort.losses.wasserstein)(x, y))
        [-0.33 -0.33  0.33]
    """
    x, y = as_array(x, "x"), as_array(y, "y")
    (dtype, answer), (of_y, _) = dtypes(x, "x"), dtypes(y, "y")
    dtype = wider(dtype, of_y)
    if cost is not None:
        if is_traced(p) or np.any(np.asarray(p) != 1):
            raise TypeError("give either p or cost: p is short for the cost abs(x - y)^p and the root of its mean")
        cost = opened_elementwise(as_callable(cost, "cost", "jax.numpy.square"), dtype)
    p = checked(
        p, lambda p: (p >= 1) & (p < jnp.inf) & (p.ndim == 0), "p", "must be one finite number, at least 1", dtype=dtype
    )
    if x.ndim != y.ndim:
        raise ValueError(f"x and y must have the same number of axes, got {x.shape} and {y.shape}")
    axes, others = Axes.of(x.shape, axis), Axes.of(y.shape, axis)
    if axes.batch_shape != others.batch_shape:
        raise ValueError(f"x and y must have one shape without the axis, got {x.shape} and {y.shape} for axis={axis}")
    if not (axes.n and others.n):
        raise ValueError(f"x and y must hold at least one value in each list, got shapes {x.shape} and {y.shape}")
    samples = _sample(x, weights, where, axes, dtype), _sample(y, other_weights, other_where, others, dtype)
    return _distances(*samples, jnp.asarray(p), cost, axes, others).astype(answer)


class _Sample(eqx.Module):
    """The values of all lists, their weights and the mask of those that take part, along the axes of an array."""

    values: Float[Array, "..."]
    weights: Float[Array, "..."]
    where: Bool[Array, "..."]


def _sample(
    values: Array | np.ndarray, weights: ArrayLike | None, where: ArrayLike | None, axes: Axes, dtype: DTypeLike
) -> _Sample:
    mask = jnp.ones(axes.shape, bool) if where is None else axes.broadcast(jnp.asarray(as_mask(where, axes)))
    given = jnp.ones(axes.shape, dtype)
    if weights is not None:
        given = axes.broadcast(checked_weights(weights, None if where is None else mask, axes, dtype))
    return _Sample(as_own(values, dtype), given, mask)


@eqx.filter_jit
def _distances(
    x: _Sample, y: _Sample, p: Float[Array, ""], cost: Cost | None, axes: Axes, others: Axes
) -> Float[Array, "..."]:
    dynamic, static = eqx.partition(cost, eqx.is_array)

    def run(x: _Sample, y: _Sample, p: Float[Array, ""], dynamic: Any) -> Float[Array, "..."]:
        x, y = jax.tree.map(axes.lists, x), jax.tree.map(others.lists, y)
        cost = eqx.combine(dynamic, static)
        distances = jax.vmap(lambda x, y: _distance(x, y, p, cost))(x, y)
        return axes.arrange(distances, axes.batch)

    return on_any_mesh(run, x.values, axes.batch)(x, y, p, dynamic)


def _distance(x: _Sample, y: _Sample, p: Float[Array, ""], cost: Cost | None) -> Float[Array, ""]:
    plan = _plan(x, y, SQUARED if cost is None else cost)
    distance = _of_power(plan, p) if cost is None else plan.transport_cost()
    return jnp.where(jnp.any(x.where) & jnp.any(y.where), distance, 0)


def _plan(x: _Sample, y: _Sample, cost: Cost) -> MonotonePlan:
    (of_x, from_weights), (of_y, to_weights) = map(_measure, (x, y))
    order = jnp.argsort(of_y)
    target = uniform_atoms(1, of_y.dtype)
    target = eqx.tree_at(lambda target: (target.points, target.weights), target, (of_y[order], to_weights[order]))
    plan = NorthWestCorner().solve(Problem(of_x, from_weights, target, cost)).plan
    assert isinstance(plan, MonotonePlan)
    return plan


def _of_power(plan: MonotonePlan, p: Float[Array, ""]) -> Float[Array, ""]:
    """Returns the p-th root of the mean of the p-th power of the distances."""
    target = plan.target
    moved = jnp.abs(plan.positions[plan.source] - target.points[plan.goal])
    largest = stop_gradient(jnp.max(jnp.where(plan.mass > 0, moved, 0)))
    scale = jnp.where(largest > 0, largest, 1)
    # Numerics: powers of distances relative to the largest one are within the range of float32. A segment without mass
    # may be longer. It counts in the derivative, so it is bounded, and zero times infinity does not occur.
    longest = jnp.asarray(jnp.finfo(moved.dtype).max, moved.dtype) ** (0.5 / p)
    mean = jnp.sum(plan.mass * jnp.minimum(quotient(moved, scale), longest) ** p)
    apart = ~(mean == 0)
    return jnp.where(apart, scale * jnp.where(apart, mean, 1) ** (1 / p), 0)


def _measure(sample: _Sample) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Returns values, and weights that sum to 1.

    Values that take no part, and infinite values without weight, are replaced by another value.
    """
    weights = taking_part(sample.weights, sample.where)
    known = (weights > 0) | jnp.isfinite(sample.values)
    return filled(sample.values, sample.where & known), weights / jnp.sum(weights)
