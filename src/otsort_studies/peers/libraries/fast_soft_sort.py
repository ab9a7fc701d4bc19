"""Wraps the PyTorch operators of Google's fast-soft-sort, which call NumPy for each list."""

import importlib
from typing import Any

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()
_OPERATORS: Any = importlib.import_module("fast_soft_sort.pytorch_ops")


def operators(variant: str) -> dict[str, Operator]:
    def called(function: Operator) -> Operator:
        def operator(x: Any, strength: float, **options: Any) -> Any:
            return function(x, regularization_strength=strength, regularization=variant, **options).to(x.dtype)

        return operator

    sort = called(_OPERATORS.soft_sort)
    return {
        "rank": called(_OPERATORS.soft_rank),
        "sort": sort,
        "top_k": lambda x, strength, k, **options: sort(x, strength, **options)[..., -k:].flip(-1),
    }
