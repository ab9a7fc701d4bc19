"""Loads a method and its functions by name."""

import importlib.metadata
import platform
from collections.abc import Callable
from typing import Any

import numpy as np

from .frameworks import Operator
from .methods import PEER_METHODS

K = 3
LEVELS = (0.1, 0.5, 0.9)


class Library:
    """A method and the operators that it offers.

    Attributes:
        temperature: temperature of the method.
        framework: framework in which it is written.
        operators: name of an operator -> function.

    Raises:
        ModuleNotFoundError: its package is not installed.
    """

    def __init__(self, name: str):
        method = PEER_METHODS[name]
        module: Any = importlib.import_module(f".libraries.{method.library}", __package__)
        self.package, self.temperature, self.framework = method.package, method.temperature, module.FRAMEWORK
        self.operators: dict[str, Operator] = module.operators(name.partition(" ")[2])

    def environment(self) -> dict[str, str]:
        """Returns the versions of the package and of its environment, in words."""
        found = {name: importlib.metadata.version(name) for name in ("jax", "torch") if _has(name)}
        found["Python"] = platform.python_version()
        words = ", ".join(f"{name} {version}" for name, version in found.items())
        version = importlib.metadata.version(self.package) if _has(self.package) else "unknown"
        return {"version": version, "environment": words}

    def function(self, operator: str, x: Any, temperature: float | None = None, **options: Any) -> Operator:
        """Returns an operator as a function of x alone; k, levels and values are fixed."""
        known = {
            "sort_by": {"values": 10 * x},
            "quantile": {"q": np.asarray(LEVELS, x.dtype)},
            "top_k": {"k": min(K, x.shape[-1])},
            "top_k_mask": {"k": min(K, x.shape[-1])},
        }.get(operator, {})
        given = {
            name: self.framework.array(value) if isinstance(value, np.ndarray) else value
            for name, value in {**known, **options}.items()
        }
        warm = self.temperature if temperature is None else temperature
        return lambda x: self.operators[operator](x, warm, **given)

    def call(self, operator: str, x: np.ndarray, temperature: float | None = None, **options: Any) -> np.ndarray:
        """Calls an operator and returns its result."""
        native = self.framework.array(x)
        function = self.function(operator, x, temperature, **options)
        return np.asarray(self.framework.forward(function, native)(native))

    def pullback(self, operator: str, x: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Returns the function `(x, cotangent) -> gradient` on NumPy arrays such as x."""
        run = self.framework.pullback(self.function(operator, x), self.framework.array(x))
        return lambda *arguments: np.asarray(run(*map(self.framework.array, arguments)))


def _has(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
