"""Functions with a derivative written by hand, which is kept within loops.

Up to JAX 0.11.2, `jax.lax.scan`, `jax.checkpoint` and functions made of them drop the rule of `jax.custom_jvp` once a
reverse-mode derivative has been taken. Second derivatives are then those of the function's body. A primitive keeps its
rule in every version.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

#: `(arguments, their tangents) -> (answer, its tangent)`; the tangent of an array that does not change is None.
Rule: TypeAlias = Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Array, Array]]

_with_jvp = Primitive("otsort_with_jvp")


def with_jvp(function: Callable[..., Array], rule: Rule, *arguments: Any) -> Array:
    """Returns `function(*arguments)`, with the derivative that a rule gives.

    For derivatives of higher order, the rule has to call `with_jvp` again for the same arguments and use its result.

    Args:
        function: of pytrees, to one array.
        rule: the derivative in all arrays of the arguments.
        *arguments: pytrees. Arrays that the function or the rule closes over have no derivative.
    """
    dynamic, static = eqx.partition(arguments, eqx.is_array)
    arrays, structure = jax.tree.flatten(dynamic)
    return _with_jvp.bind(*arrays, call=_Call(function, rule, static, structure))


class _Call:
    """A function of flat arrays, and its rule."""

    def __init__(self, function: Callable[..., Array], rule: Rule, static: Any, structure: Any):
        self.function, self.rule, self.static, self.structure = function, rule, static, structure

    def __call__(self, *arrays: Array) -> Array:
        return self.function(*eqx.combine(jax.tree.unflatten(self.structure, arrays), self.static))

    def jvp(self, arrays: Sequence[Array], tangents: Sequence[Array | None]) -> tuple[Array, Array]:
        """Returns the answer and its tangent."""
        arguments = eqx.combine(jax.tree.unflatten(self.structure, arrays), self.static)
        return self.rule(arguments, jax.tree.unflatten(self.structure, tangents))


class _MappedCall:
    """A `_Call` mapped over a batch axis of each array, or None for an array without one."""

    def __init__(self, call: "_Call | _MappedCall", dims: Sequence[int | None]):
        self.call, self.dims = call, tuple(dims)

    def __call__(self, *arrays: Array) -> Array:
        return jax.vmap(self.call, in_axes=self.dims)(*arrays)

    def jvp(self, arrays: Sequence[Array], tangents: Sequence[Array | None]) -> tuple[Array, Array]:
        """Returns the answers and their tangents, with the batch axis first."""
        # `jax.vmap` maps arrays alone, so tangents that are None stay out of it.
        moving = [place for place, tangent in enumerate(tangents) if tangent is not None]

        def one(arrays: Sequence[Array], changes: Sequence[Array]) -> tuple[Array, Array]:
            known = dict(zip(moving, changes, strict=True))
            return self.call.jvp(arrays, [known.get(place) for place in range(len(arrays))])

        in_axes = list(self.dims), [self.dims[place] for place in moving]
        changes: Any = [tangents[place] for place in moving]
        return jax.vmap(one, in_axes=in_axes)(list(arrays), changes)


def _type_of_answer(*types: Any, call: _Call | _MappedCall) -> Any:
    return jax.make_jaxpr(call)(*types).out_avals[0]


def _call(*arrays: Array, call: _Call | _MappedCall) -> Array:
    return call(*arrays)


def _jvp(arrays: Sequence[Array], tangents: Sequence[Any], *, call: _Call | _MappedCall) -> tuple[Array, Array]:
    # With None in place of zeros, a rule can leave out terms that it would otherwise compute.
    return call.jvp(arrays, [None if isinstance(tangent, ad.Zero) else tangent for tangent in tangents])


def _batched(arrays: Sequence[Array], dims: Sequence[int | None], *, call: _Call | _MappedCall) -> tuple[Array, int]:
    return _with_jvp.bind(*arrays, call=_MappedCall(call, dims)), 0


_with_jvp.def_impl(_call)
_with_jvp.def_abstract_eval(_type_of_answer)
ad.primitive_jvps[_with_jvp] = _jvp
batching.primitive_batchers[_with_jvp] = _batched
mlir.register_lowering(_with_jvp, mlir.lower_fun(_call, multiple_results=False))
