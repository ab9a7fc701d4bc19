"""The target of the k largest values."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float

from .target import AbstractGrid, TargetMeasure, as_k, uniform_atoms


class TopTarget(AbstractGrid):
    """The measure of `TargetMeasure.top_k(count, k)`, for a count that may be known only at run time.

    Each of the k largest values has a point with its mass, 1 / count. The other values share the point 0 below these
    points. If there are at most k values, no point stands for other values. Points that are not needed come first, at
    0, and have no weight.

    Attributes:
        size: k + 1, or k if that is the length of the list.
        dtype: of `points` and `weights`.
        k: number of largest values.
        n: length of the list.
        count: the number of values, between 1 and n, which may be one for each list; None means n.
    """

    size: int = eqx.field(static=True)
    dtype: jnp.dtype = eqx.field(static=True)
    k: int = eqx.field(static=True)
    n: int = eqx.field(static=True)
    count: Float[Array, "*lists"] | None

    def __init__(self, n: int, k: int, dtype: DTypeLike, count: Float[Array, "*lists"] | None = None):
        self.n, self.k, self.dtype, self.count = n, as_k(k, n), jax.dtypes.canonicalize_dtype(dtype), count
        self.size = min(self.k + 1, n)

    @property
    def points(self) -> Float[Array, "m *lists"]:
        last = self._numpy.maximum(self._num_weighted - 1, 1)
        return jnp.asarray(self._numpy.maximum(1 - self._from_top / last[None], 0))

    @property
    def weights(self) -> Float[Array, "m *lists"]:
        from_top, count = self._from_top, self._count
        own = (from_top < self._numpy.minimum(self.k, count)[None]).astype(self.dtype)
        return jnp.asarray(self._numpy.where(from_top == self.k, self._others[None], own) / count[None])

    def levels(self, share: float) -> Float[Array, "m *lists"]:
        from_top, count, where = self._from_top, self._count, self._numpy.where
        upper = self._numpy.maximum(1 - (from_top + (1 - share)) / count[None], 0)
        others = where(from_top == self.k, (share * self._others / count)[None], 0)
        return jnp.asarray(where(from_top < self.k, upper, others))

    def astype(self, dtype: jnp.dtype) -> "TopTarget":
        return TopTarget(self.n, self.k, dtype, None if self.count is None else self.count.astype(dtype))

    @property
    def num_weighted(self) -> Float[Array, "*lists"]:
        return jnp.asarray(self._num_weighted)

    @property
    def extra_mass(self) -> Float[Array, "*lists"]:
        return jnp.asarray(self._numpy.maximum(self._others - 1, 0))

    def coarse(self, size: int) -> TargetMeasure:
        share = jnp.maximum((1 + self.extra_mass) / self._count, 1 / size)
        weights = jnp.concatenate([share[None], jnp.full(size - 1, (1 - share) / (size - 1), self.dtype)])
        return eqx.tree_at(lambda target: target.weights, uniform_atoms(size, self.dtype), weights)

    @property
    def _numpy(self) -> Any:
        """Returns the library that computes: arrays that are known before the program runs are constants of it."""
        return np if self.count is None else jnp

    @property
    def _count(self) -> Any:
        return np.asarray(self.n, self.dtype) if self.count is None else self.count

    @property
    def _num_weighted(self) -> Any:
        return self._numpy.minimum(self._count, self.k) + self._numpy.minimum(self._others, 1)

    @property
    def _others(self) -> Any:
        """Returns the number of values that are not among the k largest."""
        return self._numpy.maximum(self._count - self.k, 0)

    @property
    def _from_top(self) -> Any:
        places = self._numpy.arange(self.size, dtype=self.dtype)[::-1]
        return places.reshape(-1, *[1] * self._count.ndim)
