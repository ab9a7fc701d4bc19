"""Lists that meet under `jax.vmap` are solved side by side.

An array with a batch axis and a function of one list that the user maps are the same to a batch: what is mapped is a
primitive, which `jax.vmap` turns into itself with all lists in the last axis, see `otsort._layout`. What
`jax.custom_batching` maps has no reverse mode, and cannot do it.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float, PyTree

_together = Primitive("otsort_together")


def together(function: eqx.Module, row: PyTree[Array]) -> Float[Array, "..."]:
    """`function(row)`; under `jax.vmap`, of many rows at once.

    Args:
        function: of the arrays of one list; also of such arrays with a last axis of lists, which its answer then has.
        row: the arrays.
    """
    dynamic, static = eqx.partition(function, eqx.is_array)
    fields, structure = jax.tree.flatten(dynamic)
    arrays, row_structure = jax.tree.flatten(row)
    structures = (structure, row_structure)
    return _together.bind(*fields, *arrays, static=static, structures=structures, num_rows=len(arrays))


def _call(*arrays: Array, static: Any, structures: Any, num_rows: int) -> Array:
    fields, row = map(jax.tree.unflatten, structures, (arrays[:-num_rows], arrays[-num_rows:]))
    function = eqx.combine(fields, static)
    return function(row)


def _answer_type(*types: Any, **static: Any) -> Any:
    return jax.make_jaxpr(functools.partial(_call, **static))(*types).out_avals[0]


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Array]:
    moving = [not isinstance(tangent, ad.Zero) for tangent in tangents]

    def call(*some: Array) -> Array:
        rest = iter(some)
        return _call(*(next(rest) if m else primal for m, primal in zip(moving, primals, strict=True)), **static)

    pick = lambda values: [value for m, value in zip(moving, values, strict=True) if m]
    return jax.jvp(call, pick(primals), pick(tangents))


def _batched(arrays: Sequence[Array], dims: Sequence[int | None], *, num_rows: int, **static: Any) -> tuple[Array, int]:
    call = functools.partial(_together.bind, num_rows=num_rows, **static)
    if any(dim is not None for dim in dims[:-num_rows]):  # each list by a function of its own
        call = functools.partial(_call, num_rows=num_rows, **static)
        return jax.vmap(call, in_axes=tuple(dims))(*arrays), 0
    fields, row = arrays[:-num_rows], arrays[-num_rows:]
    (size,) = {array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None}
    row = [
        jnp.broadcast_to(array[..., None], (*array.shape, size)) if dim is None else jnp.moveaxis(array, dim, -1)
        for array, dim in zip(row, dims[-num_rows:], strict=True)
    ]
    lists = row[0].shape[1:]  # those that are side by side already, and the new ones
    merge = lambda array: array.reshape(*array.shape[: array.ndim - len(lists)], math.prod(lists))
    answers = call(*fields, *map(merge, row))
    return answers.reshape(*answers.shape[:-1], *lists), answers.ndim + len(lists) - 2


_together.def_impl(functools.partial(jax.jit, static_argnames=("static", "structures", "num_rows"))(_call))
_together.def_abstract_eval(_answer_type)
ad.primitive_jvps[_together] = _jvp
batching.primitive_batchers[_together] = _batched
mlir.register_lowering(_together, mlir.lower_fun(_call, multiple_results=False))
