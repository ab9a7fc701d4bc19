"""The short selection, a few minutes for a version: what is trained with, and what its history is told of."""

from typing import ClassVar

from .base import AbstractAccuracy, AbstractTime, Case

CASES = {
    "ranks of 1000 x 10": Case("rank", "forward", 1000, 10),
    "gradient of ranks of 1000 x 10": Case("rank", "gradient", 1000, 10),
    "gradient of top-5 masks of 1000 x 10": Case("top_k_mask", "gradient", 1000, 10),
    "ranks of 256 x 100": Case("rank", "forward", 256, 100),
    "gradient of ranks of 256 x 100": Case("rank", "gradient", 256, 100),
    "gradient of sorted values of 256 x 100": Case("sort", "gradient", 256, 100),
    "gradient of ranks of 128 x 1000": Case("rank", "gradient", 128, 1000),
    "gradient of ranks of 100000 x 10": Case("rank", "gradient", 100_000, 10),
    "gradient of ranks of 4096 x 100": Case("rank", "gradient", 4096, 100),
    "gradient of ranks of 1 x 1000": Case("rank", "gradient", 1, 1000),
    "gradient of ranks of 1 x 1000000": Case("rank", "gradient", 1, 10**6),
}


class Short(AbstractTime, AbstractAccuracy):
    """Defaults, float32, epsilon 0.01."""

    params: ClassVar[list[str]] = list(CASES)
    param_names: ClassVar[list[str]] = ["case"]

    def case(self, name: str) -> Case:
        return CASES[name]
