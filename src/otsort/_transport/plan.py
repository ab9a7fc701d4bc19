"""Transport plans: what the operators read their answers from."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._xla import per_target
from .averages import with_value, within_range
from .semi_dual import SemiDual
from .start import sorted_corners
from .target import AbstractTarget
from .threshold import check_two, log_upper_share


class AbstractPlan(eqx.Module):
    """A plan P of shape `(n, m)`, known through its action.

    Example:
        See :doc:`/how_to/extending`.
    """

    @abc.abstractmethod
    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """P^T v / P^T 1: for each target, the average of the values that arrive there.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.push(x))
            [2.76 5.39 9.85]
        """

    @abc.abstractmethod
    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """P z / a: for each input, the average of the values of its targets.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.pull(jnp.array([-1.0, 0.5, 3.0])))
            [-0.75  0.32 -0.1   1.9   2.79]
        """

    @abc.abstractmethod
    def log_upper(self) -> Float[Array, " n"]:
        """Of two targets: log(pull([0, 1])), the share that the upper one receives, exact where it underflows.

        Raises:
            ValueError: there are not two targets.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(2), epsilon=0.1).plan.log_upper())
            [-5.01 -0.97 -1.93 -0.03 -0.  ]
        """

    @abc.abstractmethod
    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        """pull of the target's `levels(share)`: for each input, the mass of the targets below it, in [0, 1].

        Args:
            share: of a target's own mass, that counts as below it.
            at: positions of other inputs, which the potential transports as it does those of the problem.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.level(0.5))
            [0.22 0.43 0.36 0.68 0.81]
        """

    @abc.abstractmethod
    def as_matrix(self) -> Float[Array, "n m"]:
        """P itself, n m entries.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.as_matrix())
            [[0.17 0.03 0.  ]
             [0.06 0.11 0.02]
             [0.1  0.09 0.01]
             [0.01 0.08 0.12]
             [0.   0.02 0.18]]
        """

    @abc.abstractmethod
    def marginal_error(self) -> Float[Array, ""]:
        """sum_j abs(sum_i P_ij - b_j); the row sums are those of the inputs by construction.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.marginal_error() < 1e-5)
            True
        """


class EntropicPlan(AbstractPlan):
    """P_ij = a_i b_j exp((f_j - h(y_j - x_i)) / epsilon - L_i), rows normalised by L.

    Attributes:
        dual: the problem and its epsilon.
        potential: f, relative to the target weights, shape `(m, *lists)`; f + epsilon log b is the potential g of the
            textbooks. A constant added to it changes nothing.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan
        >>> print(plan.potential.shape, plan.as_matrix().sum(axis=0))
        (3,) [0.33 0.33 0.33]
    """

    dual: SemiDual
    potential: Float[Array, "m *lists"]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.dual.push(self.potential, values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        if values.ndim == 1:
            values = per_target(values, self.potential)
        return self.dual.pull(self.potential, values)

    def log_upper(self) -> Float[Array, "n *lists"]:
        return log_upper_share(self.dual.problem, self.dual.epsilon, self.potential)

    def level(self, share: float, at: Float[Array, "k *lists"] | None = None) -> Float[Array, "k *lists"]:
        problem = self.dual.problem
        levels = per_target(problem.target.levels(share), self.potential)
        return self.dual.pull_at(self.potential, levels, problem.positions if at is None else at)

    def as_matrix(self) -> Float[Array, "n m *lists"]:
        return self.dual.as_matrix(self.potential)

    def marginal_error(self) -> Float[Array, "*lists"]:
        return self.dual.marginal_error(jnp.exp(self.dual.log_marginal_ratio(self.potential)))


class MonotonePlan(AbstractPlan):
    """The exact one-dimensional plan: segments of mass, each from one input to one target, both increasing.

    Proposition 1 of Cuturi et al. (2019). Inputs of equal value share their mass equally, as in the limit
    epsilon -> 0. The derivative in the weights is that of the segments' lengths (corners of the plan move); the
    derivative of the plan in the inputs is zero.

    Attributes:
        positions: of the sorted inputs, shape `(n,)`.
        order: sorts the inputs, shape `(n,)`.
        tie: index of the group of equal values of each sorted input, shape `(n,)`.
        source: the sorted input that each segment comes from, shape `(n + m,)`.
        goal: the target that it goes to, shape `(n + m,)`.
        mass: of each segment, shape `(n + m,)`; zero where two corners coincide.
        source_weights: of the sorted inputs, shape `(n,)`.
        target: m points.

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

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        shared = self._share(values[self.order])
        return within_range(_segment_mean(shared[self.source], self.mass, self.goal, self.target.size), values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        means = _segment_mean(values[self.goal], self.mass, self.source, self.order.size)
        means = self._share(means)
        return jnp.zeros_like(means).at[self.order].set(means)

    def log_upper(self) -> Float[Array, " n"]:
        check_two(self.target)
        share = self.pull(jnp.arange(2, dtype=self.mass.dtype))
        nothing = share == 0
        return jnp.where(nothing, -jnp.inf, jnp.log(jnp.where(nothing, 1, share)))  # without slope

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        """See `AbstractPlan.level`.

        Another input goes to the target between whose corners it lies, as in the limit epsilon -> 0: with as many
        targets as inputs it takes the place of the nearest one.
        """
        levels = self.target.levels(share)
        if at is None:
            return self.pull(levels)
        corners = sorted_corners(self.positions, self.source_weights, self.target)
        corners = jnp.where(jnp.isnan(corners), 0, corners)  # between infinities
        weighted = self.target.weights > 0
        goals = jax.lax.cummax(jnp.where(weighted, jnp.arange(weighted.size), jnp.argmax(weighted)))
        first, last = (levels[goals[jnp.searchsorted(corners, at, side)]] for side in ("left", "right"))
        place = jnp.searchsorted(self.positions, at).clip(max=self.positions.size - 1)
        own = self.pull(levels)[self.order][place]
        return jnp.where(self.positions[place] == at, own, (first + last) / 2)

    def as_matrix(self) -> Float[Array, "n m"]:
        each = jnp.eye(self.target.size, dtype=self.mass.dtype)
        weights = jnp.zeros_like(self.source_weights).at[self.order].set(self.source_weights)
        return weights[:, None] * self.pull(each)

    def marginal_error(self) -> Float[Array, ""]:
        arrived = jax.ops.segment_sum(self.mass, self.goal, self.target.size)
        return jnp.sum(jnp.abs(arrived - self.target.weights))

    def _share(self, values: Float[Array, "n *d"]) -> Float[Array, "n *d"]:
        return _segment_mean(values, self.source_weights, self.tie, self.order.size)[self.tie]


def _segment_mean(
    values: Float[Array, "k *d"], weights: Float[Array, " k"], segment: Int[Array, " k"], count: int
) -> Float[Array, "count *d"]:
    """Weighted means over runs of equal `segment`, which increases; values without weight count only alone.

    Numerics: means are taken about a first value, so that the mean of equal values is that value, bit for bit, and of
    halves, whose differences do not overflow.
    """
    starts = jnp.searchsorted(segment, jnp.arange(count, dtype=segment.dtype)).clip(max=segment.size - 1)
    first = values[starts]
    finite: Callable[[Array], Array] = lambda values: jnp.where(jnp.isinf(values), 0, values)
    total = jax.ops.segment_sum(weights, segment, count)
    safe = jnp.where(total > 0, total, 1).reshape(-1, *[1] * (values.ndim - 1))
    weights = weights.reshape(-1, *[1] * (values.ndim - 1))
    halves = finite(values) / 2 - finite(first)[segment] / 2
    infinite = jnp.where(weights > 0, jnp.where(jnp.isinf(values), values, 0), 0)
    sums = jax.ops.segment_sum(jnp.stack([weights * halves, infinite], axis=-1), segment, count)
    change, infinite = sums[..., 0] / safe, sums[..., 1]
    start = jnp.where(total.reshape(safe.shape) > 0, finite(first), first)
    means = 2 * (finite(first) / 2 + change)
    means = with_value(jnp.where(change == 0, start, means), means)
    return jnp.where(infinite == 0, means, infinite)
