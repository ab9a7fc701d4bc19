"""What benchmarks share: the case that is measured, and a base class for each kind of measurement.

It runs against any version of otsort since 0.1: what an earlier one lacks is skipped.
"""

import abc
import functools
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort

from .programs import function


class Case(NamedTuple):
    """What is measured, by names: float32 and the defaults of the library unless said.

    Attributes:
        operator: in `OPERATORS`.
        program: in `PROGRAMS`.
        lists, n: shape of the values.
        epsilon: regularisation.
        dtype: of the values.
        solver: its name in `otsort`, "" for the library's choice.
        differentiation: name of a strategy in `otsort`, "" for the solver's own.
    """

    operator: str
    program: str
    lists: int
    n: int
    epsilon: float = 1e-2
    dtype: str = "float32"
    solver: str = ""
    differentiation: str = ""

    def options(self) -> dict[str, Any]:
        """For the operator."""
        if not self.solver:
            return {"epsilon": self.epsilon}
        chosen = {"differentiation": getattr(otsort, self.differentiation)()} if self.differentiation else {}
        # A solve that misses its tolerance is measured too: `track_error` tells.
        return {"solver": getattr(otsort, self.solver)(self.epsilon, **chosen), "throw": False}

    @functools.cache  # noqa: B019  # asv calls setup before every sample
    def values(self) -> list[Float[Array, "lists n"]]:
        """Some normal values of that shape."""
        return [
            jnp.asarray(np.random.default_rng(seed).normal(size=(self.lists, self.n)), self.dtype) for seed in range(4)
        ]


class Compiled(NamedTuple):
    """A program, and the seconds that it took to trace and to compile, nothing cached."""

    run: jax.stages.Compiled
    seconds: float


@functools.cache
def compiled(case: Case) -> Compiled:
    """The program of a case.

    Raises:
        NotImplementedError: this version does not have it: asv skips it.
    """
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    if not hasattr(otsort, "Quadrature") and case.lists * case.n**2 > 2**26:
        raise NotImplementedError("before Quadrature long lists took n x n entries")
    try:
        jax.jit(jnp.sort).lower(jnp.ones(2)).compile()  # JAX's own start is not counted
        start = time.perf_counter()
        lowered = jax.jit(function(case.operator, case.program, **case.options())).lower(case.values()[0])
        return Compiled(lowered.compile(), time.perf_counter() - start)
    except (AttributeError, TypeError) as error:  # a name or an option of later
        raise NotImplementedError from error


def in_turn(functions: Sequence[Callable[[Array], Any]], inputs: Sequence[Array], rounds: int) -> list[float]:
    """Median seconds of each function, all of them in turn on the same values."""
    times: list[list[float]] = [[] for _ in functions]
    for x in itertools.islice(itertools.cycle(inputs), rounds + 1):
        for run, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            jax.block_until_ready(run(x))
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken[1:]) for taken in times]  # the first warms up


@functools.cache
def _endless(case: Case) -> Iterator[Float[Array, "lists n"]]:
    return itertools.cycle(case.values())


class AbstractBenchmark(abc.ABC):
    """Measurements of one case; a benchmark says which it is by its parameters, and chooses among the measurements."""

    timeout = 600
    rounds = 1
    repeat = (3, 30, 3.0)

    @abc.abstractmethod
    def case(self, *args: Any, **kwargs: Any) -> Case:
        """What the parameters name, whatever they are."""

    def setup(self, *parameters: Any) -> None:
        self.named = self.case(*parameters)
        self.program = compiled(self.named)
        self.inputs = _endless(self.named)


class AbstractTime(AbstractBenchmark):
    """Seconds of a call without compilation, over those of `jnp.sort` too, and what a first call costs."""

    def time_run(self, *_: Any) -> None:
        jax.block_until_ready(self.program.run(next(self.inputs)))

    def track_sorts(self, *_: Any) -> float:
        """Time over that of a sort of the same lists in the same process."""
        case = self.named
        rounds = 5 if case.lists * case.n >= 10**6 else 15
        mine, sort = in_turn([self.program.run, jax.jit(jnp.sort)], case.values(), rounds)
        return mine / sort

    def track_compilation(self, *_: Any) -> float:
        return self.program.seconds

    def track_scratch(self, *_: Any) -> float:
        """Memory beside arguments and answers."""
        analysis: Any = self.program.run.memory_analysis()
        return float(analysis.temp_size_in_bytes)

    track_sorts.unit = "sorts"  # pyright: ignore[reportFunctionMemberAccess]
    track_compilation.unit = "seconds"  # pyright: ignore[reportFunctionMemberAccess]
    track_scratch.unit = "bytes"  # pyright: ignore[reportFunctionMemberAccess]


class AbstractAccuracy(AbstractBenchmark):
    """Errors against float64."""

    def track_error(self, *_: Any) -> float:
        """Relative l2 error of the answer for the first list; none for a long one, as `Newton` takes n x n entries."""
        case, x = self.named, self.named.values()[0]
        if case.n > 1000:
            return math.nan
        answer = np.asarray(self.program.run(x)[:1], np.float64)
        jax.config.update("jax_enable_x64", True)
        exact = function(case.operator, case.program, solver=otsort.Newton(case.epsilon, tol=1e-10))
        expected = np.asarray(jax.jit(exact)(np.asarray(x[:1], np.float64)))
        return float(np.linalg.norm(answer - expected) / np.linalg.norm(expected))

    track_error.unit = "relative"  # pyright: ignore[reportFunctionMemberAccess]
