"""Compression of a target on a grid: Gauss rules with few nodes stand for its many points."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._transport.target import AbstractGrid, AbstractTarget
from .._xla import per_target, with_axes

#: Number of nodes of a panel.
ORDER = 8


class Panels(AbstractTarget):
    """Gauss rules for a grid of points, one for each panel: 8 nodes with the moments of a run of neighbouring points.

    The rule of a run of c points is the Gauss rule of the discrete uniform measure on them. Its nodes are the
    eigenvalues of the Jacobi matrix of the Gram polynomials, which has a zero diagonal and the off-diagonal entries

        k (c^2 - k^2)^(1/2) / (2 (4 k^2 - 1)^(1/2)),    k = 1 ... 7.

    It is exact for polynomials up to degree 15. A run of 8 points or fewer is its own rule, and its surplus nodes have
    weight zero. If the first point has a weight of its own, the first panel is that point.

    Attributes:
        points: the nodes, shape `(8 p,)`, nondecreasing.
        weights: of the nodes, shape `(8 p,)`.
        starts: index of the first point of each panel, shape `(p,)`.
        counts: number of points of each panel, shape `(p,)`.
        target: the grid.
    """

    points: Float[Array, " r"]
    weights: Float[Array, " r"]
    starts: Int[Array, " p"]
    counts: Int[Array, " p"]
    target: AbstractGrid

    def __init__(self, knots: Float[Array, " k"], target: AbstractGrid):
        """Makes panels between given knots.

        Args:
            knots: from 0 to 1, not decreasing.
            target: whose points are cut into panels. If its first point has a weight of its own, that point is one more
                panel.
        """
        m = target.num_weighted
        cuts = jnp.round(knots * (m - 1) + 0.5).at[0].set(0).at[-1].set(m).astype(jnp.int32)
        if target.extra_mass is not None:
            cuts = jnp.concatenate([jnp.zeros(1, cuts.dtype), jnp.maximum(cuts, 1)])
        self.starts, self.counts, self.target = cuts[:-1], jnp.diff(cuts), target
        nodes, weights = _gram_rule(self.counts, knots.dtype)
        half = self.counts.astype(knots.dtype)[:, None] / 2
        places = self.starts.astype(knots.dtype)[:, None] + jnp.maximum(half - 0.5, 0) + half * nodes
        self.points = (places / jnp.maximum(m - 1, 1)).ravel()
        masses = weights * half * (2 / self._total)
        if target.extra_mass is not None:
            masses = masses.at[0].multiply(1 + target.extra_mass)
        self.weights = masses.ravel()

    @property
    def size(self) -> int:
        return self.points.size

    @property
    def dtype(self) -> jnp.dtype:
        return self.points.dtype

    def levels(self, share: float) -> Float[Array, " r"]:
        """Returns the levels of the grid at the nodes, from which ranks are read."""
        # Levels are linear in the points, so the interpolation between the points of the target is exact.
        place, extra = self.points * (self.target.num_weighted - 1), self.target.extra_mass
        if extra is not None:
            place = place + extra * jnp.where(place < 0.5, share, 1)
        return (place + share) / self._total

    @property
    def cumulative(self) -> Float[Array, " r"]:
        """Returns the mass of the nodes up to each, its own included: the level at which the exact plan moves on."""
        # Numerics: the mass before a panel is a number of points over m, so rounding does not add up over the panels.
        upper = jnp.triu(jnp.ones((ORDER, ORDER), self.dtype))
        inside = jnp.matmul(self.weights.reshape(-1, ORDER), upper, precision=jax.lax.Precision.HIGHEST)
        before, extra = self.starts.astype(self.dtype), self.target.extra_mass
        if extra is not None:
            before = before + jnp.where(self.starts > 0, extra, 0)
        return ((before / self._total)[:, None] + inside).ravel()

    @property
    def _total(self) -> int | Float[Array, ""]:
        """Returns the mass of the grid, in units of the weight of its points."""
        extra = self.target.extra_mass
        return self.target.num_weighted if extra is None else self.target.num_weighted + extra

    def astype(self, dtype: jnp.dtype) -> "Panels":
        return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, self)

    def project(self, values: Float[Array, "m *d"]) -> Float[Array, "r *d"]:
        """Returns values at the nodes that stand for values at all points of the target.

        In each panel, the sums of both against polynomials up to degree 7 agree. Points without weight do not count.
        """
        m = self.target.size
        if self.target.extra_mass is not None:
            # Points without weight come first there.
            values = jnp.roll(values, jnp.asarray(self.target.num_weighted - m, jnp.int32), axis=0)
        panel = jnp.repeat(jnp.arange(self.starts.size), self.counts, total_repeat_length=m)
        dtype = self.points.dtype
        counts = jnp.maximum(self.counts, 1).astype(dtype)
        places = jnp.arange(m, dtype=jnp.int32) - self.starts[panel]
        of_targets = _gram_polynomials((2 * places.astype(dtype) + 1) / counts[panel] - 1, counts[panel])
        # Points beyond the last panel have no weight.
        values = jnp.where(per_target(places < self.counts[panel], values), values, 0)
        terms = with_axes(of_targets, values.ndim + 1) * values[:, None]
        sums = jax.ops.segment_sum(terms, panel, self.starts.size, indices_are_sorted=True)
        nodes, _ = _gram_rule(self.counts, dtype)
        of_nodes = _gram_polynomials(nodes.ravel(), jnp.repeat(counts, ORDER)).reshape(-1, ORDER, ORDER)
        means = jnp.einsum("pqk,pk...->pq...", of_nodes, sums, precision=jax.lax.Precision.HIGHEST)
        return (means / with_axes(counts, means.ndim)).reshape(-1, *values.shape[1:])


def _gram_rule(counts: Int[Array, " p"], dtype: jnp.dtype) -> tuple[Float[Array, "p 8"], Float[Array, "p 8"]]:
    """Returns the nodes and the weights of the rules for runs of `counts` points, from a table.

    Nodes lie in [-1, 1], in units of half the count about the middle of a run. The weights of a rule sum to 1.
    """
    # XLA: an eigenvalue problem for each panel would be a call of LAPACK each.
    rules, slope = (jnp.asarray(table, dtype) for table in _gram_table())
    row = jnp.clip(counts, 1, rules.shape[0]) - 1
    # Beyond the table, a rule differs from that of Legendre by a multiple of 1 / count^2.
    squares = 1 / jnp.maximum(counts, 1).astype(dtype) ** 2 - 1 / (row + 1).astype(dtype) ** 2
    rule = rules[row] + slope[None] * squares[:, None, None]
    return rule[:, 0], rule[:, 1]


@functools.cache
def _gram_table(rows: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Returns nodes and weights for counts 1 ... rows, shape `(rows, 2, 8)`, and their slope in 1 / count^2 beyond."""
    count = np.arange(1, rows + 1)[:, None]
    k = np.arange(1, ORDER)
    jacobi = np.zeros((rows, ORDER, ORDER))
    jacobi[:, k, k - 1] = k * np.sqrt(np.maximum(1 - (k / count) ** 2, 0) / (4 * k**2 - 1))
    nodes, vectors = np.linalg.eigh(jacobi)
    weights = vectors[:, 0] ** 2
    weights[weights < 1e-20] = 0  # Numerics: surplus nodes have weights of rounding in place of zero
    limit_nodes, limit_weights = np.polynomial.legendre.leggauss(ORDER)
    rules, limit = np.stack([nodes, weights], 1), np.stack([limit_nodes, limit_weights / 2])
    return rules, (rules[-1] - limit) * rows**2


def _gram_polynomials(t: Float[Array, " k"], counts: Float[Array, " k"]) -> Float[Array, "k 8"]:
    """Returns the values at t of the first 8 orthonormal polynomials of the uniform measure on `counts` points.

    The points t are in the units of `_gram_rule`. Polynomials of degree `counts` and more vanish on the points, and are
    zero here.
    """
    polynomials = [jnp.ones_like(t)]
    before, beta = jnp.zeros_like(t), jnp.zeros_like(t)
    for k in range(1, ORDER):
        rest = t * polynomials[-1] - beta * before
        before = polynomials[-1]
        beta = k * jnp.sqrt(jnp.maximum(1 - (k / counts) ** 2, 0) / (4 * k**2 - 1))
        polynomials.append(jnp.where(beta > 0, rest / jnp.where(beta > 0, beta, 1), 0))
    return jnp.stack(polynomials, axis=1)
