"""Compiles programs in parallel, runs them one by one, and times them in turn."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import otsort

from . import outcome

REPEATS = 5
PATIENCE = 2.0  # seconds after which a call is not repeated again

_SAID = {
    otsort.RESULTS[otsort.RESULTS.max_steps_reached]: outcome.NOT_CONVERGED,
    otsort.RESULTS[otsort.RESULTS.nonfinite]: outcome.NOT_FINITE,
}


class Call(NamedTuple):
    """A function from `eqx.filter_jit` and its arguments. The first argument has the values along its last axis."""

    function: Any
    arguments: tuple[Any, ...]


class Execution(NamedTuple):
    """The result of a call.

    Attributes:
        call: the call, so that it can be repeated.
        program: the compiled program, or the exception that was raised instead.
        value: the returned value; None if the call failed.
        failure: the outcome of a call that failed, otherwise None.
        seconds: time of this one run, without compilation.
    """

    call: Call
    program: Any
    value: Any
    failure: str | None
    seconds: float

    @property
    def scratch_bytes(self) -> float:
        """Returns the memory that the program needs beyond arguments and results; NaN if there is no program."""
        if isinstance(self.program, Exception):
            return np.nan
        return float(self.program.compiled.memory_analysis().temp_size_in_bytes)


def execute(calls: Sequence[Call]) -> Iterator[Execution]:
    """Compiles all calls, which takes most of the time, and then runs each call when its result is requested.

    Calls that differ only in the entries of arrays share a program. An exception becomes an outcome.
    """
    kinds = [_kind(call) for call in calls]
    examples = dict(zip(kinds, calls, strict=True))
    programs = {kind: _attempt(call.function.lower, *call.arguments) for kind, call in examples.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = dict(zip(programs, pool.map(_compiled, programs.values()), strict=True))
    for kind, call in zip(kinds, calls, strict=True):
        start = time.perf_counter()
        value = program = programs[kind]
        if not isinstance(program, Exception):
            value = _attempt(lambda *arguments, run=program: jax.block_until_ready(run(*arguments)), *call.arguments)
        taken = time.perf_counter() - start
        if isinstance(value, Exception):
            yield Execution(call, program, None, failure(value), np.nan)
        else:
            yield Execution(call, program, value, None, taken)


def in_turn(executions: Sequence[Execution]) -> list[float]:
    """Returns the median seconds of each call, NaN if it failed. Calls alternate, and each reorders its values."""
    times: list[list[float]] = [[] for _ in executions]
    for turn in range(REPEATS):
        for (call, program, _, failed, _), taken in zip(executions, times, strict=True):
            if not failed and sum(taken) < PATIENCE:
                first, *rest = call.arguments
                fresh = jax.block_until_ready(jnp.roll(first, turn + 1, axis=-1))
                start = time.perf_counter()
                jax.block_until_ready(program(fresh, *rest))
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) if taken else np.nan for taken in times]


def failure(error: Exception) -> str:
    """Returns the outcome for an exception."""
    if isinstance(error, ModuleNotFoundError):
        return outcome.NOT_INSTALLED
    return next((word for said, word in _SAID.items() if said in str(error)), f"raised {type(error).__name__}")


def _kind(call: Call) -> Any:
    """Returns a key that is equal for calls that share a program."""
    leaves, structure = jax.tree.flatten(call.arguments)
    return (
        call.function,
        structure,
        tuple((leaf.shape, leaf.dtype, leaf.weak_type) if eqx.is_array(leaf) else leaf for leaf in leaves),
    )


def _compiled(program: Any) -> Any:
    return program if isinstance(program, Exception) else _attempt(program.compile)


def _attempt(function: Any, *arguments: Any) -> Any:
    """Calls a function, and returns its result or the exception that it raises."""
    try:
        return function(*arguments)
    except Exception as error:  # any exception is an outcome
        return error
