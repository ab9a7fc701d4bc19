"""Google's fast-soft-sort, by its operators for PyTorch, which call NumPy list by list."""
# pyright: reportMissingImports=false

from typing import Any

from fast_soft_sort import pytorch_ops

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()


def operators(variant: str) -> dict[str, Operator]:
    def called(function: Operator) -> Operator:
        def operator(x: Any, strength: float, **options: Any) -> Any:
            return function(x, regularization_strength=strength, regularization=variant, **options).to(x.dtype)

        return operator

    sort = called(pytorch_ops.soft_sort)
    return {
        "rank": called(pytorch_ops.soft_rank),
        "sort": sort,
        "top_k": lambda x, strength, k, **options: sort(x, strength, **options)[..., -k:].flip(-1),
    }
