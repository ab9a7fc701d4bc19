"""Lists that meet under `jax.vmap` are solved side by side.

An array with a batch axis and a function of one list that the user maps are the same to a batch: what is mapped is a
primitive, which `jax.vmap` turns into itself with all lists in the last axis, see `otsort._layout`. What
`jax.custom_batching` maps has no reverse mode, and cannot do it.
"""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Primitive, jaxpr_as_fun
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
    program = _Program(static, structure, row_structure)
    return _together.bind(*fields, *arrays, program=program)


class _Program:
    """The function of the flat arrays, those of its fields first; it is traced once for arrays of each type."""

    def __init__(self, static: Any, structure: Any, row_structure: Any):
        self.static, self.structure, self.row_structure = static, structure, row_structure
        self.num_fields = structure.num_leaves
        self._traced: dict[Any, Any] = {}

    def __call__(self, *arrays: Array) -> Array:
        (answer,) = jaxpr_as_fun(self.traced(*map(jax.typeof, arrays)))(*arrays)
        return answer

    def traced(self, *types: Any) -> Any:
        if types not in self._traced:
            self._traced[types] = jax.make_jaxpr(self._run)(*types)
        return self._traced[types]

    def _run(self, *arrays: Array) -> Array:
        fields = jax.tree.unflatten(self.structure, arrays[: self.num_fields])
        row = jax.tree.unflatten(self.row_structure, arrays[self.num_fields :])
        return eqx.combine(fields, self.static)(row)


def _call(*arrays: Array, program: _Program) -> Array:
    return program(*arrays)


def _answer_type(*types: Any, program: _Program) -> Any:
    return program.traced(*types).out_avals[0]


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], *, program: _Program) -> tuple[Array, Array]:
    moving = [not isinstance(tangent, ad.Zero) for tangent in tangents]

    def call(*some: Array) -> Array:
        rest = iter(some)
        return program(*(next(rest) if m else primal for m, primal in zip(moving, primals, strict=True)))

    pick = lambda values: [value for m, value in zip(moving, values, strict=True) if m]
    return jax.jvp(call, pick(primals), pick(tangents))


def _batched(arrays: Sequence[Array], dims: Sequence[int | None], *, program: _Program) -> tuple[Array, int]:
    split = program.num_fields
    if any(dim is not None for dim in dims[:split]):  # each list by a function of its own
        return jax.vmap(program, in_axes=tuple(dims))(*arrays), 0
    fields, row = arrays[:split], arrays[split:]
    (size,) = {array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None}
    row = [
        jnp.broadcast_to(array[..., None], (*array.shape, size)) if dim is None else jnp.moveaxis(array, dim, -1)
        for array, dim in zip(row, dims[split:], strict=True)
    ]
    lists = row[0].shape[1:]  # those that are side by side already, and the new ones
    merge = lambda array: array.reshape(*array.shape[: array.ndim - len(lists)], math.prod(lists))
    answers = _together.bind(*fields, *map(merge, row), program=program)
    return answers.reshape(*answers.shape[:-1], *lists), answers.ndim + len(lists) - 2


_together.def_impl(_call)
_together.def_abstract_eval(_answer_type)
ad.primitive_jvps[_together] = _jvp
batching.primitive_batchers[_together] = _batched
mlir.register_lowering(_together, mlir.lower_fun(_call, multiple_results=False))
