"""Measures, and remembers what it was asked."""

from collections.abc import Iterator, Sequence
from typing import Any

from otsort_studies.common.study import AbstractCase, Row

from .study import Half, Toy

asked: list[Sequence[AbstractCase]] = []


def measure(study: Toy, cases: Sequence[Any]) -> Iterator[Row]:
    asked.append(cases)
    if any(isinstance(case, Half) and case.number in study.refused for case in cases):
        raise MemoryError
    for case in cases:
        if not isinstance(case, Half):
            yield case.row("exact", powers=[case.base, case.base**2, float("inf")])
            continue
        if case.number in study.raising:
            raise ZeroDivisionError
        answer = Half(-case.number) if case.number in study.swapped else case
        yield answer.row("exact", half=case.number / 2)
