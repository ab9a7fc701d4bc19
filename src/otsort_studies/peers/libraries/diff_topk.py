"""Wraps difftopk: the last layers of sorting networks, with the distribution of each value over positions."""
# pyright: reportMissingImports=false

import functools
from typing import Any

import difftopk

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()
_network = functools.cache(difftopk.DiffTopkNet)  # created once, as users do


def operators(variant: str) -> dict[str, Operator]:
    def top_k_mask(x: Any, temperature: float, k: int, **options: Any) -> Any:
        return _network(variant, x.shape[1], k, steepness=1 / temperature, **options)(x)[1].sum(-1)

    return {"top_k_mask": top_k_mask}
