"""Functions of one array that JAX takes as one operation each, so that a CPU can have them compiled in its own way."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array


def primitive(name: str, function: Callable[..., Array], on_one_cpu: Callable[..., Array]) -> Primitive:
    """A primitive `function(array, **numbers)`, without rules for `jax.vmap` and derivatives.

    Args:
        name: in programs, after the package's.
        function: for any device, and for many.
        on_one_cpu: the same, as a program for one CPU should have it.
    """
    made = Primitive(f"otsort_{name}")
    plain, special = (mlir.lower_fun(each, multiple_results=False) for each in (function, on_one_cpu))

    @functools.lru_cache
    def type_of_answer(array: Any, **numbers: int) -> Any:
        return jax.make_jaxpr(functools.partial(function, **numbers))(array).out_avals[0]

    def lowered_for_cpu(context: Any, array: Any, **numbers: int) -> Any:
        alone = getattr(context.module_context.axis_context, "num_devices", None) == 1
        return (special if alone else plain)(context, array, **numbers)

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
