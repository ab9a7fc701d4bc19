"""Wraps torchpsort with both of its regularisations."""
# pyright: reportMissingImports=false

from typing import Any

import torch
import torchpsort

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()


def operators(variant: str) -> dict[str, Operator]:
    def quantile(x: Any, tau: float, q: Any, **options: Any) -> Any:
        levels = [torchpsort.soft_quantile(x, float(level), tau=tau, reg=variant, **options) for level in q]
        return torch.stack(levels, dim=-1)

    return {
        "rank": lambda x, tau, **options: torchpsort.soft_rank(x, tau=tau, reg=variant, **options),
        "sort": lambda x, tau, **options: torchpsort.soft_sort(x, tau=tau, reg=variant, **options),
        "quantile": quantile,
        "top_k": lambda x, tau, k, **options: torchpsort.soft_topk_values(x, k, tau=tau, reg=variant, **options).flip(
            -1
        ),
    }
