"""Targets: the measures that inputs are transported to."""

import abc
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox import AbstractVar
from jaxtyping import Array, ArrayLike, DTypeLike, Float

from .._checks import as_array, as_size, checked, probabilities
from .._types import Scalar
from .._xla import with_axes


class AbstractTarget(eqx.Module):
    """A target: m nondecreasing points on the line, with weights that sum to 1.

    Attributes:
        points: shape `(m,)`, or with a last axis of lists.
        weights: nonnegative, summing to 1, of the same shape.
        size: number of points, m.
        dtype: dtype of points and weights.

    Example:
        See :doc:`/how_to/extending`.
    """

    points: AbstractVar[Float[Array, "m *lists"]]
    weights: AbstractVar[Float[Array, "m *lists"]]
    size: AbstractVar[int]
    dtype: AbstractVar[jnp.dtype]

    @abc.abstractmethod
    def levels(self, share: float) -> Float[Array, "m *lists"]:
        """Returns, for each point, the mass below it plus a share of its own mass.

        The share is 1/2 for ranks and 1 for cumulative weights.
        """

    @abc.abstractmethod
    def astype(self, dtype: jnp.dtype) -> "AbstractTarget":
        """Returns the same measure in another dtype."""

    @property
    def cumulative(self) -> Float[Array, "m *lists"]:
        """Returns the cumulative weights; the last is exactly 1."""
        return self.levels(1.0)


class AbstractGrid(AbstractTarget):
    """A target on a regular grid of [0, 1], in which all points but the first have equal weights.

    Points without weight may stand before or after these points. `otsort.Quadrature` compresses a grid to few nodes.
    """

    @property
    @abc.abstractmethod
    def num_weighted(self) -> int | Float[Array, "*lists"]:
        """Returns the number of points that have weight."""

    @property
    @abc.abstractmethod
    def extra_mass(self) -> Float[Array, "*lists"] | None:
        """Returns (first weight - w) / w, with w the weight of each other point; None means that all are equal."""

    @abc.abstractmethod
    def coarse(self, size: int) -> AbstractTarget:
        """Returns a target of similar shape with `size` points."""


class UniformTarget(AbstractGrid):
    """A target with m equal weights on a regular grid of [0, 1], for ranks and sorted values.

    It is the same measure as `TargetMeasure.uniform(m)`, but it is not stored as arrays, because solvers that know its
    form do not need its m points. It has no derivative.

    Attributes:
        size: the number of points m, at least 1; a smaller one raises ValueError.
        dtype: dtype of `points` and `weights`; JAX's default float unless given.
        count: the number of points that have weight, between 1 and m; the other points lie at 1 and have none. It may
            be known only when the program runs, and there may be one number for each list. None means that all points
            have weight.

    Example:
        >>> target = otsort.UniformTarget(5)
        >>> print(target.points, target.weights, target.levels(0.5))
        [0.   0.25 0.5  0.75 1.  ] [0.2 0.2 0.2 0.2 0.2] [0.1 0.3 0.5 0.7 0.9]
    """

    size: int = eqx.field(static=True)
    dtype: jnp.dtype = eqx.field(static=True)
    count: Float[Array, "*lists"] | None

    def __init__(self, size: int, dtype: DTypeLike = float, count: Float[Array, "*lists"] | None = None):
        self.size, self.dtype, self.count = as_size(size, "size"), jax.dtypes.canonicalize_dtype(dtype), count

    @property
    def num_weighted(self) -> int | Float[Array, "*lists"]:
        return self.size if self.count is None else self.count

    @property
    def extra_mass(self) -> None:
        return None

    def coarse(self, size: int) -> "UniformTarget":
        return UniformTarget(size, self.dtype)

    @property
    def points(self) -> Float[Array, "m *lists"]:
        if self.count is None:
            return jnp.linspace(0, 1, self.size, dtype=self.dtype)
        # Points without weight stay at 1, so that points do not decrease.
        return jnp.minimum(self._places / jnp.maximum(self.count - 1, 1)[None], 1)

    @property
    def weights(self) -> Float[Array, "m *lists"]:
        if self.count is None:
            return jnp.full(self.size, 1 / self.size, self.dtype)
        return jnp.where(self._places < self.count[None], 1 / self.count[None], 0)

    def levels(self, share: float) -> Float[Array, "m *lists"]:
        if self.count is None:
            return (self._places + share) / self.size
        return (jnp.minimum(self._places, self.count[None] - 1) + share) / self.count[None]

    def astype(self, dtype: jnp.dtype) -> "UniformTarget":
        return UniformTarget(self.size, dtype, None if self.count is None else self.count.astype(dtype))

    @property
    def _places(self) -> Float[Array, "m *ones"]:
        lists = 0 if self.count is None else self.count.ndim
        return with_axes(jnp.arange(self.size, dtype=self.dtype), 1 + lists)


class TargetMeasure(AbstractTarget):
    """A target with given points and weights: a discrete probability measure on m increasing points.

    Attributes:
        points: strictly increasing, shape `(m,)`, to compare with the inputs after the squash, which lie in [0, 1].
        weights: nonnegative, shape `(m,)`, scaled to sum to 1. A weight of zero is allowed. Such a point receives no
            mass, and a pushed value there is a conditional mean.

    Raises:
        ValueError: the shapes differ or are not one-dimensional, m = 0, points do not increase, a weight is negative or
            all are zero (RuntimeError when these values are traced).

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> outer = otsort.TargetMeasure(points=[0.0, 0.5, 1.0], weights=[1, 3, 1])
        >>> print(otsort.sort(x, target=outer, epsilon=0.1), otsort.sort(x, target=outer, epsilon=0))
        [ 2.38  5.66 10.63] [ 1.    5.67 12.  ]
    """

    points: Float[Array, " m"]
    weights: Float[Array, " m"]

    def __init__(self, points: ArrayLike, weights: ArrayLike):
        points, weights = as_array(points, "points"), as_array(weights, "weights")
        if points.ndim != 1 or points.shape != weights.shape or points.size == 0:
            raise ValueError(
                "points and weights of a TargetMeasure must be one-dimensional, nonempty and of one length, "
                f"got shapes {points.shape} and {weights.shape}"
            )
        increase = lambda points: (points[1:] > points[:-1]).all() & (points[0] > -jnp.inf) & (points[-1] < jnp.inf)
        self.points = checked(
            points, increase, "points of a TargetMeasure", "must be finite and increase", remedy="sort them"
        )
        self.weights = probabilities(weights, "weights of a TargetMeasure")

    @classmethod
    def uniform(cls, m: int) -> "TargetMeasure":
        """Returns a target with m equal weights on a regular grid of [0, 1], stored as arrays.

        `UniformTarget(m)` needs no arrays.

        Raises:
            ValueError: m below 1.

        Example:
            >>> print(otsort.TargetMeasure.uniform(5).points)
            [0.   0.25 0.5  0.75 1.  ]
        """
        m = as_size(m, "m")
        return cls(np.linspace(0, 1, m), np.ones(m))

    @classmethod
    def quantile(cls, tau: Scalar, t: Scalar = 0.1) -> "TargetMeasure":
        """Returns the quantile target of Cuturi et al. (2019), equation (4).

        It has the points [0, 1/2, 1] and the weights [tau (1 - t), t, (1 - tau)(1 - t)]. The mass of the middle point
        is centred at the level tau + t (1/2 - tau), not at tau; `otsort.quantile` uses another centre.

        Args:
            tau: quantile level in [0, 1].
            t: mass of the middle point, in (0, 1].

        Raises:
            ValueError: tau or t out of range (RuntimeError when traced).

        Example:
            >>> print(otsort.TargetMeasure.quantile(0.2).weights)
            [0.18 0.1  0.72]
        """
        tau = checked(tau, lambda tau: (tau >= 0) & (tau <= 1), "tau", "must be a number in [0, 1]")
        t = checked(t, lambda t: (t > 0) & (t <= 1), "t", "must be a number in (0, 1]")
        return cls(np.linspace(0, 1, 3), jnp.stack([tau * (1 - t), t, (1 - tau) * (1 - t)]))

    @classmethod
    def top_k(cls, n: int, k: int) -> "TargetMeasure":
        """Returns the target of the k largest values: one point for each of them, and one for all others.

        It has the points linspace(0, 1, k + 1) and the weights [1 - k/n, 1/n, ..., 1/n]. For k = n it is `uniform(n)`.

        Raises:
            ValueError: k is not one of 1 ... n.

        Example:
            >>> target = otsort.TargetMeasure.top_k(5, 2)
            >>> print(target.points, target.weights)
            [0.  0.5 1. ] [0.6 0.2 0.2]
        """
        k = as_k(k, n)
        if k == n:
            return cls.uniform(n)
        return cls(np.linspace(0, 1, k + 1), np.r_[n - k, np.ones(k)])

    @classmethod
    def top_mass(cls, n: int, k: int) -> "TargetMeasure":
        """Returns the target with points [0, 1] and weights [1 - k/n, k/n].

        The upper point stands for all of the k largest values.

        Raises:
            ValueError: k is not one of 1 ... n.

        Example:
            >>> print(otsort.TargetMeasure.top_mass(5, 2).weights)
            [0.6 0.4]
        """
        k = as_k(k, n)
        return cls(np.linspace(0, 1, 2), np.array([n - k, k]))

    @property
    def size(self) -> int:
        return self.points.shape[0]

    @property
    def dtype(self) -> jnp.dtype:
        return self.points.dtype

    def levels(self, share: float) -> Float[Array, " m"]:
        # Numerics: divided by itself, the last cumulative weight is exactly 1, whatever the rounding of the sum.
        total = jnp.cumsum(self.weights, axis=0)
        return total / total[-1:] - (1 - share) * self.weights

    def astype(self, dtype: jnp.dtype) -> "TargetMeasure":
        return jax.tree.map(lambda leaf: leaf.astype(dtype), self)


@functools.lru_cache
def uniform_atoms(m: int, dtype: jnp.dtype) -> TargetMeasure:
    """Returns `TargetMeasure.uniform(m)`, cached, because making and checking it takes longer than many calls.

    Its arrays are NumPy arrays. JAX arrays would belong to the trace and to the devices on which they were made.
    """
    with jax.ensure_compile_time_eval():
        target = TargetMeasure.uniform(m)
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), target)


def as_k(k: int, n: int) -> int:
    """Returns k as an integer, checked to lie between 1 and n.

    Raises:
        TypeError, ValueError: as `as_size`.
    """
    return as_size(k, "k", n, "the number of values")


def as_target(target: AbstractTarget) -> AbstractTarget:
    """Returns a target that a user gave, checked.

    Raises:
        TypeError: it is not a target.
    """
    if not isinstance(target, AbstractTarget):
        raise TypeError(
            f"target must be a measure such as otsort.UniformTarget(5), got {target!r}: num_targets takes a number"
        )
    return target
