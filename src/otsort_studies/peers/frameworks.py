"""Runs and differentiates functions of JAX, PyTorch and NumPy, and waits for their results."""

import abc
import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Operator = Callable[..., Any]


class AbstractFramework(abc.ABC):
    """The interface to the arrays and derivatives of a framework."""

    @abc.abstractmethod
    def array(self, x: Any) -> Any:
        """Converts to an array of the framework with the same numbers and dtype."""

    @abc.abstractmethod
    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        """Prepares a function for arrays such as x, for example by compilation. It waits for its result."""

    @abc.abstractmethod
    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        """Prepares the function `(x, cotangent of the result) -> cotangent of x` in the same way."""

    def scratch_bytes(self, ready: Callable[..., Any]) -> float:
        """Returns the scratch memory of a function from `forward` or `pullback`; NaN if it is unknown."""
        del ready
        return np.nan


class Jax(AbstractFramework):
    """JAX, with compiled functions."""

    def array(self, x: Any) -> Any:
        return jnp.asarray(x)

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        return _Ready(jax.jit(function).lower(x).compile())

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        answer = jax.eval_shape(function, x)
        return _Ready(jax.jit(lambda x, given: jax.vjp(function, x)[1](given)[0]).lower(x, answer).compile())

    def scratch_bytes(self, ready: Any) -> float:
        return float(ready.program.memory_analysis().temp_size_in_bytes)


class _Ready:
    def __init__(self, program: Any):
        self.program = program

    def __call__(self, *arguments: Any) -> Any:
        return jax.block_until_ready(self.program(*arguments))


class Torch(AbstractFramework):
    """PyTorch on the CPU, without compilation. It is imported only if it is needed."""

    def __init__(self):
        self.torch: Any = importlib.import_module("torch")

    def array(self, x: Any) -> Any:
        return self.torch.tensor(np.asarray(x))

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        del x

        def run(x: Any) -> Any:
            with self.torch.no_grad():
                return function(x)

        return run

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        del x

        def run(x: Any, given: Any) -> Any:
            leaf = x.detach().requires_grad_()
            return self.torch.autograd.grad(function(leaf), leaf, given)[0]

        return run


class NumPy(AbstractFramework):
    """NumPy, which has no derivatives."""

    def array(self, x: Any) -> Any:
        return np.asarray(x)

    def forward(self, function: Operator, x: Any) -> Callable[[Any], Any]:
        del x
        return function

    def pullback(self, function: Operator, x: Any) -> Callable[[Any, Any], Any]:
        raise NotImplementedError("NumPy has no derivatives")
