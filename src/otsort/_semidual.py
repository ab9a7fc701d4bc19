"""The entropic problem as a function of one vector: pure maths, shared by every solver, plan and derivative.

With inputs (x_i, a_i), targets (y_j, b_j) and f in R^m, the potential relative to b,

    S_ij = exp((f_j - h(y_j - x_i)) / epsilon - L_i),    L_i = log sum_j b_j exp((f_j - h(y_j - x_i)) / epsilon),

the plan is P_ij = a_i b_j S_ij. Its row sums are a by construction, its column sums b_j s_j with s_j = sum_i a_i S_ij,
and the problem is solved when s = 1 (Cuturi et al. 2019, Algorithm 1: u = a / K v is this normalisation of the rows,
v = b exp(f / epsilon)). Weights enter as factors, never as logarithms, so that a weight of zero is an ordinary
value with an ordinary derivative.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from ._problem import Problem

# Entries of an n x m array that may live at once; beyond it, rows or columns are worked through in chunks.
MAX_ENTRIES = 2**24


class SemiDual(eqx.Module):
    """A transport problem with its regularisation: everything that is a function of the potential f, shape `(m,)`."""

    problem: Problem
    epsilon: Float[Array, ""]

    @property
    def rounding(self) -> Float[Array, ""]:
        """What s may be off by at best: exponents of size 1/epsilon are rounded before they are exponentiated."""
        return stop_gradient(0.25 * jnp.finfo(self.epsilon.dtype).eps / self.epsilon)

    def log_partition(self, potential: Float[Array, " m"]) -> Float[Array, " n"]:
        """L, the soft c-transform of the potential over -epsilon."""
        weights = self.problem.target.weights
        return self._over_inputs(lambda x: _log_sum_exp(self._row(potential, x), weights))

    def log_ratio(self, potential: Float[Array, " m"]) -> Float[Array, " m"]:
        """log s: column sums of the plan over the weights of the targets, zero at the solution.

        f - epsilon log s is one Sinkhorn sweep: equation (3) of Cuturi et al. (2019).
        """
        log_partition = self.log_partition(potential)
        weights = self.problem.weights
        return self._over_targets(
            lambda y, f: _log_sum_exp(self._column(f, y) - log_partition, weights),
            self.problem.target.points,
            potential,
        )

    def marginal_error(self, ratio: Float[Array, " m"]) -> Float[Array, ""]:
        """sum_j abs(sum_i P_ij - b_j), from the ratios s."""
        return jnp.sum(self.problem.target.weights * jnp.abs(ratio - 1))

    def settle(self, potential: Float[Array, " m"], log_ratio: Float[Array, " m"]) -> Float[Array, " m"]:
        """The potential, swept where targets have no weight: they follow the others, and no residual sees them."""
        return jnp.where(self.problem.target.weights > 0, potential, potential - self.epsilon * log_ratio)

    def pull(self, potential: Float[Array, " m"], values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """P z / a, averages of target values for each input."""
        weights = self.problem.target.weights
        return self._over_inputs(lambda x: _average(self._row(potential, x), weights, values))

    def push(self, potential: Float[Array, " m"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """P^T v / P^T 1, averages of input values for each target; f_j cancels from the j-th."""
        log_partition = self.log_partition(potential)
        weights = self.problem.weights
        return self._over_targets(
            lambda y: _average(self._column(jnp.zeros_like(y), y) - log_partition, weights, values),
            self.problem.target.points,
        )

    def as_matrix(self, potential: Float[Array, " m"]) -> Float[Array, "n m"]:
        """The plan P."""
        weights = self.problem.target.weights
        rows = jax.vmap(lambda x: _softmax(self._row(potential, x), weights))(self.problem.positions)
        return self.problem.weights[:, None] * rows

    def coupling(self, potential: Float[Array, " m"]) -> Float[Array, "m m"]:
        """W = S^T diag(a) S; s = W b, as the rows of S average to one under b."""
        weights = self.problem.target.weights

        def density(x):
            row = self._row(potential, x)
            return _exp(row - _log_sum_exp(row, weights))

        def block(x, a):
            rows = jax.vmap(density)(x)
            return jnp.einsum("i,ij,ik->jk", a, rows, rows, precision=jax.lax.Precision.HIGHEST)

        x, a = self.problem.positions, self.problem.weights
        size = max(1, MAX_ENTRIES // weights.size)
        if x.size <= size:
            return block(x, a)
        blocks = -(-x.size // size)
        fill = blocks * size - x.size
        x = jnp.pad(x, (0, fill), mode="edge").reshape(blocks, size)
        a = jnp.pad(a, (0, fill)).reshape(blocks, size)
        zero = jnp.zeros((weights.size, weights.size), weights.dtype)
        return jax.lax.scan(jax.checkpoint(lambda total, xa: (total + block(*xa), None)), zero, (x, a))[0]

    def solve_linearised(self, coupling: Float[Array, "m m"], right: Float[Array, " m"]) -> Float[Array, " m"]:
        """The change of f / epsilon, up to a constant, that changes s by `right` to first order: J df = right.

        J = diag(s) - W diag(b), and diag(b) J is the Laplacian of a graph on the targets with edges b_j W_jk b_k: built
        from its edges, it keeps float32 accuracy where coupling is weak, which 1 - W_jj b_j would lose. Damped at the
        level of rounding, so that uncoupled targets do not answer to noise, scaled to unit diagonal and pinned along
        its null vector, it is positive definite. The last line is J df = right solved for its first term: it extends
        df to targets of weight zero.
        """
        weights = self.problem.target.weights
        identity = jnp.eye(weights.size, dtype=weights.dtype)
        edges = weights[:, None] * coupling * weights[None, :] * (1 - identity)
        degree = jnp.sum(edges, axis=1)
        damped = degree + self.rounding * weights
        linked = damped > 0
        null = jnp.where(linked, jnp.sqrt(jnp.where(linked, damped, 1)), 0)
        scale = jnp.where(linked, 1 / jnp.where(linked, null, 1), 0)
        matrix = identity - scale[:, None] * edges * scale[None, :] + null[:, None] * null[None, :] / jnp.sum(damped)
        factor = jax.scipy.linalg.cho_factor(matrix, lower=True)
        flow = weights * right
        change = jnp.zeros_like(right)
        for _ in range(3):  # the first solves, the others undo the damping where coupling is stronger than it
            missing = flow - (degree * change - matvec(edges, change))
            change = change + scale * jax.scipy.linalg.cho_solve(factor, scale * missing)
        return (right + matvec(coupling, weights * change)) / matvec(coupling, weights)

    def _row(self, potential, x):
        return (potential - self.problem.cost(self.problem.target.points - x)) / self.epsilon

    def _column(self, potential, y):
        return (potential - self.problem.cost(y - self.problem.positions)) / self.epsilon

    def _over_inputs(self, function: Callable[..., Array], *arrays: Array) -> Array:
        return _chunked(function, (self.problem.positions, *arrays), self.problem.target.points.size)

    def _over_targets(self, function: Callable[..., Array], *arrays: Array) -> Array:
        return _chunked(function, arrays, self.problem.positions.size)


def _chunked(function: Callable[..., Array], arrays: tuple[Array, ...], width: int) -> Array:
    """vmap of a function that works on `width` entries at a time, in chunks when they would be too many together."""
    if arrays[0].size * width <= MAX_ENTRIES:
        return jax.vmap(function)(*arrays)
    return jax.lax.map(
        jax.checkpoint(lambda element: function(*element)), arrays, batch_size=max(1, MAX_ENTRIES // width)
    )


def matvec(matrix: Float[Array, "k l"], vector: Float[Array, " l"]) -> Float[Array, " k"]:
    """Matrix times vector, in the full precision of the dtype on every device."""
    return jnp.matmul(matrix, vector, precision=jax.lax.Precision.HIGHEST)


def _exp(values: Array) -> Array:
    """exp, kept finite where only a weight of zero lets it grow."""
    return jnp.exp(jnp.minimum(values, jnp.log(jnp.finfo(values.dtype).max) / 2))


def _weighted_exp(values: Float[Array, " k"], weights: Float[Array, " k"]) -> tuple[Float[Array, " k"], Any]:
    """exp(values - top) and top, the largest value of positive weight."""
    top = stop_gradient(jnp.max(jnp.where(weights > 0, values, -jnp.inf)))
    return _exp(values - top), top


def _log_sum_exp(values: Float[Array, " k"], weights: Float[Array, " k"]) -> Float[Array, ""]:
    """log sum_k w_k exp(v_k), differentiable in a weight of zero too."""
    exponentials, top = _weighted_exp(values, weights)
    return top + jnp.log(jnp.sum(weights * exponentials))


def _softmax(values: Float[Array, " k"], weights: Float[Array, " k"]) -> Float[Array, " k"]:
    exponentials, _ = _weighted_exp(values, weights)
    masses = weights * exponentials
    return masses / jnp.sum(masses)


def _average(
    scores: Float[Array, " k"], weights: Float[Array, " k"], values: Float[Array, "k *d"]
) -> Float[Array, "*d"]:
    """Average of values under weights exp(scores), within their range whatever the rounding."""
    mean = jnp.einsum("k,k...->...", _softmax(scores, weights), values, precision=jax.lax.Precision.HIGHEST)
    low, high = jnp.min(values, axis=0), jnp.max(values, axis=0)
    return mean + stop_gradient(jnp.clip(mean, low, high) - mean)
