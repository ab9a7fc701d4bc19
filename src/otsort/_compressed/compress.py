"""A transport problem of any size as a small one."""

import math
from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.custom_batching
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from .._cost import SquaredCost
from .._problem import Problem
from .._semidual import SemiDual
from .._start import sorted_start
from .._target import AbstractTarget, UniformTarget
from .dual import TabulatedDual
from .interpolant import Interpolant
from .knots import adapted_knots, num_lengths
from .panels import ORDER, Panels

_Arrays = TypeVar("_Arrays")


class Sizes(NamedTuple):
    """How finely measures and functions are resolved; the powers are the orders of the errors.

    Attributes:
        panels: of the targets, `ORDER` nodes each.
        pieces: of an interpolant, each a quintic polynomial.
        cells: of its regular grid, each a cubic polynomial.
    """

    panels: int
    pieces: int
    cells: int

    @classmethod
    def of(cls, epsilon: float, accuracy: float | None, target: AbstractTarget, finer: float = 1.0) -> "Sizes":
        """Sizes for a target: where its points are a gap apart, a plan changes within epsilon / gap.

        Args:
            epsilon: the least that they are made for.
            accuracy: of levels; 1e-6 in float64 and 1e-5 in float32 for None.
            target: to transport to.
            finer: what to divide the accuracy by.
        """
        accuracy = accuracy or (1e-6 if jnp.finfo(target.dtype).bits == 64 else 1e-5)
        gap = 1 / target.size if isinstance(target, UniformTarget) else 1
        lengths, finer = num_lengths(epsilon), (1 + 20 * gap) * 1e-6 * finer / accuracy
        return cls(
            panels=math.ceil(1.3 * lengths / 4 * finer ** (1 / 16)),
            pieces=math.ceil(2 * lengths * finer ** (1 / 6)),
            cells=math.ceil(8 / epsilon * finer ** (1 / 4)),
        )

    def nodes(self, target: AbstractTarget) -> int:
        """The number of points that stand for a target."""
        return min(ORDER * self.panels, target.size) if isinstance(target, UniformTarget) else target.size


class Compressed(NamedTuple):
    """A compressed problem.

    Attributes:
        dual: the problem.
        start: the exact potential of its nodes, where Newton's method starts.
        over_targets: the interpolant of functions of the targets.
    """

    dual: TabulatedDual
    start: Float[Array, " r"]
    over_targets: Interpolant


def compress(
    cells: Float[Array, "cells 4"], target: AbstractTarget, epsilon: Float[Array, ""], sizes: Sizes
) -> Compressed:
    """The small problem, for inputs known by their moments alone.

    Args:
        cells: moments of the inputs in `sizes.cells` cells of [0, 1], up to a factor.
        target: to transport to.
        epsilon: regularisation.
        sizes: made for it.
    """
    frozen_epsilon = stop_gradient(epsilon)

    # Where functions need resolution, from the exact potential: of the targets from few inputs ...
    inputs = _centroids(stop_gradient(cells))
    grid = UniformTarget(ORDER * sizes.panels + 1, cells.dtype)
    few = _merged(*inputs, math.ceil(sizes.cells / grid.size))
    coarse = SemiDual(Problem(*few, grid, SquaredCost()), frozen_epsilon)
    input_means = coarse.push(sorted_start(coarse.problem), coarse.problem.positions)
    nodes = target
    if sizes.nodes(target) < target.size:
        nodes = Panels(adapted_knots(input_means, frozen_epsilon, sizes.panels), target.size)

    inputs, nodes = _in_memory((inputs, nodes), jnp.sum(cells[:, 0]) >= 0)

    # ... and of the inputs.
    frozen_nodes = stop_gradient(nodes)
    start = sorted_start(Problem(*inputs, frozen_nodes, SquaredCost()))
    regular = SemiDual(Problem(grid.points, grid.weights, frozen_nodes, SquaredCost()), frozen_epsilon)
    target_means = regular.pull(start, frozen_nodes.points)
    over_inputs, over_targets = (
        Interpolant(adapted_knots(means, frozen_epsilon, sizes.pieces), sizes.cells)
        for means in (target_means, input_means)
    )
    problem = Problem(over_inputs.knots, jnp.zeros_like(over_inputs.knots), nodes, SquaredCost())
    masses = over_inputs.functional(cells / jnp.sum(cells[:, 0]))
    return Compressed(TabulatedDual(problem, epsilon, over_inputs, masses), start, over_targets)


def _centroids(moments: Float[Array, "cells 4"]) -> tuple[Float[Array, " cells"], Float[Array, " cells"]]:
    """The mass in each of equal cells of [0, 1] as one point, its mean, and the masses.

    A cell without mass has its point in the centre.
    """
    mass, first = moments[:, 0], moments[:, 1]
    cells = mass.size
    means = first / jnp.where(mass > 0, mass, 1)
    return (jnp.arange(cells, dtype=mass.dtype) + 0.5 + jnp.clip(means, -0.5, 0.5)) / cells, mass


def _merged(
    points: Float[Array, " n"], weights: Float[Array, " n"], count: int
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Each `count` neighbours as one point, their mean; the last may be of fewer."""
    size = -(-points.size // count)
    points = jnp.pad(points, (0, size * count - points.size), mode="edge").reshape(size, count)
    weights = jnp.pad(weights, (0, size * count - weights.size)).reshape(size, count)
    masses = jnp.sum(weights, axis=1)
    empty = masses == 0
    means = jnp.sum(weights * points, axis=1) / jnp.where(empty, 1, masses)
    return jnp.where(empty, points[:, 0], means), masses


def _in_memory(arrays: _Arrays, sound: Bool[Array, ""]) -> _Arrays:
    """The same arrays, computed once and stored: NaN if they are not sound.

    XLA:CPU would else fuse their computation into every loop over pairs that uses them, and compute them anew for each
    pair: 256 lists of 100 or of 1000 then take 1.4 times as long, with gradient 1.5 times. A condition that is decided
    when the program runs ends a fusion; `jax.lax.optimization_barrier` does not, as it is gone before fusion.
    """
    broken = lambda arrays: jax.tree.map(lambda a: a * jnp.nan if eqx.is_inexact_array(a) else a, arrays)
    return jax.lax.cond(_all(stop_gradient(sound)), lambda arrays: arrays, broken, arrays)


@jax.custom_batching.custom_vmap
def _all(sound: Bool[Array, "*batch"]) -> Bool[Array, ""]:
    """Whether all are, one answer for a batch: a condition on many would compute both branches for each."""
    return jnp.all(sound)


@_all.def_vmap
def _all_of_batch(axis_size, in_batched, sound):
    del axis_size, in_batched
    return _all(sound), False
