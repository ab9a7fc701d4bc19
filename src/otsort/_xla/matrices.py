"""Linear algebra of small matrices: for one list, or for many lists in the last axis."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from .batching import batched, spare_lists
from .layout import lists_last
from .materialised import materialised
from .primitive import compiled_once, primitive
from .sums import repeat_along, sum_along

#: XLA: up to so many targets, the inverse factor by formula takes less time than a call of Cholesky's method.
_MAX_TARGETS_BY_FORMULA = 2
#: Numerics: the most terms for which a matrix product keeps the digits of float32. More terms are added by a sum over
#: an axis, which loses fewer digits.
_MAX_TERMS_OF_PRODUCT = 512
#: Numerics: the number of terms of each product in `weighted_sum`.
_TERMS_OF_BLOCK = 32
#: XLA: the number of rows with lists in the last axis that are summed at once. More would fall out of the cache.
_ROWS_OF_BLOCK = 8


def matvec(matrix: Float[Array, "k l *lists"], vector: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Returns the product of matrix and vector, in the full precision of the dtype on every device."""
    if matrix.ndim > 2 or len(vector) > _MAX_TERMS_OF_PRODUCT:
        return sum_along(matrix * repeat_along(vector, 0, len(matrix)), 1)
    return jnp.matmul(matrix, vector, precision=jax.lax.Precision.HIGHEST)


def weighted_sum(matrix: Float[Array, "k l *lists"], weights: Float[Array, "k *lists"]) -> Float[Array, "l *lists"]:
    """Returns the sum of the rows of a matrix, each times its weight.

    Numerics: a residual needs more digits than one long product keeps, so products of short blocks are added.
    """
    if matrix.ndim > 2 or len(weights) > _MAX_TERMS_OF_PRODUCT:
        return sum_along(repeat_along(weights, 1, matrix.shape[1]) * matrix, 0)
    blocks = (slice(i, i + _TERMS_OF_BLOCK) for i in range(0, len(weights), _TERMS_OF_BLOCK))
    return sum(matvec(transposed(matrix[rows]), weights[rows]) for rows in blocks)  # pyright: ignore[reportReturnType]


def matmul(left: Float[Array, "k l *lists"], right: Float[Array, "l r *lists"]) -> Float[Array, "k r *lists"]:
    """Returns the product of two matrices, in the full precision of the dtype on every device."""
    if left.ndim > 2:
        blocks = (slice(i, i + _ROWS_OF_BLOCK) for i in range(0, left.shape[1], _ROWS_OF_BLOCK))
        columns, rows = right.shape[1], len(left)
        return sum(  # pyright: ignore[reportReturnType]
            sum_along(repeat_along(left[:, block], 2, columns) * repeat_along(right[block], 0, rows), 1)
            for block in blocks
        )
    if lists_last(len(right), max(len(left), right.shape[1])):
        return _product.bind(left, right)
    return _multiply(left, right)


def _multiply(left: Float[Array, "k l"], right: Float[Array, "l r"]) -> Float[Array, "k r"]:
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)


def transposed(matrix: Float[Array, "k l *lists"]) -> Float[Array, "l k *lists"]:
    """Returns the transpose of each list's matrix."""
    return jnp.swapaxes(matrix, 0, 1)


def factorise(matrix: Float[Array, "m m *lists"], lists_last: bool) -> Float[Array, "m m *lists"]:
    """Returns the inverse of Cholesky's factor of symmetric positive definite matrices, for `solve_factorised`.

    For one list on a CPU, it returns the factor itself.

    XLA: on a CPU, the inverse would take a triangular system with many right-hand sides. OpenBLAS solves it in threads
    that spin afterwards and take their core from what follows. On a GPU, triangular systems are slow, and with the
    inverse one such system serves many solutions.

    Args:
        matrix: of one list, or of many in the last axis.
        lists_last: whether matrices that meet under `jax.vmap` move to the last axis.
    """
    if matrix.ndim > 2:
        return _inverse_factors.bind(matrix)
    if len(matrix) <= _MAX_TARGETS_BY_FORMULA:
        return _inverse_factor(matrix)
    return _factor.bind(matrix) if lists_last else _factor_of_one(matrix)


def solve_factorised(
    factor: Float[Array, "m m *lists"], right: Float[Array, "m *lists"], lists_last: bool
) -> Float[Array, "m *lists"]:
    """Returns the solution of a linear system, whose matrix `factorise` was given with the same `lists_last`."""
    if factor.ndim > 2 or len(factor) <= _MAX_TARGETS_BY_FORMULA:
        return _by_inverse(factor, right)
    return _solution.bind(factor, right) if lists_last else _solution_of_one(factor, right)


def _factor_of_one(matrix: Float[Array, "m m"]) -> Float[Array, "m m"]:
    return jax.lax.platform_dependent(matrix, cpu=_cholesky, default=_inverse_cholesky)


def _cholesky(matrix: Float[Array, "m m"]) -> Float[Array, "m m"]:
    return jax.scipy.linalg.cholesky(matrix, lower=True)


def _inverse_cholesky(matrix: Float[Array, "m m"]) -> Float[Array, "m m"]:
    identity = jnp.eye(len(matrix), dtype=matrix.dtype)
    return jax.scipy.linalg.solve_triangular(_cholesky(matrix), identity, lower=True)


def _solution_of_one(factor: Float[Array, "m m"], right: Float[Array, "m *d"]) -> Float[Array, "m *d"]:
    by_factor = lambda factor, right: jax.scipy.linalg.cho_solve((factor, True), right)
    return jax.lax.platform_dependent(factor, right, cpu=by_factor, default=_by_inverse)


def _by_inverse(factor: Float[Array, "m m *lists"], right: Float[Array, "m ..."]) -> Float[Array, "m ..."]:
    """Returns the solution for right-hand sides `(m, *lists)`, or for columns `(m, r, *lists)`."""
    times = matvec if right.ndim < factor.ndim else matmul
    return times(transposed(factor), times(factor, right))


def _inverse_factor(matrix: Float[Array, "m m *lists"]) -> Float[Array, "m m *lists"]:
    """Returns the inverse of Cholesky's factor, from those of the leading half and of its Schur complement.

    XLA: it consists of products alone, which run over the lists in the last axis. LAPACK would be called for each list.
    """
    if len(matrix) == 1:
        return jax.lax.rsqrt(matrix)
    half = len(matrix) // 2
    first = _inverse_factor(matrix[:half, :half])
    below = matmul(matrix[half:, :half], transposed(first))
    second = _inverse_factor(matrix[half:, half:] - matmul(below, transposed(below)))
    corner = -matmul(second, matmul(below, first))
    upper = jnp.concatenate([first, jnp.zeros_like(transposed(corner))], axis=1)
    return jnp.concatenate([upper, jnp.concatenate([corner, second], axis=1)], axis=0)


def _rule(function: Callable[..., Array]) -> Callable[..., tuple[Array, int]]:
    """Returns the batching rule of a function of matrices: the same function with lists in the last axis."""

    def of_lists(arrays: Sequence[Array], dims: Sequence[int | None]) -> tuple[Array, int]:
        (answer,), (dim,) = batched(call, arrays, dims, own_axes=2)
        return answer, dim

    def call(*arrays: Array) -> list[Array]:
        number = arrays[0].shape[-1]
        if spare := spare_lists(number, arrays[0].dtype):
            arrays = tuple(jnp.concatenate([array, array[..., :spare]], axis=-1) for array in arrays)
        return [function(*materialised(arrays))[..., :number]]

    return of_lists


def _solution_batched(arrays: Sequence[Array], dims: Sequence[int | None]) -> tuple[Array, int]:
    """Solves for all lists; right-hand sides of one matrix become its columns, so that there is still one factor."""
    factor, right = arrays
    of_factor, of_right = dims
    if of_factor is None:
        assert of_right is not None
        right = jnp.moveaxis(right, of_right, -1)
        answer = _solution.bind(factor, right.reshape(len(right), -1)).reshape(right.shape)
        return answer, answer.ndim - 1
    return _rule(_by_inverse)(arrays, dims)


# XLA: where a derivative is taken within a `jax.vmap`, `for_each_list` does not see the lists. There the matrices,
# which take most of the time, are moved to the last axis by rules of their own.
_inverse_factors = primitive("inverse_factors", _inverse_factor, compiled_once(_inverse_factor))
batching.primitive_batchers[_inverse_factors] = _rule(_inverse_factors.bind)
_factor = primitive("factor", _factor_of_one)
batching.primitive_batchers[_factor] = _rule(_inverse_factors.bind)
_solution = primitive("solution", _solution_of_one)
batching.primitive_batchers[_solution] = _solution_batched
ad.primitive_jvps[_solution] = lambda primals, tangents: (
    _solution.bind(*primals),
    _solution.bind(primals[0], tangents[1]),
)
ad.primitive_transposes[_solution] = lambda change, factor, right: (
    None,
    None if isinstance(change, ad.Zero) else _solution.bind(factor, change),
)
_product = primitive("product", _multiply)
batching.primitive_batchers[_product] = _rule(matmul)
ad.defbilinear(
    _product,
    lambda change, left, right: matmul(change, transposed(right)),
    lambda change, left, right: matmul(transposed(left), change),
)
