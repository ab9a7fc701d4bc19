"""The functions of this package in ordinary JAX: what each computes, without compiler tricks and batching rules."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float, Int, PyTree

_Tree = TypeVar("_Tree")

_HIGHEST = jax.lax.Precision.HIGHEST


def materialised(arrays: _Tree) -> _Tree:
    """Returns the same arrays."""
    return arrays


def sum_along(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Returns the sum along an axis."""
    return jnp.sum(array, axis)


def repeat_along(array: Float[Array, "..."], axis: int, size: int) -> Float[Array, "..."]:
    """Returns an array repeated `size` times along a new axis."""
    return jnp.repeat(jnp.expand_dims(array, axis), size, axis)


def max_along(array: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Returns the maximum along an axis, a constant for derivatives."""
    return jnp.max(jax.lax.stop_gradient(array), axis)


def matvec(matrix: Float[Array, "k l *lists"], vector: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Returns the product of matrix and vector."""
    return jnp.einsum("kl...,l...->k...", matrix, vector, precision=_HIGHEST)


def weighted_sum(matrix: Float[Array, "k l *lists"], weights: Float[Array, "k *lists"]) -> Float[Array, "l *lists"]:
    """Returns the sum of weighted rows."""
    return jnp.einsum("kl...,k...->l...", matrix, weights, precision=_HIGHEST)


def matmul(left: Float[Array, "k l *lists"], right: Float[Array, "l r *lists"]) -> Float[Array, "k r *lists"]:
    """Returns the product of two matrices."""
    return jnp.einsum("kl...,lr...->kr...", left, right, precision=_HIGHEST)


def transposed(matrix: Float[Array, "k l *lists"]) -> Float[Array, "l k *lists"]:
    """Returns the transpose of each list's matrix."""
    return jnp.swapaxes(matrix, 0, 1)


def factorise(matrix: Float[Array, "m m *lists"], lists_last: bool) -> Float[Array, "m m *lists"]:
    """Returns Cholesky's factors."""
    del lists_last
    return _for_each_matrix(jnp.linalg.cholesky, matrix)


def solve_factorised(
    factor: Float[Array, "m m *lists"], right: Float[Array, "m *lists"], lists_last: bool
) -> Float[Array, "m *lists"]:
    """Returns the solution of a system that `factorise` was given."""
    del lists_last
    return _for_each_matrix(lambda factor, right: jax.scipy.linalg.cho_solve((factor, True), right), factor, right)


def _for_each_matrix(function: Callable[..., Array], *arrays: Array) -> Array:
    return function(*arrays) if arrays[0].ndim == 2 else jax.vmap(function, in_axes=-1, out_axes=-1)(*arrays)


def for_each_list(
    function: Callable[[Any], Any], arrays: PyTree[Array], *, lists_last: bool, at_once: int | None = None
) -> PyTree[Array]:
    """Returns the answers of a function for one list, or for a batch, all at once."""
    del at_once
    if jax.tree.leaves(arrays)[0].ndim == 1:
        return function(arrays)
    axis = -1 if lists_last else 0
    return jax.vmap(function, in_axes=axis, out_axes=axis)(arrays)


def at_once(entries: int, dtype: DTypeLike) -> None:
    """Returns no limit for the number of lists in memory."""
    del entries, dtype


def kept(tree: _Tree) -> _Tree:
    """Returns the same arrays."""
    return tree


def anywhere(condition: Bool[Array, "*lists"]) -> Bool[Array, ""]:
    """Returns whether a condition holds for any list."""
    return jnp.any(condition)


def largest_anywhere(index: Int[Array, "*lists"]) -> Int[Array, ""]:
    """Returns the largest of nonnegative numbers; 0 for none."""
    return jnp.max(index, initial=0)


def varying_as(tree: _Tree, like: object) -> _Tree:
    """Returns the same arrays; loops over constants within `jax.shard_map` fail."""
    del like
    return tree


def on_any_mesh(function: Callable[..., _Tree], x: Array, dims: tuple[int | None, ...]) -> Callable[..., _Tree]:
    """Returns the same function; explicit meshes fail."""
    del x, dims
    return function


if jax.__version_info__ >= (0, 12):

    def with_jvp(function: Callable[..., Array], rule: Callable[..., tuple[Array, Array]], *arguments: Any) -> Array:
        """Returns `function(*arguments)`, with the derivative that a rule gives."""
        call = eqx.filter_custom_jvp(function)
        call.def_jvp(rule)
        return call(*arguments)

else:  # earlier versions drop such a rule within loops
    from .with_jvp import with_jvp as with_jvp
