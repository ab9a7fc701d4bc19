"""Functions of arrays that JAX takes as one operation each, so that they have rules of their own."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array


def primitive(name: str, function: Callable[..., Array], on_one_cpu: Callable[..., Array] | None = None) -> Primitive:
    """A primitive `function(*arrays, **numbers)`, without rules for `jax.vmap` and derivatives.

    Args:
        name: in programs, after the package's.
        function: for any device, and for many.
        on_one_cpu: the same, as a program for one CPU should have it; `function` unless given.
    """
    made = Primitive(f"otsort_{name}")
    plain, special = (mlir.lower_fun(each, multiple_results=False) for each in (function, on_one_cpu or function))

    @functools.lru_cache
    def type_of_answer(*arrays: Any, **numbers: int) -> Any:
        return jax.make_jaxpr(functools.partial(function, **numbers))(*arrays).out_avals[0]

    def lowered_for_cpu(ctx: Any, *arrays: Any, **numbers: int) -> Any:
        alone = getattr(ctx.module_context.axis_context, "num_devices", None) == 1
        return (special if alone else plain)(ctx, *arrays, **numbers)

    made.def_impl(function)
    made.def_abstract_eval(type_of_answer)
    mlir.register_lowering(made, plain)
    mlir.register_lowering(made, lowered_for_cpu, platform="cpu")
    return made


def compiled_once(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function, which XLA:CPU compiles once for all the places where a program calls it.

    XLA would else copy it to each place, where other kernels come of it.
    """
    compiled = jax.jit(function)

    def call(array: Array) -> Array:
        with set_xla_metadata(inlineable="false"):
            return compiled(array)

    return call
