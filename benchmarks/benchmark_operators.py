"""Every operator, and those that are trained with on the shapes that people use."""

from typing import ClassVar

from .base import AbstractTime, Case
from .programs import OPERATORS, PROGRAMS

SHORT = [(1000, 10), (256, 100), (128, 1000)]
MANY = [(100_000, 10), (4096, 100), (2048, 1000)]
LONG = [(1, 10**3), (1, 10**4), (1, 10**5), (1, 10**6)]
SHAPES = {f"{lists} x {n}": (lists, n) for lists, n in [*SHORT, *MANY, *LONG]}


class Operators(AbstractTime):
    """All of them, on lists of 100."""

    params: ClassVar[list] = [list(OPERATORS), list(PROGRAMS)]
    param_names: ClassVar[list[str]] = ["operator", "program"]

    def case(self, operator: str, program: str) -> Case:
        return Case(operator, program, 256, 100)


class Shapes(AbstractTime):
    """Ranks, sorted values, quantiles and the largest values of lists short and long, few and many."""

    params: ClassVar[list] = [["rank", "sort", "quantile", "top_k_mask", "top_k"], list(PROGRAMS), list(SHAPES)]
    param_names: ClassVar[list[str]] = ["operator", "program", "shape"]

    def case(self, operator: str, program: str, shape: str) -> Case:
        return Case(operator, program, *SHAPES[shape])
