"""The exact plan."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import Cost
from .._xla import with_axes
from .averages import log_or_flat, with_value, within_range
from .plan import AbstractPlan
from .start import sorted_corners
from .target import AbstractTarget
from .threshold import check_two


class MonotonePlan(AbstractPlan):
    """The exact one-dimensional plan: a sequence of segments that each move mass from one input to one target.

    From segment to segment, inputs and targets do not decrease: Proposition 1 of Cuturi et al. (2019). Inputs of equal
    value share their mass equally, as in the limit epsilon -> 0. The plan depends on the weights through the masses of
    the segments, and has the derivative of these masses. Its derivative in the inputs is zero.

    Attributes:
        positions: positions of the sorted inputs, shape `(n,)`.
        order: the permutation that sorts the inputs, shape `(n,)`.
        tie: the group of equal values that each sorted input belongs to, shape `(n,)`.
        source: the sorted input that each segment comes from, shape `(n + m,)`.
        goal: the target that each segment goes to, shape `(n + m,)`.
        mass: mass of each segment, shape `(n + m,)`; zero where an input and a target end at the same level.
        source_weights: weights of the sorted inputs, shape `(n,)`.
        target: the target, with m points.
        cost: cost of a displacement.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3), epsilon=0).plan
        >>> print(plan.as_matrix())
        [[0.2  0.   0.  ]
         [0.   0.2  0.  ]
         [0.13 0.07 0.  ]
         [0.   0.07 0.13]
         [0.   0.   0.2 ]]
    """

    positions: Float[Array, " n"]
    order: Int[Array, " n"]
    tie: Int[Array, " n"]
    source: Int[Array, " k"]
    goal: Int[Array, " k"]
    mass: Float[Array, " k"]
    source_weights: Float[Array, " n"]
    target: AbstractTarget
    cost: Cost

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        # The segments send the masses of equal inputs one after the other, so equal inputs are given their mean value.
        shared = self._share(values[self.order])
        return within_range(_segment_mean(shared[self.source], self.mass, self.goal, self.target.size), values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        means = _segment_mean(values[self.goal], self.mass, self.source, self.order.size)
        means = self._share(means)
        return jnp.zeros_like(means).at[self.order].set(means)

    def log_upper(self) -> Float[Array, " n"]:
        check_two(self.target)
        return log_or_flat(self.pull(jnp.arange(2, dtype=self.mass.dtype)))

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        """Returns the level of each input; see `AbstractPlan.level`.

        An input of `at` goes to the target between whose corners it lies, as in the limit epsilon -> 0. (A corner is a
        position at which the mass for one target ends and that for the next begins.) With as many targets as inputs, it
        has the level of the nearest input.
        """
        levels = self.target.levels(share)
        if at is None:
            return self.pull(levels)
        corners = sorted_corners(self.positions, self.source_weights, self.target)
        # Numerics: the midpoint of minus and plus infinity is NaN; any finite corner separates the two.
        corners = jnp.where(jnp.isnan(corners), 0, corners)
        weighted = self.target.weights > 0
        # A target without weight receives nothing: the last target with weight before it stands in its place.
        goals = jax.lax.cummax(jnp.where(weighted, jnp.arange(weighted.size), jnp.argmax(weighted)))
        first, last = (levels[goals[jnp.searchsorted(corners, at, side)]] for side in ("left", "right"))
        place = jnp.searchsorted(self.positions, at).clip(max=self.positions.size - 1)
        own = self.pull(levels)[self.order][place]
        return jnp.where(self.positions[place] == at, own, (first + last) / 2)

    def as_matrix(self) -> Float[Array, "n m"]:
        each = jnp.eye(self.target.size, dtype=self.mass.dtype)
        weights = jnp.zeros_like(self.source_weights).at[self.order].set(self.source_weights)
        return weights[:, None] * self.pull(each)

    def log_shares(self) -> Float[Array, "n m"]:
        return log_or_flat(self.pull(jnp.eye(self.target.size, dtype=self.mass.dtype)))

    def marginal_error(self) -> Float[Array, ""]:
        arrived = jax.ops.segment_sum(self.mass, self.goal, self.target.size)
        return jnp.sum(jnp.abs(arrived - self.target.weights))

    def transport_cost(self) -> Float[Array, ""]:
        displacement = self.target.points[self.goal] - self.positions[self.source]
        # Numerics: a segment without mass may be so long that its cost is infinite, and zero times infinity is NaN.
        counts = (self.mass > 0) | jnp.isfinite(self.cost(displacement))
        return jnp.sum(self.mass * self.cost(jnp.where(counts, displacement, 0)))

    def _share(self, values: Float[Array, "n *d"]) -> Float[Array, "n *d"]:
        return _segment_mean(values, self.source_weights, self.tie, self.order.size)[self.tie]


def _segment_mean(
    values: Float[Array, "k *d"], weights: Float[Array, " k"], segment: Int[Array, " k"], count: int
) -> Float[Array, "count *d"]:
    """Returns the weighted means over the runs of equal `segment`.

    A run without weight has its first value as its mean.

    Numerics: means are taken about the first value of a run, so that the mean of equal values is that value, bit for
    bit. They are taken of halves, because differences of finite values may overflow.

    Args:
        values: a row for each entry of `segment`.
        weights: of the values.
        segment: the run of each value, not decreasing.
        count: number of runs.
    """
    starts = jnp.searchsorted(segment, jnp.arange(count, dtype=segment.dtype)).clip(max=segment.size - 1)
    first = values[starts]
    # Numerics: infinite values are summed apart, because their differences to a finite value times zero are NaN.
    finite: Callable[[Array], Array] = lambda values: jnp.where(jnp.isinf(values), 0, values)
    total = jax.ops.segment_sum(weights, segment, count)
    safe = with_axes(jnp.where(total > 0, total, 1), values.ndim)
    weights = with_axes(weights, values.ndim)
    halves = finite(values) / 2 - finite(first)[segment] / 2
    infinite = jnp.where(weights > 0, jnp.where(jnp.isinf(values), values, 0), 0)
    sums = jax.ops.segment_sum(jnp.stack([weights * halves, infinite], axis=-1), segment, count)
    change, infinite = sums[..., 0] / safe, sums[..., 1]
    start = jnp.where(total.reshape(safe.shape) > 0, finite(first), first)
    means = 2 * (finite(first) / 2 + change)
    means = with_value(jnp.where(change == 0, start, means), means)
    return jnp.where(infinite == 0, means, infinite)
