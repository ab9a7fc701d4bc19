"""One list, or many side by side: the few operations that differ.

An array of one list has axes of inputs and targets, such as `(n, m)`. Short lists are solved side by side, with a last
axis of lists that the others broadcast against, `(n, m, lists)`: all loops then run over lists, which fills vector
units where n and m are too short to, and linear algebra is a few of these loops instead of a call for every list.
Shapes below write `*lists` for that axis, or none.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.interpreters import ad, batching
from jaxtyping import Array, Bool, Float, Int, Num

from .materialised import in_memory
from .primitive import compiled_once, primitive
from .sums import copies, total

Tree = TypeVar("Tree")

_SHORT = 128  # inputs
_FEW = 24  # targets: the code of `_inverse_factor` grows with them
_PAIRS = 1024  # of inputs and targets
_BY_FORMULA = 2  # targets: the inverse of their matrix takes less time than a call for its factor
_LONG = 512  # a sum of so many terms loses fewer digits than a product
_SUMMED = 32  # terms of a product that keeps a residual's digits
_ROWS = 8  # of the last axis that are summed at once: more would fall out of the cache
_ALIASED = 1024  # bytes: rows whose length is a multiple of it meet in a few lines of the cache
_SPARE = 16  # lists that are added to such rows


def short(n: int, m: int) -> bool:
    """Whether lists of n inputs with m targets are solved side by side."""
    return n <= _SHORT and m <= _FEW and n * m <= _PAIRS


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
    few = short(len(right), max(len(left), right.shape[1]))
    return _product.bind(left, right) if few else _multiply(left, right)


def _multiply(left: Float[Array, "k l"], right: Float[Array, "l r"]) -> Float[Array, "k r"]:
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)


def transposed(matrix: Float[Array, "k l *lists"]) -> Float[Array, "l k *lists"]:
    """The transpose of each list's matrix."""
    return jnp.swapaxes(matrix, 0, 1)


def factorise(matrix: Float[Array, "m m *lists"], together: bool) -> Float[Array, "m m *lists"]:
    """What `solve_factorised` needs of symmetric positive definite matrices: the inverse of Cholesky's factor.

    The factor itself for one list on the CPU. Its inverse would take a triangular system with many right-hand sides:
    OpenBLAS solves it in threads that spin afterwards, and take their core from what follows. On a GPU triangular
    systems take longer than all else, and the inverse needs one for many solutions.

    Args:
        matrix: of one list, or of many side by side.
        together: whether matrices that meet under `jax.vmap` are side by side.
    """
    if matrix.ndim > 2:
        return _inverse_factors.bind(matrix)
    if len(matrix) <= _BY_FORMULA:
        return _inverse_factor(matrix)
    return _factor.bind(matrix) if together else _factor_of_one(matrix)


def solve_factorised(
    factor: Float[Array, "m m *lists"], right: Float[Array, "m *lists"], together: bool
) -> Float[Array, "m *lists"]:
    """The solution of the factorised system."""
    if factor.ndim > 2 or len(factor) <= _BY_FORMULA:
        return _by_inverse(factor, right)
    return _solution.bind(factor, right) if together else _solution_of_one(factor, right)


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
    """The solution for a right-hand side of each list, `(m, *lists)`, or for columns, `(m, r, *lists)`."""
    times = matvec if right.ndim < factor.ndim else matmul
    return times(transposed(factor), times(factor, right))


def _inverse_factor(matrix: Float[Array, "m m *lists"]) -> Float[Array, "m m *lists"]:
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


def batched(
    function: Callable[..., Sequence[Array]], arrays: Sequence[Array], dims: Sequence[int | None], own_axes: int
) -> tuple[list[Array], list[int]]:
    """What `jax.vmap` makes of a function of the arrays of one list: one call for all, side by side.

    Args:
        function: of arrays with a last axis of lists; so are its answers.
        arrays: of one list, or of many side by side.
        dims: their mapped axes.
        own_axes: how many axes one list has in the first array.

    Returns:
        The answers for all lists, and their mapped axes.
    """
    (size,) = {array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None}
    arrays = [
        jnp.broadcast_to(array[..., None], (*array.shape, size)) if dim is None else jnp.moveaxis(array, dim, -1)
        for array, dim in zip(arrays, dims, strict=True)
    ]
    lists = arrays[0].shape[own_axes:]
    number = math.prod(lists)
    if number == 0:
        one = [jax.ShapeDtypeStruct((*array.shape[: array.ndim - len(lists)], 1), array.dtype) for array in arrays]
        answers = [jnp.zeros((*answer.shape[:-1], *lists), answer.dtype) for answer in jax.eval_shape(function, *one)]
        return answers, [answer.ndim - 1 for answer in answers]
    # Where there are more devices, lists may be split among them, and spare ones would move them.
    aliased = number * arrays[0].dtype.itemsize % _ALIASED == 0 and jax.device_count() == 1
    spare = _SPARE if aliased else 0

    def merged(array):
        array = array.reshape(*array.shape[: array.ndim - len(lists)], number)
        return jnp.concatenate([array, array[..., :spare]], axis=-1) if spare else array

    answers = [answer[..., :number].reshape(*answer.shape[:-1], *lists) for answer in function(*map(merged, arrays))]
    return answers, [answer.ndim - 1 for answer in answers]


def _rule(function: Callable[..., Array]) -> Callable[..., tuple[Array, int]]:
    """What `jax.vmap` makes of a function of matrices, by that of the matrices of many lists."""

    def of_lists(arrays: Sequence[Array], dims: Sequence[int | None]) -> tuple[Array, int]:
        (answer,), (dim,) = batched(lambda *arrays: [function(*in_memory(arrays))], arrays, dims, 2)
        return answer, dim

    return of_lists


def _solution_batched(arrays: Sequence[Array], dims: Sequence[int | None]) -> tuple[Array, int]:
    """Likewise; right-hand sides of one matrix are its columns, so that its factor stays that of one."""
    factor, right = arrays
    of_factor, of_right = dims
    if of_factor is None:
        assert of_right is not None
        right = jnp.moveaxis(right, of_right, -1)
        answer = _solution.bind(factor, right.reshape(len(right), -1)).reshape(right.shape)
        return answer, answer.ndim - 1
    return _rule(_by_inverse)(arrays, dims)


# Short lists that meet under a `jax.vmap` are not side by side where a derivative is taken within it: there this is
# done for what takes most of their time.
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


def largest_anywhere(index: Int[Array, "*lists"]) -> Int[Array, ""]:
    """Returns the largest of nonnegative numbers, also of those of all lists of a `jax.vmap`; 0 for no list."""
    return _max(jax.lax.stop_gradient(jnp.max(index, initial=0)))


@custom_vmap
def _max(index: Int[Array, "*batch"]) -> Int[Array, ""]:
    return jnp.max(index, initial=0)


@_max.def_vmap
def _max_of_batch(axis_size, in_batched, index):
    del axis_size, in_batched
    return _max(index), False
