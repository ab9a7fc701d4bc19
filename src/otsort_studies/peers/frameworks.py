"""How functions of each framework are run, differentiated and awaited."""
# pyright: reportMissingImports=false

import abc
from collections.abc import Callable
from typing import Any

import numpy as np

Operator = Callable[..., Any]


class AbstractFramework(abc.ABC):
    """Arrays and derivatives of a framework."""

    @abc.abstractmethod
    def array(self, x: Any) -> Any:
        """An array of the framework, of the same numbers and dtype."""

    @abc.abstractmethod
    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        """A function of arrays such as x, made ready for them as far as the framework can, and awaited."""

    @abc.abstractmethod
    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        """`(x, cotangent of the answer) -> cotangent of x`, in the same way."""

    def scratch_bytes(self, ready: Callable[..., Any]) -> float:
        """Memory beside arguments and answers, of what `forward` or `pullback` made; NaN if nothing tells."""
        del ready
        return np.nan


class Jax(AbstractFramework):
    """Compiled."""

    def array(self, x: Any) -> Any:
        import jax.numpy as jnp

        return jnp.asarray(x)

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        import jax

        return _Ready(jax.jit(function).lower(x).compile())

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        import jax

        answer = jax.eval_shape(function, x)
        return _Ready(jax.jit(lambda x, given: jax.vjp(function, x)[1](given)[0]).lower(x, answer).compile())

    def scratch_bytes(self, ready: Any) -> float:
        return float(ready.program.memory_analysis().temp_size_in_bytes)


class _Ready:
    def __init__(self, program: Any):
        self.program = program

    def __call__(self, *arguments: Any) -> Any:
        import jax

        return jax.block_until_ready(self.program(*arguments))


class Torch(AbstractFramework):
    """On the CPU, as it is written."""

    def array(self, x: Any) -> Any:
        import torch

        return torch.tensor(np.asarray(x))

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        import torch

        del x

        def run(x: Any) -> Any:
            with torch.no_grad():
                return function(x)

        return run

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        import torch

        del x

        def run(x: Any, given: Any) -> Any:
            leaf = x.detach().requires_grad_()
            return torch.autograd.grad(function(leaf), leaf, given)[0]

        return run


class NumPy(AbstractFramework):
    """Without derivatives."""

    def array(self, x: Any) -> Any:
        return np.asarray(x)

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        del x
        return function

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        raise NotImplementedError("NumPy has no derivatives")
