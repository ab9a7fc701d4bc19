"""How the error of a gradient falls with the number of sweeps."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp

import otsort

from ._methods import LAST_STEPS
from ._reading import compiled, lowered, rank_gradient
from ._trial import Trial

BUDGETS = (1, 3, 10, 30, 100)
DIFFERENTIATIONS = {
    "Unrolled": (otsort.Unrolled(), 0),  # and the sweeps that it takes beyond max_steps
    "Implicit": (otsort.Implicit(), 0),
    f"OneStep({LAST_STEPS})": (otsort.OneStep(LAST_STEPS), LAST_STEPS + 1),
}


@dataclass(frozen=True)
class Sweeps:
    """The gradient after a fixed number of sweeps of `LogSinkhorn`, from its default start, in float32.

    Attributes:
        differentiation: name of the strategy.
        sweeps: number of them, with those that OneStep takes last.
        epsilon: of the solver.
        gradient_error: relative l2 error of the gradient of a weighted sum of the ranks.
    """

    differentiation: str
    sweeps: int
    epsilon: float
    gradient_error: float


def cases(epsilons: Sequence[float]) -> list[tuple[str, int, float]]:
    """Differentiation, sweeps and epsilon of all there is to measure; those that share a program are neighbours."""
    return [
        (name, sweeps, epsilon)
        for name, (_, extra) in DIFFERENTIATIONS.items()
        for sweeps in BUDGETS
        for epsilon in epsilons
        if sweeps > extra
    ]


def measure_sweeps(trial: Trial, cases: Iterable[tuple[str, int, float]]) -> Iterator[Sweeps]:
    """Measurements one by one."""
    groups = [list(group) for _, group in itertools.groupby(cases, key=lambda case: case[:2])]
    programs = compiled(lowered(rank_gradient, trial.x, _solver(*group[0]), trial.weights) for group in groups)
    for group, program in zip(groups, programs, strict=True):
        for name, sweeps, epsilon in group:
            gradient = program(trial.x, _solver(name, sweeps, epsilon), trial.weights)
            yield Sweeps(name, sweeps, epsilon, trial.gradient_error(gradient, epsilon))


def _solver(name: str, sweeps: int, epsilon: float) -> otsort.LogSinkhorn:
    differentiation, extra = DIFFERENTIATIONS[name]
    return otsort.LogSinkhorn(
        jnp.asarray(epsilon, jnp.float32), tol=None, max_steps=sweeps - extra, differentiation=differentiation
    )
