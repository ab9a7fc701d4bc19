"""A primitive whose batching rule solves all lists of a `jax.vmap` together, with the lists in the last axis.

Whether users pass a batch or use `jax.vmap`, the rule moves all lists to the last axis of all arrays (see `layout`) and
calls the function once. It has to be a primitive, because functions of `jax.custom_batching` have no reverse mode.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, PyTree

from .batching import batched

_with_lists_last = Primitive("otsort_with_lists_last")
_with_lists_last.multiple_results = True


def with_lists_last(function: Callable[[Any], Any], arrays: PyTree[Array]) -> PyTree[Array]:
    """Returns `function(arrays)`; under `jax.vmap`, calls the function once with the lists in the last axis.

    Args:
        function: a module that takes the arrays of one list, and also such arrays with a last axis of lists, which its
            answers then have too.
        arrays: of one list.
    """
    dynamic, static = eqx.partition(function, eqx.is_array)
    fields, structure = jax.tree.flatten(dynamic)
    leaves, structure_of_arrays = jax.tree.flatten(arrays)
    program = _Program(static, structure, structure_of_arrays)
    answers = _with_lists_last.bind(*fields, *leaves, program=program)
    return jax.tree.unflatten(program.structure_of_answers, answers)


class _Program:
    """A function of flat arrays, the first of which are its fields. It is traced once for each combination of types."""

    def __init__(self, static: Any, structure: Any, structure_of_arrays: Any):
        self.static, self.structure, self.structure_of_arrays = static, structure, structure_of_arrays
        self.num_fields = structure.num_leaves
        self.structure_of_answers: Any = None
        self._traced: dict[Any, Any] = {}

    def __call__(self, *arrays: Array) -> list[Array]:
        return jaxpr_as_fun(self.traced(*map(jax.typeof, arrays)))(*arrays)

    def traced(self, *types: Any) -> Any:
        # The types of the answers, the program and its derivative are asked for apart, and share one trace.
        if types not in self._traced:
            self._traced[types], answers = jax.make_jaxpr(self._run, return_shape=True)(*types)
            self.structure_of_answers = jax.tree.structure(answers)
        return self._traced[types]

    def _run(self, *arrays: Array) -> PyTree[Array]:
        fields = jax.tree.unflatten(self.structure, arrays[: self.num_fields])
        of_list = jax.tree.unflatten(self.structure_of_arrays, arrays[self.num_fields :])
        return eqx.combine(fields, self.static)(of_list)


def _call(*arrays: Array, program: _Program) -> list[Array]:
    return program(*arrays)


def _answer_types(*types: Any, program: _Program) -> list[Any]:
    return program.traced(*types).out_avals


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], *, program: _Program) -> tuple[list[Array], list[Array]]:
    # Arrays that do not change stay out of `jax.jvp`, so that no program is made for tangents of zeros.
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
    # Lists with different fields, such as an epsilon each, are solved by functions of their own.
    if any(dim is not None for dim in dims[:split]):
        answers = jax.vmap(program, in_axes=tuple(dims))(*arrays)
        return answers, [0] * len(answers)
    call = functools.partial(_with_lists_last.bind, *arrays[:split], program=program)
    return batched(call, arrays[split:], dims[split:], own_axes=1)


_with_lists_last.def_impl(_call)
_with_lists_last.def_abstract_eval(_answer_types)
ad.primitive_jvps[_with_lists_last] = _jvp
batching.primitive_batchers[_with_lists_last] = _batched
mlir.register_lowering(_with_lists_last, mlir.lower_fun(_call, multiple_results=True))
