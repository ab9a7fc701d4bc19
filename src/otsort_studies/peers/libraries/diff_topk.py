"""difftopk: the last layers of sorting networks, by the places of each value."""
# pyright: reportMissingImports=false

from typing import Any

import difftopk

from ..frameworks import Operator, Torch

FRAMEWORK = Torch()


def operators(variant: str) -> dict[str, Operator]:
    def top_k_mask(x: Any, temperature: float, k: int, **options: Any) -> Any:
        net = difftopk.DiffTopkNet(variant, x.shape[1], k, steepness=1 / temperature, **options)
        return net(x)[1].sum(-1)

    return {"top_k_mask": top_k_mask}
