"""Lists that meet under `jax.vmap` are solved side by side.

An array with a batch axis and a function of one list that the user maps are the same to a batch: what is mapped is a
primitive, which `jax.vmap` turns into itself with all lists in the last axis, see `otsort._layout`. What
`jax.custom_batching` maps has no reverse mode, and cannot do it.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, PyTree

from .layout import batched

_together = Primitive("otsort_together")
_together.multiple_results = True


def together(function: Callable[[Any], Any], row: PyTree[Array]) -> PyTree[Array]:
    """`function(row)`; under `jax.vmap`, of many rows at once.

    Args:
        function: a module, of the arrays of one list; also of such arrays with a last axis of lists, which its answers
            then have.
        row: the arrays.
    """
    dynamic, static = eqx.partition(function, eqx.is_array)
    fields, structure = jax.tree.flatten(dynamic)
    arrays, row_structure = jax.tree.flatten(row)
    program = _Program(static, structure, row_structure)
    answers = _together.bind(*fields, *arrays, program=program)
    return jax.tree.unflatten(program.structure_of_answers, answers)


class _Program:
    """The function of the flat arrays, those of its fields first; it is traced once for arrays of each type."""

    def __init__(self, static: Any, structure: Any, row_structure: Any):
        self.static, self.structure, self.row_structure = static, structure, row_structure
        self.num_fields = structure.num_leaves
        self.structure_of_answers: Any = None
        self._traced: dict[Any, Any] = {}

    def __call__(self, *arrays: Array) -> list[Array]:
        return jaxpr_as_fun(self.traced(*map(jax.typeof, arrays)))(*arrays)

    def traced(self, *types: Any) -> Any:
        if types not in self._traced:
            self._traced[types], answers = jax.make_jaxpr(self._run, return_shape=True)(*types)
            self.structure_of_answers = jax.tree.structure(answers)
        return self._traced[types]

    def _run(self, *arrays: Array) -> PyTree[Array]:
        fields = jax.tree.unflatten(self.structure, arrays[: self.num_fields])
        row = jax.tree.unflatten(self.row_structure, arrays[self.num_fields :])
        return eqx.combine(fields, self.static)(row)


def _call(*arrays: Array, program: _Program) -> list[Array]:
    return program(*arrays)


def _answer_types(*types: Any, program: _Program) -> list[Any]:
    return program.traced(*types).out_avals


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], *, program: _Program) -> tuple[list[Array], list[Array]]:
    moving = [not isinstance(tangent, ad.Zero) for tangent in tangents]

    def call(*some: Array) -> list[Array]:
        rest = iter(some)
        return program(*(next(rest) if m else primal for m, primal in zip(moving, primals, strict=True)))

    pick = lambda values: [value for m, value in zip(moving, values, strict=True) if m]
    return jax.jvp(call, pick(primals), pick(tangents))


def _batched(
    arrays: Sequence[Array], dims: Sequence[int | None], *, program: _Program
) -> tuple[list[Array], list[int]]:
    split = program.num_fields
    if any(dim is not None for dim in dims[:split]):  # each list by a function of its own
        answers = jax.vmap(program, in_axes=tuple(dims))(*arrays)
        return answers, [0] * len(answers)
    call = functools.partial(_together.bind, *arrays[:split], program=program)
    return batched(call, arrays[split:], dims[split:], own_axes=1)


_together.def_impl(_call)
_together.def_abstract_eval(_answer_types)
ad.primitive_jvps[_together] = _jvp
batching.primitive_batchers[_together] = _batched
mlir.register_lowering(_together, mlir.lower_fun(_call, multiple_results=True))
