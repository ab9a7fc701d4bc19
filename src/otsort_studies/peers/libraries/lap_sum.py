"""Wraps LapSum, whose parts may or may not be built."""
# pyright: reportMissingImports=false

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()
import_module("lapsum.topk")  # this part is always built


def operators(variant: str) -> dict[str, Operator]:
    del variant
    top_k_mask = import_module("lapsum.topk").soft_topk

    def mask(x: Any, alpha: float, k: int) -> Any:
        # Its backward pass also needs a derivative with respect to the strength.
        return top_k_mask(x, torch.full((*x.shape[:-1], 1), float(k), dtype=x.dtype), _leaf(x, alpha), -1, True)

    found: dict[str, Callable[..., Any]] = {"top_k_mask": mask}
    if rank := _part("rank"):
        found["rank"] = lambda x, alpha, **options: 1 + rank(x, _leaf(x, alpha), **options)
    if sort := _part("sort"):
        found["sort"] = lambda x, alpha, **options: sort(x, alpha, **options)
    return found


def _leaf(x: Any, alpha: float) -> Any:
    return torch.tensor(alpha, dtype=x.dtype, requires_grad=True)


def _part(name: str) -> Any:
    try:
        return getattr(import_module(f"lapsum.{name}"), f"soft_{name}")
    except ImportError:
        return None
