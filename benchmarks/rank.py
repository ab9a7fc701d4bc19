"""Time, compilation, scratch memory and accuracy of `otsort.rank` and its gradient, in float32 on normal data.

In this folder: `asv machine --yes`, then `asv run --python=same --set-commit-hash $(git rev-parse HEAD)`.
"""

import functools
import itertools
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import otsort
from otsort_studies.common import solvers

SOLVERS = {name: make(1e-2) for name, make in solvers.SOLVERS.items()}
SIZES = [100, 1000]


def _forward(solver: otsort.AbstractSolver, x: Float[Array, " n"]) -> Float[Array, " n"]:
    return otsort.rank(x, solver=solver)


def _gradient(solver: otsort.AbstractSolver, x: Float[Array, " n"]) -> Float[Array, " n"]:
    return jax.grad(lambda x: jnp.mean(otsort.rank(x, solver=solver) ** 2))(x)


def _compile(function: Callable[..., Array], solver: str, n: int) -> jax.stages.Compiled:
    x = jax.ShapeDtypeStruct((n,), jnp.float32)
    return jax.jit(functools.partial(function, SOLVERS[solver])).lower(x).compile()


_compile_once = functools.cache(_compile)  # asv calls setup before every sample


def _inputs(n: int) -> list[Float[Array, " n"]]:
    return list(jax.random.normal(jax.random.key(0), (8, n)))


class _Run:
    param_names = ("solver", "n")
    timeout = 600
    function: ClassVar[Callable[..., Array]]

    def setup(self, solver: str, n: int) -> None:
        self.run = _compile_once(self.function, solver, n)
        self.inputs = itertools.cycle(_inputs(n))

    def time_run(self, solver: str, n: int) -> None:
        """Seconds for one list, another one every time."""
        self.run(next(self.inputs)).block_until_ready()

    def track_scratch_memory(self, solver: str, n: int) -> float:
        """Bytes of intermediate results that the compiled program allocates."""
        analysis = self.run.memory_analysis()
        return float("nan") if analysis is None else analysis.temp_size_in_bytes

    track_scratch_memory.unit = "bytes"  # pyright: ignore[reportFunctionMemberAccess]


class Rank(_Run):
    """Ranks; `track_marginal_error` says how far from converged they are."""

    params = (list(SOLVERS), SIZES)
    function = staticmethod(_forward)

    def track_marginal_error(self, solver: str, n: int) -> float:
        """Largest marginal error over the inputs."""
        target = otsort.TargetMeasure.uniform(n)
        solutions = [otsort.solve(x, target, solver=SOLVERS[solver]) for x in _inputs(n)]
        return max(float(solution.stats["marginal_error"]) for solution in solutions)


class RankGradient(_Run):
    """Gradients of the mean squared rank; that of the exact one is zero and needs no time."""

    params = ([solver for solver in SOLVERS if solver != "NorthWestCorner"], SIZES)
    function = staticmethod(_gradient)


class Compilation:
    """Seconds from Python to a program, nothing cached."""

    params = (["forward", "gradient"], list(SOLVERS))
    param_names = ("program", "solver")
    timeout = 600
    number = 1
    repeat = 3
    warmup_time = 0

    def setup(self, program: str, solver: str) -> None:
        if program == "gradient" and solver == "NorthWestCorner":
            raise NotImplementedError  # see RankGradient; asv skips it
        jax.clear_caches()

    def time_compile(self, program: str, solver: str) -> None:
        """Trace, lower and compile for lists of 100."""
        _compile(_forward if program == "forward" else _gradient, solver, 100)
