"""The operators: thin readings of a transport plan, along any axis.

Write x for the values along the axis, n for their number, (a, x) for their measure and (b, y) for the target's. A plan
averages: `push` carries values of the inputs to the targets, `pull` values of the targets to the inputs. Soft or exact
is the solver's affair: `epsilon=0` gives the K-operators of Cuturi, Teboul and Vert (2019), a positive one the
S-operators.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ._checks import probabilities, require
from ._cost import SquaredCost
from ._plan import AbstractPlan
from ._semidual import MAX_ENTRIES
from ._solve import as_solver, as_values, pose, solve_problem
from ._solver import AbstractSolver
from ._target import AbstractTarget, TargetMeasure, UniformTarget, atom_weights
from ._types import Cost, Scalar, Squash
from .squash import logistic


class Options(TypedDict, total=False):
    """What every operator takes, by keyword.

    Attributes:
        axis: an axis, several (taken together as one list of values), or None for all; -1 unless given.
        weights: nonnegative, of the shape of x, or of its shape along the axes; scaled to sum to 1; uniform unless
            given.
        solver: how to transport; unless given `Newton()`, or `Quadrature()` where that works on fewer entries.
        epsilon: short for the default solver at that epsilon, in units of the cost; the number 0 gives the exact
            operators. With `solver` it is a TypeError.
        cost: even convex function of the displacement; `SquaredCost()` unless given.
        squash: increasing map into [0, 1]; `otsort.squash.logistic` unless given.
        throw: raise RuntimeError if the solve misses its tolerance (True unless given), or return its best.
    """

    axis: int | Sequence[int] | None
    weights: ArrayLike | None
    solver: AbstractSolver | None
    epsilon: Scalar | None
    cost: Cost | None
    squash: Squash | None
    throw: bool


def cdf(
    x: ArrayLike, *, num_targets: int | None = None, target: AbstractTarget | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Cumulative distribution function of x at each of its own values: Definitions 1 and 2.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target, n unless given; values have resolution 1/m.
        target: a target measure instead.
        **options: see `Options`.

    Returns:
        Shape of x, in [0, 1].

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.same(_cdf, rows.target(num_targets, target))


def _cdf(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " n"]:
    return transport(target).level(1.0)


def rank(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Ranks, 1 for the least of n values and n for the largest, as scipy.stats.rankdata; ties share their average.

    1/2 + n * pull(cumsum b - b/2), which is n * cdf(x) when m = n targets are uniform; its weighted mean is (n + 1)/2.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target, n unless given.
        target: a target measure instead.
        descending: count from the largest: n + 1 - rank.
        **options: see `Options`.

    Returns:
        Shape of x.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    ranks = rows.same(_rank, rows.target(num_targets, target))
    return rows.n + 1 - ranks if descending else ranks


def _rank(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " n"]:
    return 0.5 + x.size * transport(target).level(0.5)


def sort(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Sorted values, nondecreasing: Definitions 1 and 2 (K-quantiles, S-quantiles) on m uniform targets.

    With `epsilon=0` and m = n they are the values of x themselves, bit for bit.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target and of the answer, n unless given.
        target: a target measure instead.
        descending: largest first.
        **options: see `Options`.

    Returns:
        x with its axis (or the first of its axes, the others dropped) of length m.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.new(_sort_descending if descending else _sort, rows.target(num_targets, target))


def _sort(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " m"]:
    values = transport(target).push(x)
    # Monotone at every potential, as exp(-h / epsilon) is totally positive: this undoes rounding, nothing else.
    return values + jax.lax.stop_gradient(jax.lax.cummax(values) - values)


def _sort_descending(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " m"]:
    return _sort(transport, x, target)[::-1]


def quantile(
    x: ArrayLike, q: ArrayLike, *, width: Scalar | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Quantiles, each from a problem of its own with three targets: the q-th value does not depend on the other q.

    The middle target is an atom of mass min(width, 2 c, 2 (1 - c)) centred at level c = q + (1/2 - q)/n. With
    `epsilon=0`, uniform weights and the default width this is numpy's linear quantile. (Equation (4) of Cuturi et al.
    is `TargetMeasure.quantile`, centred elsewhere.)

    Args:
        x: values, any shape.
        q: levels in [0, 1], any shape, any order.
        width: mass of the atom, in (0, 1]; 1/n unless given. A wider one averages more values.
        **options: see `Options`.

    Returns:
        The shape of q, then that of x without its axis.

    Raises:
        ValueError: q or width out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    dtype = rows.x.dtype
    q = jnp.asarray(q, dtype)
    q = require(q, jnp.all((q >= 0) & (q <= 1)), "quantile levels q must lie in [0, 1]")
    width = jnp.asarray(1 / rows.n if width is None else width, dtype)
    width = require(width, (width > 0) & (width <= 1), "the width of a quantile's atom must lie in (0, 1]")
    return rows.quantiles(q, width)


def _quantile(transport: "_Transport", x: Float[Array, " n"], shared: Any) -> Float[Array, " q"]:
    q, width, target = shared

    def one(q):
        weights = atom_weights(q, width, x.size)
        return transport(eqx.tree_at(lambda target: target.weights, target, weights)).push(x)[1]

    return jax.vmap(one)(q)


def median(x: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """`quantile(x, 0.5)`: x without its axis."""
    return quantile(x, 0.5, **options)


def top_k(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """The k largest values, largest first as jax.lax.top_k: push of x to k atoms of mass 1/n.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        x with its axis of length k.

    Raises:
        ValueError: k out of range.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    largest_first = rows.new(_sort_descending, TargetMeasure.top_k(rows.n, k))
    return jax.lax.slice_in_dim(largest_first, 0, k, axis=rows.axes[0])


def top_k_mask(x: ArrayLike, k: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """How far each value belongs to the k largest: pull of the indicator of a top atom of mass k/n.

    Args:
        x: values, any shape.
        k: how many, between 1 and n.
        **options: see `Options`.

    Returns:
        Shape of x, in [0, 1]; the sum of n a_i mask_i is k.

    Raises:
        ValueError: k out of range.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.same(_top_k_mask, TargetMeasure.top_mass(rows.n, k))


def _top_k_mask(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " n"]:
    return transport(target).pull(target.points)


def permutation(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "... m n"]:
    """The matrix that sorts: P^T / P^T 1, row-stochastic; `permutation(x) @ x` is `sort(x)`.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target, n unless given.
        target: a target measure instead.
        descending: row of the largest value first.
        **options: see `Options`.

    Returns:
        The shape of x without its axis, then `(m, n)`.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    matrix = rows.run(_permutation, rows.target(num_targets, target)).reshape(*rows.batch, -1, rows.n)
    return jnp.flip(matrix, -2) if descending else matrix


def _permutation(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, "m n"]:
    return transport(target).push(jnp.eye(x.size, dtype=x.dtype))


def quantile_normalize(
    x: ArrayLike, reference: ArrayLike, *, target: AbstractTarget | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Values of a reference in the order of x: pull of the reference, T_f of Definitions 1 and 2.

    Args:
        x: values, any shape.
        reference: m nondecreasing values, shape `(m,)`.
        target: m weighted points; uniform unless given.
        **options: see `Options`.

    Returns:
        Shape of x, in units of the reference.

    Raises:
        ValueError: the reference decreases (RuntimeError when traced) or is not a list of m values.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    reference = as_values(reference)[0].astype(rows.x.dtype)
    if reference.ndim != 1:
        raise ValueError(f"the reference must be one list of values, shape (m,), got {reference.shape}")
    reference = require(
        reference, ~jnp.any(reference[1:] < reference[:-1]), "the reference must not decrease: sort it first"
    )
    target = UniformTarget(reference.size, reference.dtype) if target is None else target
    if target.points.size != reference.size:
        raise ValueError(f"the target has {target.points.size} points for a reference of {reference.size} values")
    return rows.same(_quantile_normalize, (target, reference))


def _quantile_normalize(transport: "_Transport", x: Float[Array, " n"], shared: Any) -> Float[Array, " n"]:
    target, reference = shared
    return transport(target).pull(reference)


def quantile_transform(
    x: ArrayLike,
    quantile_function: Callable[[Array], Array],
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """`quantile_function(cdf(x))`, T_rho of Definitions 1 and 2: x with the distribution of rho.

    Args:
        x: values, any shape.
        quantile_function: of rho, applied to an array of the shape of x with entries in [0, 1]. With `epsilon=0` the
            largest entry is 1, where a density of unbounded support has an infinite quantile.
        num_targets: m, the size of the uniform target, n unless given.
        target: a target measure instead.
        **options: see `Options`.

    Returns:
        What `quantile_function` returns.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    return quantile_function(cdf(x, num_targets=num_targets, target=target, **options))


def sort_by(
    values: ArrayLike,
    key: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Values in the order of a key: push of the values through the plan of the key.

    Args:
        values: the shape of the key, then any more axes, such as `(n, d)` for a key of shape `(n,)`.
        key: what to sort by, any shape; `axis` and `weights` refer to it.
        num_targets: m, the size of the uniform target, n unless given.
        target: a target measure instead.
        descending: values of the largest key first.
        **options: see `Options`.

    Returns:
        The values with the key's axis of length m.

    Raises:
        ValueError: the values' shape does not begin with the key's.
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(key, options, values)
    return rows.new(_sort_by_descending if descending else _sort_by, rows.target(num_targets, target))


def _sort_by(transport: "_Transport", values: Float[Array, "n *d"], target: AbstractTarget) -> Float[Array, "m *d"]:
    return transport(target).push(values)


def _sort_by_descending(
    transport: "_Transport", values: Float[Array, "n *d"], target: AbstractTarget
) -> Float[Array, "m *d"]:
    return _sort_by(transport, values, target)[::-1]


def quantize(x: ArrayLike, levels: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Each value replaced by an average of `levels` group means: pull(push(x)) on uniform targets.

    Args:
        x: values, any shape.
        levels: number of groups of equal weight, at least 1.
        **options: see `Options`.

    Returns:
        Shape of x.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.same(_quantize, UniformTarget(levels, rows.x.dtype))


def _quantize(transport: "_Transport", x: Float[Array, " n"], target: AbstractTarget) -> Float[Array, " n"]:
    plan = transport(target)
    return plan.pull(plan.push(x))


_Transport = Callable[[AbstractTarget], AbstractPlan]


class Rows:
    """The lists of values along the axes of x, and the way back to its shape."""

    def __init__(self, x: ArrayLike, options: Options, values: ArrayLike | None = None):
        self._set_options(**options)
        self.x, self._dtype = as_values(x)
        shape = self.x.shape
        self.axes = _axes(self._axis, len(shape))
        self._lengths = tuple(shape[i] for i in self.axes)
        self.n = int(np.prod(self._lengths))
        self.batch = tuple(size for i, size in enumerate(shape) if i not in self.axes)
        self.lists = self._lists(self.x)
        self.weights = jnp.full_like(self.lists, 1 / self.n)
        if self._raw_weights is not None:
            weights = as_values(self._raw_weights)[0].astype(self.x.dtype)
            self.weights = probabilities(self._lists(self._broadcast(weights)), "weights")
        self._values = self.lists
        if values is not None:
            values, self._dtype = as_values(values)
            if values.shape[: len(shape)] != shape:
                raise ValueError(f"values must have the key's shape {shape} and then any axes, got {values.shape}")
            self._values = self._lists(values.astype(self.x.dtype))

    def _set_options(
        self,
        axis: int | Sequence[int] | None = -1,
        weights: ArrayLike | None = None,
        solver: AbstractSolver | None = None,
        epsilon: Scalar | None = None,
        cost: Cost | None = None,
        squash: Squash | None = None,
        throw: bool = True,
        **unknown: Any,
    ):
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}: known are {sorted(Options.__annotations__)}")
        self._axis = axis
        self._raw_weights = weights
        self._solver, self._epsilon = solver, epsilon
        self._how = (cost or SquaredCost(), squash or logistic, throw)

    def target(self, num_targets: int | None, target: AbstractTarget | None) -> AbstractTarget:
        """The target that the two options name: n uniform points if neither is given."""
        if num_targets is not None and target is not None:
            raise TypeError("give either num_targets or target")
        if target is not None:
            return target
        return UniformTarget(self.n if num_targets is None else num_targets, self.x.dtype)

    def run(self, recipe: Callable[[_Transport, Array, Any], Array], shared: Any) -> Array:
        """`recipe(transport, values, shared)` for every list: the answers side by side, on a first axis."""
        is_target = lambda node: isinstance(node, AbstractTarget)
        shared = jax.tree.map(lambda node: node.astype(self.x.dtype), shared, is_leaf=is_target)
        (target,) = filter(is_target, jax.tree.leaves(shared, is_leaf=is_target))
        solver = as_solver(self._solver, self._epsilon, self.n, target, self._how[0])
        # All lists share MAX_ENTRIES, as the targets of one list do.
        size = max(1, MAX_ENTRIES // max(4 * self.n, solver.entries(self.n, target)))
        lists = (self.lists, self.weights, self._values)
        return _run(recipe, lists, shared, size, solver, *self._how).astype(self._dtype)

    def same(self, recipe: Callable[[_Transport, Array, Any], Array], shared: Any) -> Array:
        """Answers of shape `(n,)`, in the shape of x."""
        answers = self.run(recipe, shared).reshape(self.batch + self._lengths)
        return jnp.moveaxis(answers, range(-len(self.axes), 0), self.axes)

    def new(self, recipe: Callable[[_Transport, Array, Any], Array], shared: Any) -> Array:
        """Answers of shape `(m, ...)`, with m in place of the first axis."""
        answers = self.run(recipe, shared)
        answers = answers.reshape(self.batch + answers.shape[1:])
        return jnp.moveaxis(answers, len(self.batch), self.axes[0])

    def quantiles(self, q: Array, width: Array) -> Array:
        """Answers at each level, the shape of q first."""
        answers = self.run(_quantile, (q.ravel(), width, TargetMeasure.uniform(3))).reshape(self.batch + q.shape)
        return jnp.moveaxis(answers, range(len(self.batch), answers.ndim), range(q.ndim))

    def _lists(self, array: Array) -> Array:
        """The axes taken together and moved behind a single batch axis, trailing axes kept."""
        array = jnp.moveaxis(array, self.axes, range(len(self.batch), len(self.batch) + len(self.axes)))
        return array.reshape(-1, self.n, *array.shape[len(self.batch) + len(self.axes) :])

    def _broadcast(self, weights: Array) -> Array:
        if weights.shape == self.x.shape:
            return weights
        if weights.shape != self._lengths:
            raise ValueError(
                f"weights must have the shape of the values, {self.x.shape}, or along the axes, {self._lengths}; "
                f"got {weights.shape}"
            )
        shape = [size if i in self.axes else 1 for i, size in enumerate(self.x.shape)]
        order = sorted(range(len(self.axes)), key=lambda i: self.axes[i])
        return jnp.broadcast_to(weights.transpose(order).reshape(shape), self.x.shape)


def _axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    if ndim == 0:
        raise ValueError("a scalar has no axis to sort along: give at least one dimension")
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if not axes or any(not -ndim <= i < ndim for i in axes) or len({i % ndim for i in axes}) < len(axes):
        raise ValueError(f"axis {axis} does not name distinct axes of an array of {ndim} dimensions")
    return tuple(sorted(i % ndim for i in axes))


@eqx.filter_jit
def _run(recipe, lists, shared, size, solver, cost, squash, throw):
    """The one place where lists become a batch, `size` of them at a time."""

    def one(row):
        x, weights, values = row

        def transport(target: AbstractTarget) -> AbstractPlan:
            return solve_problem(pose(x, weights, target, solver, cost, squash), solver, throw).plan

        return recipe(transport, values, shared)

    batch = lists[0].shape[0]
    if batch == 1:
        return one(jax.tree.map(lambda array: array[0], lists))[None]
    return jax.vmap(one)(lists) if batch <= size else jax.lax.map(one, lists, batch_size=size)
