"""Trains all models. Rows of packages that are not installed say so."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..common import outcome
from ..common.errors import InputError
from ..common.execution import failure
from ..common.study import AbstractCase, Row
from ..peers.library import Library
from ..peers.study import Installed
from .study import NOT_STARTED, USUAL, Relaxations, Training
from .training import train

_load = functools.lru_cache(maxsize=1)(Library)  # cases of a method follow each other


def measure(study: Relaxations, cases: Sequence[AbstractCase]) -> Iterator[Row]:
    """Yields the rows of some of the cases. Cases that differ only in their seed are trained side by side."""
    for _, group in itertools.groupby(cases, _program):
        together = list(group)
        try:
            rows = list(_rows(study, together))
        except InputError:  # of the data
            raise
        except Exception as error:  # the error is the outcome, of all seeds
            rows = [case.row(failure(error)) for case in together]
        yield from rows


def _program(case: AbstractCase) -> tuple:
    return (case.method, case.task, case.operator, case.factor) if isinstance(case, Training) else (case,)


def _rows(study: Relaxations, cases: list[Any]) -> Iterator[Row]:
    first = cases[0]
    if isinstance(first, Installed):
        yield first.row(outcome.MEASURED, **_load(first.method).environment())
        return
    assert isinstance(first, Training)
    library = None if first.method == USUAL else _load(first.method)
    if library and first.operator not in library.operators:
        yield from (case.row(outcome.NOT_OFFERED) for case in cases)
        return
    word, below = NOT_STARTED.get((first.method, first.task), ("", 0.0))
    if first.factor < below:
        yield from (case.row(word) for case in cases)
        return
    temperature = first.factor * library.temperature if library else 0.0
    seeds = [case.seed for case in cases]
    found = train(library, first.task, first.operator, temperature, seeds, study.steps)
    for case, scores in zip(cases, found, strict=True):
        yield case.row(outcome.outcome(outcome.TRAINED, finite=np.isfinite(list(scores.values()))), **scores)
