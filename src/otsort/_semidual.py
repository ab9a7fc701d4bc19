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

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._averages import centred
from ._dual import AbstractDual
from ._problem import Problem
from ._sharding import varying_as

# Entries of an n x m array that may live at once; beyond it, rows or columns are worked through in chunks.
MAX_ENTRIES = 2**24


class SemiDual(AbstractDual):
    """A transport problem with its regularisation: everything that is a function of the potential f, shape `(m,)`."""

    problem: Problem
    epsilon: Float[Array, ""]

    def log_partition(self, potential: Float[Array, " m"]) -> Float[Array, " n"]:
        """L, the soft c-transform of the potential over -epsilon."""
        weights = self.problem.target.weights
        return self._over_inputs(lambda x: _log_sum_exp(self._exponents(potential, x), weights))

    def marginal_ratio(self, potential: Float[Array, " m"]) -> Float[Array, " m"]:
        """s, in one pass; far from the solution it may underflow, where `log_marginal_ratio` does not."""
        return self._sum_over_inputs(lambda x, a: jnp.sum(a[:, None] * self.density(potential, x), axis=0))

    def log_marginal_ratio(self, potential: Float[Array, " m"]) -> Float[Array, " m"]:
        """log s: column sums of the plan over the weights of the targets, zero at the solution.

        f - epsilon log s is one Sinkhorn sweep: equation (3) of Cuturi et al. (2019).
        """
        columns = self._columns(potential)
        weights = self.problem.weights
        return potential / self.epsilon + self._over_targets(lambda y: _log_sum_exp(columns(y), weights))

    def pull(self, potential: Float[Array, " m"], values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """P z / a, averages of target values for each input."""
        weights = self.problem.target.weights
        return self._over_inputs(lambda x: _averages(weights[None, :] * self.density(potential, x), values))

    def push(self, potential: Float[Array, " m"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """P^T v / P^T 1, averages of input values for each target; f_j cancels from the j-th."""
        columns = self._columns(potential)
        weights = self.problem.weights
        return self._over_targets(lambda y: _averages(weights[None, :] * _normalised_exp(columns(y), weights), values))

    def as_matrix(self, potential: Float[Array, " m"]) -> Float[Array, "n m"]:
        """The plan P."""
        x, a, b = self.problem.positions, self.problem.weights, self.problem.target.weights
        return a[:, None] * b[None, :] * self.density(potential, x)

    def overlap(self, potential: Float[Array, " m"]) -> tuple[Float[Array, "m m"], Float[Array, " m"]]:
        """W = S^T diag(a) S, and s: equal to W b, but summed with less rounding than the matrix product."""

        def block(x, a):
            density = self.density(potential, x)
            masses = a[:, None] * density
            return jnp.matmul(density.T, masses, precision=jax.lax.Precision.HIGHEST), jnp.sum(masses, axis=0)

        return self._sum_over_inputs(block)

    def _exponents(self, potential: Float[Array, " m"], x: Float[Array, " k"]) -> Float[Array, "k m"]:
        return (potential[None, :] - self.problem.cost(self.problem.target.points[None, :] - x[:, None])) / self.epsilon

    def density(self, potential: Float[Array, " m"], x: Float[Array, " k"]) -> Float[Array, "k m"]:
        """S for some of the inputs."""
        return _normalised_exp(self._exponents(potential, x), self.problem.target.weights)

    def _columns(self, potential: Float[Array, " m"]) -> Callable[[Float[Array, " k"]], Float[Array, "k n"]]:
        """log S for some of the targets, without their own potential."""
        log_partition = self.log_partition(potential)
        return lambda y: (
            -self.problem.cost(y[:, None] - self.problem.positions[None, :]) / self.epsilon - log_partition[None, :]
        )

    def _over_inputs(self, function: Callable[[Array], Array]) -> Array:
        return _in_blocks(function, self.problem.positions, self.problem.target.points.size)

    def _over_targets(self, function: Callable[[Array], Array]) -> Array:
        return _in_blocks(function, self.problem.target.points, self.problem.positions.size)

    def _sum_over_inputs(self, function: Callable[[Array, Array], Any]) -> Any:
        x, a = self.problem.positions, self.problem.weights
        # A product of longer matrices, as in `overlap`, would lose digits of float32.
        size = min(_block_size(self.problem.target.points.size), 2**14)
        if x.size <= size:
            return function(x, a)
        blocks = _blocks(x, size, mode="edge"), _blocks(a, size, mode="constant")
        zero = jax.tree.map(jnp.zeros_like, jax.eval_shape(function, x[:size], a[:size]))
        zero = varying_as(zero, (self, blocks))
        add = jax.checkpoint(lambda total, block: (jax.tree.map(jnp.add, total, function(*block)), None))
        return jax.lax.scan(add, zero, blocks)[0]


def _in_blocks(function: Callable[[Array], Array], elements: Float[Array, " k"], width: int) -> Array:
    """function(elements), in blocks when its `width` entries an element would be too many together."""
    size = _block_size(width)
    if elements.size <= size:
        return function(elements)
    answers = jax.lax.map(jax.checkpoint(function), _blocks(elements, size, mode="edge"))
    return answers.reshape(-1, *answers.shape[2:])[: elements.size]


def _block_size(width: int) -> int:
    return max(1, MAX_ENTRIES // width)


def _blocks(array: Float[Array, " k"], size: int, mode: str) -> Float[Array, "blocks size"]:
    return jnp.pad(array, (0, -array.size % size), mode=mode).reshape(-1, size)


def _exponentials(values: Float[Array, "k l"], weights: Float[Array, " l"]) -> tuple[Array, Array]:
    """exp(v - top) and top, the largest v of positive weight in each row.

    Kept finite where only a weight of zero lets it grow.
    """
    top = jnp.max(jnp.where(weights[None, :] > 0, values, -jnp.inf), axis=-1, keepdims=True)
    return jnp.exp(jnp.minimum(values - top, jnp.log(jnp.finfo(values.dtype).max) / 2)), top


# Derivatives by hand, from the results: fewer passes and less to store than through the lines above.


@jax.custom_jvp
def _normalised_exp(values: Float[Array, "k l"], weights: Float[Array, " l"]) -> Float[Array, "k l"]:
    """exp(v) / sum w exp(v) in each row."""
    exponentials, _ = _exponentials(values, weights)
    return exponentials * (1 / jnp.sum(weights[None, :] * exponentials, axis=-1, keepdims=True))


@_normalised_exp.defjvp
def _normalised_exp_jvp(primals, tangents):
    result, (values_dot, _) = _normalised_exp(*primals), tangents
    return result, result * (values_dot - _sum_change(result, primals, tangents)[:, None])


@jax.custom_jvp
def _log_sum_exp(values: Float[Array, "k l"], weights: Float[Array, " l"]) -> Float[Array, " k"]:
    """log sum w exp(v) of each row."""
    exponentials, top = _exponentials(values, weights)
    return jnp.squeeze(top, -1) + jnp.log(jnp.sum(weights[None, :] * exponentials, axis=-1))


@_log_sum_exp.defjvp
def _log_sum_exp_jvp(primals, tangents):
    return _log_sum_exp(*primals), _sum_change(_normalised_exp(*primals), primals, tangents)


def _sum_change(normalised, primals, tangents):
    """The relative change of sum w exp(v)."""
    (_, weights), (values_dot, weights_dot) = primals, tangents
    return jnp.sum(normalised * (weights[None, :] * values_dot + weights_dot[None, :]), axis=-1)


def _averages(masses: Float[Array, "k l"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    """Averages of values under each row of masses, which sum to 1."""
    if values.ndim == 1:  # a long sum loses less in float32 than a long matrix product
        return centred(lambda values: jnp.sum(masses * values[None, :], axis=-1), values)
    product = lambda values: jnp.einsum("kl,l...->k...", masses, values, precision=jax.lax.Precision.HIGHEST)
    return centred(product, values)
