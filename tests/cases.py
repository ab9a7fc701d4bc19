"""Which of many combinations are tried each time, and which with the slow tests."""

import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pytest


def diagonal(*axes: Sequence[Any]) -> list[Any]:
    """All combinations, for `pytest.mark.parametrize`, of which only those on a diagonal are quick.

    Every value of every axis is in one of the quick ones: the shorter axes are run through again.
    """
    number = max(map(len, axes))
    quick = {tuple(place % len(axis) for axis in axes) for place in range(number)}
    indices = itertools.product(*(range(len(axis)) for axis in axes))
    return [
        pytest.param(
            *(axis[i] for axis, i in zip(axes, index, strict=True)),
            marks=() if index in quick else pytest.mark.slow,
        )
        for index in indices
    ]


def thinned(cases: Iterable[Any], step: int) -> list[Any]:
    """Marks all quick cases `ci` but one in `step`.

    Give a step that shares no factor with the lengths of the shorter axes, so that each of their values stays quick.
    """
    cases = list(cases)
    quick = [case for case in cases if not case.marks]
    later = [case for place, case in enumerate(quick) if place % step]
    return [pytest.param(*case.values, marks=pytest.mark.ci) if case in later else case for case in cases]


def some(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """All values, for `pytest.mark.parametrize`, of which only some are quick; a tuple is for several arguments."""
    values = list(values)
    assert set(quick) <= set(values), f"unknown: {set(quick) - set(values)}"
    marks = lambda value: () if value in quick else pytest.mark.slow
    return [pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=marks(value)) for value in values]
