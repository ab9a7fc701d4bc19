"""Wraps diffsort: sorting networks and their permutation matrices."""
# pyright: reportMissingImports=false

import functools
from typing import Any

import diffsort
import torch

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()
_network = functools.cache(diffsort.DiffSortNet)  # created once, as users do


def operators(variant: str) -> dict[str, Operator]:
    def network(x: Any, temperature: float, **options: Any) -> Any:
        """Returns sorted values and, for each value, its distribution over positions."""
        return _network(variant, x.shape[1], steepness=1 / temperature, **options)(x)

    def rank(x: Any, temperature: float, **options: Any) -> Any:
        places = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)
        return network(x, temperature, **options)[1] @ places

    def sort_by(key: Any, temperature: float, values: Any, **options: Any) -> Any:
        return torch.einsum("bnm,bn->bm", network(key, temperature, **options)[1], values)

    return {
        "rank": rank,
        "sort": lambda x, temperature, **options: network(x, temperature, **options)[0],
        "sort_by": sort_by,
        "top_k": lambda x, temperature, k, **options: network(x, temperature, **options)[0][:, -k:].flip(-1),
        "top_k_mask": lambda x, temperature, k, **options: network(x, temperature, **options)[1][:, :, -k:].sum(2),
    }
