"""Ranks and levels."""

from typing import Unpack

import equinox as eqx
from jaxtyping import Array, ArrayLike, Float

from .._rows import AbstractReading, Axes, Dims, Options, Rows, Transport
from .._target import AbstractTarget


def cdf(
    x: ArrayLike, *, num_targets: int | None = None, target: AbstractTarget | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Cumulative distribution function of x at each of its own values: Definitions 1 and 2.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target, n unless given; values have resolution 1/m.
        target: a target measure instead.
        **options: see `Options`.

    Returns:
        Shape of x, in [0, 1].

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.read(_Level(rows.target(num_targets, target)))


class _Level(AbstractReading):
    target: AbstractTarget

    def __call__(self, transport: Transport, values: Float[Array, " n"]) -> Float[Array, " n"]:
        return transport(self.target).level(1.0)

    def dims(self, axes: Axes) -> Dims:
        return axes.same


def rank(
    x: ArrayLike,
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    descending: bool = False,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Ranks, 1 for the least of n values and n for the largest, as scipy.stats.rankdata; ties share their average.

    1/2 + n * pull(cumsum b - b/2), which is n * cdf(x) when m = n targets are uniform; its weighted mean is (n + 1)/2.

    Args:
        x: values, any shape.
        num_targets: m, the size of the uniform target, n unless given.
        target: a target measure instead.
        descending: count from the largest: n + 1 - rank.
        **options: see `Options`.

    Returns:
        Shape of x.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.
    """
    rows = Rows(x, options)
    return rows.read(_Rank(rows.target(num_targets, target), descending))


class _Rank(AbstractReading):
    target: AbstractTarget
    descending: bool = eqx.field(static=True)

    def __call__(self, transport: Transport, values: Float[Array, " n"]) -> Float[Array, " n"]:
        ranks = 0.5 + len(values) * transport(self.target).level(0.5)
        return len(values) + 1 - ranks if self.descending else ranks

    def dims(self, axes: Axes) -> Dims:
        return axes.same
