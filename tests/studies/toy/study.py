"""What is asked."""

from dataclasses import dataclass
from typing import ClassVar

from otsort_studies.common.study import AbstractCase, AbstractStudy


@dataclass(frozen=True)
class Half(AbstractCase):
    part: ClassVar[str] = "half"
    measured: ClassVar[dict] = {"half": float}

    number: int


@dataclass(frozen=True)
class Powers(AbstractCase):
    part: ClassVar[str] = "powers"
    measured: ClassVar[dict] = {"powers": list[float]}

    base: float


@dataclass(frozen=True)
class Toy(AbstractStudy):
    name: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy: halves and powers"
    full_time: ClassVar[str] = "1 s"
    question: ClassVar[str] = "What are they?"
    dtype: ClassVar[str] = "float64"
    parts: ClassVar[tuple] = (Half, Powers)

    numbers: tuple[int, ...] = (1, 2, 3)
    bases: tuple[float, ...] = (2.0,)
    raising: tuple[int, ...] = ()
    swapped: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()

    @classmethod
    def quick(cls) -> "Toy":
        return cls(numbers=(1,))

    def cases(self) -> list[AbstractCase]:
        return [*map(Half, self.numbers), *map(Powers, self.bases)]
