"""One list, or many side by side: the few operations that differ.

An array of one list has axes of inputs and targets, such as `(n, m)`. Short lists are solved side by side, with a last
axis of lists that the others broadcast against, `(n, m, lists)`: all loops then run over lists, which fills vector
units where n and m are too short to, and linear algebra is a few of these loops instead of a call for every list.
Shapes below write `*lists` for that axis, or none.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.interpreters import batching
from jaxtyping import Array, Bool, Float, Num

from ._primitive import compiled_once, primitive
from ._total import copies, total

Tree = TypeVar("Tree")

#: Up to so many inputs and targets, lists are solved side by side.
SHORT = 32
MOST_SHORT_TARGETS = 24
_LONG = 512  # a sum of so many terms loses fewer digits than a product
_SUMMED = 32  # terms of a product that keeps a residual's digits
_ROWS = 8  # of the last axis that are summed at once: more would fall out of the cache


def per_target(array: Num[Array, "m *lists"], like: Float[Array, "k *lists"]) -> Num[Array, "m *lists"]:
    """Numbers of each list as they are; the same numbers for all lists so that they broadcast."""
    return array if array.ndim == like.ndim else array.reshape(-1, *[1] * (like.ndim - 1))


def matvec(matrix: Float[Array, "k l *lists"], vector: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Matrix times vector, in the full precision of the dtype on every device."""
    if matrix.ndim > 2 or len(vector) > _LONG:
        return total(matrix * copies(vector, 0, len(matrix)), 1)
    return jnp.matmul(matrix, vector, precision=jax.lax.Precision.HIGHEST)


def weighted_sum(matrix: Float[Array, "k l *lists"], weights: Float[Array, "k *lists"]) -> Float[Array, "l *lists"]:
    """The sum of weighted rows: a product, but of blocks, as a residual needs more digits than a long product keeps."""
    if matrix.ndim > 2 or len(weights) > _LONG:
        return total(copies(weights, 1, matrix.shape[1]) * matrix, 0)
    parts = (slice(i, i + _SUMMED) for i in range(0, len(weights), _SUMMED))
    return sum(matvec(transposed(matrix[part]), weights[part]) for part in parts)  # pyright: ignore[reportReturnType]


def matmul(left: Float[Array, "k l *lists"], right: Float[Array, "l r *lists"]) -> Float[Array, "k r *lists"]:
    """Matrix times matrix, likewise."""
    if left.ndim > 2:
        blocks = range(0, left.shape[1], _ROWS)
        return sum(  # pyright: ignore[reportReturnType]
            total(copies(left[:, i : i + _ROWS], 2, right.shape[1]) * copies(right[i : i + _ROWS], 0, len(left)), 1)
            for i in blocks
        )
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)


def transposed(matrix: Float[Array, "k l *lists"]) -> Float[Array, "l k *lists"]:
    """The transpose of each list's matrix."""
    return jnp.swapaxes(matrix, 0, 1)


def factorise(matrix: Float[Array, "m m *lists"]) -> Float[Array, "m m *lists"]:
    """What `solve_factorised` needs of symmetric positive definite matrices: Cholesky's factor of one.

    Its inverse for many. For one, that would take a triangular system with many right-hand sides: OpenBLAS solves it
    in threads that spin afterwards, and take their core from what follows.
    """
    return _factors.bind(matrix) if matrix.ndim > 2 else jax.scipy.linalg.cholesky(matrix, lower=True)


def solve_factorised(factor: Float[Array, "m m *lists"], right: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
    """The solution of the factorised system."""
    if factor.ndim > 2:
        return matvec(transposed(factor), matvec(factor, right))
    return jax.scipy.linalg.cho_solve((factor, True), right)


def _inverse_factor(matrix: Float[Array, "m m lists"]) -> Float[Array, "m m lists"]:
    """From those of the leading half and of its Schur complement."""
    if len(matrix) == 1:
        return jax.lax.rsqrt(matrix)
    half = len(matrix) // 2
    first = _inverse_factor(matrix[:half, :half])
    below = matmul(matrix[half:, :half], transposed(first))
    second = _inverse_factor(matrix[half:, half:] - matmul(below, transposed(below)))
    corner = -matmul(second, matmul(below, first))
    upper = jnp.concatenate([first, jnp.zeros_like(transposed(corner))], axis=1)
    return jnp.concatenate([upper, jnp.concatenate([corner, second], axis=1)], axis=0)


_factors = primitive("inverse_factor", _inverse_factor, compiled_once(_inverse_factor))
batching.primitive_batchers[_factors] = lambda matrices, dims: (
    _factors.bind(jnp.moveaxis(matrices[0], dims[0], -1)),
    matrices[0].ndim - 1,
)


def anywhere(condition: Bool[Array, "*lists"]) -> Bool[Array, ""]:
    """Whether it holds for any list: also for any of a `jax.vmap`, all of which then go on together.

    A condition of many lists would make `jax.lax.while_loop` select between the old and the new of everything at each
    step, and `jax.lax.cond` compute both branches.
    """
    return _any(jax.lax.stop_gradient(jnp.any(condition)))


def where(condition: Bool[Array, "*lists"], new: Tree, old: Tree) -> Tree:
    """The new arrays, with any axes before that of lists, where a condition holds for a list; the old elsewhere."""
    before = lambda array: tuple(range(array.ndim - condition.ndim)) if condition.ndim else ()
    return jax.tree.map(lambda new, old: jnp.where(jnp.expand_dims(condition, before(new)), new, old), new, old)


@custom_vmap
def _any(condition: Bool[Array, "*batch"]) -> Bool[Array, ""]:
    return jnp.any(condition)


@_any.def_vmap
def _any_of_batch(axis_size, in_batched, condition):
    del axis_size, in_batched
    return _any(condition), False
