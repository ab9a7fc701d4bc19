"""Measures all installed methods. Rows of the others say that they are not installed."""

import functools
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..common import outcome
from ..common.data import rank_weights
from ..common.execution import PATIENCE, REPEATS, failure
from ..common.precision import precision
from ..common.study import AbstractCase, Row
from .abilities import abilities
from .library import Library
from .methods import PEER_METHODS
from .study import LIMIT, RANKING, Ability, Cost, Installed, Peers

_LARGE = 2**24  # array entries of a case that may take very long

_load = functools.lru_cache(maxsize=1)(Library)  # cases of a method follow each other


def measure(study: Peers, cases: Sequence[AbstractCase]) -> Iterator[Row]:
    """Yields the rows of some of the cases, in float32, the default of JAX."""
    for case in cases:
        large = isinstance(case, Cost) and _LARGE < _entries(case) <= study.largest
        yield _limited(study, case) if large else _row(study, case)


def _limited(study: Peers, case: AbstractCase) -> Row:
    """Returns the row of a case, measured in a process of its own, which is ended after some time."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # leaving the block ends the process
        try:
            return pool.apply_async(_row, (study, case)).get(LIMIT)
        except multiprocessing.TimeoutError:
            return case.row(outcome.TOO_SLOW)


def _row(study: Peers, case: AbstractCase) -> Row:
    kinds: dict[type, Any] = {Installed: _installed, Ability: _ability, Cost: _cost}
    try:
        with precision(np.float32), threadpool_limits(1, "blas"):
            return kinds[type(case)](study, _load(case.method), case)  # pyright: ignore
    except Exception as error:  # the error is the outcome
        return case.row(failure(error))


def _entries(case: Cost) -> int:
    """Returns the number of array entries of a method."""
    return case.lists * case.n ** PEER_METHODS[case.method].power


def _installed(study: Peers, library: Library, case: Installed) -> Row:
    del study
    return case.row(outcome.MEASURED, **library.environment())


def _ability(study: Peers, library: Library, case: Ability) -> Row:
    del study
    if case.operator not in library.operators:
        return case.row(outcome.NOT_OFFERED)
    x = np.random.default_rng(0).normal(size=(2, 12)).astype(np.float32)
    return case.row(outcome.MEASURED, **abilities(case.method, library, case.operator, x))


def _cost(study: Peers, library: Library, case: Cost) -> Row:
    operator = next(name for name in RANKING if name in library.operators)
    if _entries(case) > study.largest:
        return case.row(outcome.TOO_LARGE, operator=operator)
    x = np.random.default_rng(0).normal(size=(case.lists, case.n)).astype(np.float32)
    framework, function = library.framework, library.function(operator, x)
    native, weights = (framework.array(part) for part in (x, rank_weights(x.size).astype(np.float32).reshape(x.shape)))
    row: dict[str, Any] = {"operator": operator}
    try:
        row["forward_seconds"] = _seconds(framework.forward(function, native), x, framework)
        start = time.perf_counter()
        pullback = framework.pullback(function, native)
        gradient = np.asarray(pullback(native, weights))
        row["first_seconds"] = time.perf_counter() - start
        row["gradient_seconds"] = _seconds(lambda x: pullback(x, weights), x, framework)
        row["scratch_bytes"] = framework.scratch_bytes(pullback)
        return case.row(outcome.outcome(outcome.MEASURED, gradient_finite=np.isfinite(gradient)), **row)
    except Exception as error:  # earlier measurements are kept
        return case.row(failure(error), **row)


def _seconds(run: Any, x: np.ndarray, framework: Any) -> float:
    """Returns the median time of some calls after an untimed one, each with the values in another order."""
    taken: list[float] = []
    run(framework.array(x))
    for turn in range(REPEATS):
        if sum(taken) < PATIENCE:
            fresh = framework.array(np.roll(x, turn + 1, axis=-1))
            start = time.perf_counter()
            run(fresh)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)
