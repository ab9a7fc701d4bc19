"""Primitives: functions of arrays that JAX treats as one operation each, so that they can have rules of their own."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array


def primitive(name: str, function: Callable[..., Array], on_one_cpu: Callable[..., Array] | None = None) -> Primitive:
    """Returns a primitive that computes `function(*arrays, **numbers)`, without rules for `jax.vmap` and derivatives.

    Args:
        name: of the primitive in programs, where `otsort_` precedes it.
        function: the computation, for any device and for several.
        on_one_cpu: an equal function that is compiled in programs for a single CPU device; `function` unless given.
    """
    made = Primitive(f"otsort_{name}")
    plain, special = (mlir.lower_fun(each, multiple_results=False) for each in (function, on_one_cpu or function))

    @functools.lru_cache
    def type_of_answer(*arrays: Any, **numbers: int) -> Any:
        return jax.make_jaxpr(functools.partial(function, **numbers))(*arrays).out_avals[0]

    def lowered_for_cpu(ctx: Any, *arrays: Any, **numbers: int) -> Any:
        # XLA: programs for several devices keep the plain function, because the compiler that splits them among the
        # devices does not recognise every special form (see `sums`).
        alone = getattr(ctx.module_context.axis_context, "num_devices", None) == 1
        return (special if alone else plain)(ctx, *arrays, **numbers)

    made.def_impl(function)
    made.def_abstract_eval(type_of_answer)
    mlir.register_lowering(made, plain)
    mlir.register_lowering(made, lowered_for_cpu, platform="cpu")
    return made


def compiled_once(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Returns the function so that XLA:CPU compiles it once for all the places where a program calls it.

    XLA: the compiler would otherwise copy the function to each place and compile it anew there, fused with its
    surroundings.
    """
    compiled = jax.jit(function)

    def call(array: Array) -> Array:
        with set_xla_metadata(inlineable="false"):
            return compiled(array)

    return call
