"""Wraps torchsort with both of its regularisations."""
# pyright: reportMissingImports=false

from typing import Any

import torchsort

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()


def operators(variant: str) -> dict[str, Operator]:
    def called(function: Operator) -> Operator:
        def operator(x: Any, strength: float, **options: Any) -> Any:
            return function(x, regularization=variant, regularization_strength=strength, **options)

        return operator

    sort = called(torchsort.soft_sort)
    return {
        "rank": called(torchsort.soft_rank),
        "sort": sort,
        "top_k": lambda x, strength, k, **options: sort(x, strength, **options)[..., -k:].flip(-1),
    }
