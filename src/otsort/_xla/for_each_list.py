"""A primitive that applies a function of one list to all lists of a batch.

Users pass a batch, or they use `jax.vmap`, whose rule for the primitive makes one batch of all lists. The lists are in
the last or in the first axis of all arrays. The function is called for as many of them as the cache holds (see
`chunks`). It has to be a primitive, because functions of `jax.custom_batching` have no reverse mode.
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
from .chunks import in_chunks

_for_each_list = Primitive("otsort_for_each_list")
_for_each_list.multiple_results = True


def for_each_list(
    function: Callable[[Any], Any], arrays: PyTree[Array], *, lists_last: bool, at_once: int | None = None
) -> PyTree[Array]:
    """Returns the answers of a function of one list, for one list or for a batch.

    Args:
        function: a module that takes the arrays of one list, the first of which has one axis.
        arrays: of one list, or with one more axis of lists, which the answers then have too.
        lists_last: whether the axis of lists is the last, and the function takes arrays with that axis. Otherwise it is
            the first, and the function is called through `jax.vmap`.
        at_once: about how many lists to work on at once; None for any number.
    """
    dynamic, static = eqx.partition(function, eqx.is_array)
    fields, structure = jax.tree.flatten(dynamic)
    leaves, structure_of_arrays = jax.tree.flatten(arrays)
    program = _Program(static, structure, structure_of_arrays, lists_last, at_once)
    answers = _for_each_list.bind(*fields, *leaves, program=program)
    return jax.tree.unflatten(program.structure_of_answers, answers)


class _Program:
    """A function of flat arrays, the first of which are its fields. It is traced once for each combination of types."""

    def __init__(self, static: Any, structure: Any, structure_of_arrays: Any, lists_last: bool, at_once: int | None):
        self.static, self.structure, self.structure_of_arrays = static, structure, structure_of_arrays
        self.num_fields, self.lists_last, self.at_once = structure.num_leaves, lists_last, at_once
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
        fields, leaves = arrays[: self.num_fields], arrays[self.num_fields :]
        function = eqx.combine(jax.tree.unflatten(self.structure, fields), self.static)
        lists = jax.tree.unflatten(self.structure_of_arrays, leaves)
        if leaves[0].ndim == 1:
            return function(lists)
        return in_chunks(function if self.lists_last else jax.vmap(function), lists, self.at_once, self.lists_last)


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
    call = functools.partial(_for_each_list.bind, *arrays[:split], program=program)
    return batched(call, arrays[split:], dims[split:], own_axes=1, lists_last=program.lists_last)


_for_each_list.def_impl(_call)
_for_each_list.def_abstract_eval(_answer_types)
ad.primitive_jvps[_for_each_list] = _jvp
batching.primitive_batchers[_for_each_list] = _batched
mlir.register_lowering(_for_each_list, mlir.lower_fun(_call, multiple_results=True))
