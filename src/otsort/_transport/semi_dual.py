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
from jaxtyping import Array, Float

from .._xla import (
    materialised,
    matmul,
    matvec,
    max_along,
    repeat_along,
    sum_along,
    transposed,
    varying_as,
    weighted_sum,
)
from .averages import centred
from .dual import AbstractDual
from .problem import Problem

# Entries of an n x m array that may live at once; beyond it, rows or columns are worked through in chunks.
MAX_ENTRIES = 2**24


class SemiDual(AbstractDual):
    """A transport problem with its regularisation: everything that is a function of the potential f.

    Attributes:
        problem: of one list, or of many in the last axis.
        epsilon: regularisation.
        kernel: exponentials at a potential, see `with_cached_kernel`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3)).plan
        >>> print(plan.dual.marginal_ratio(plan.potential))
        [1. 1. 1.]
    """

    problem: Problem
    epsilon: Float[Array, ""]
    kernel: "_Kernel | None" = None

    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "SemiDual":
        """The same, made for potentials near this one: exponentials are taken once, and all else are products.

        Near means that no difference of potentials has moved by more than some 80 epsilon in float32.
        """
        if self.problem.positions.shape[0] * potential.shape[0] > MAX_ENTRIES:
            return self  # too many to keep
        exponents = self._exponents(potential, self.problem.positions)
        exponentials, _ = _exponentials(exponents, self.problem.target_weights)
        return SemiDual(self.problem, self.epsilon, _Kernel(potential, exponentials))

    def log_partition(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n *lists"]:
        """L, the soft c-transform of the potential over -epsilon."""
        weights = self.problem.target_weights
        log_sums = lambda x: log_sum_exp(self._exponents(potential, x), weights)
        return self._over_inputs(log_sums, self.problem.positions)

    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """s, in one pass; far from the solution it may underflow, where `log_marginal_ratio` does not."""
        if self.kernel is not None:
            return self.kernel.marginal_ratio(self, potential)
        return self._sum_over_inputs(potential, lambda density, a: sum_along(a[:, None] * density, 0))

    def log_marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """log s: column sums of the plan over the weights of the targets, zero at the solution.

        f - epsilon log s is one Sinkhorn sweep: equation (3) of Cuturi et al. (2019).
        """
        columns = self._columns(potential)
        weights = self.problem.weights
        log_sums = self._over_targets(lambda y: log_sum_exp(columns(y), weights), self.problem.points)
        return potential / self.epsilon + log_sums

    def pull(self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """P z / a, averages of target values for each input."""
        return self.pull_at(potential, values, self.problem.positions)

    def pull_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k *d"]:
        """The same for any inputs x: no mass of theirs counts."""
        weights = self.problem.target_weights
        return self._over_inputs(lambda x: _averages(self._exponents(potential, x), weights, values), x)

    def push(self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """P^T v / P^T 1, averages of input values for each target."""
        return self.push_at(potential, values, self.problem.points)

    def push_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"], y: Float[Array, "k *ones"]
    ) -> Float[Array, "k *d"]:
        """The same for any targets y: their own potential cancels."""
        columns = self._columns(potential)
        weights = self.problem.weights
        return self._over_targets(lambda y: _averages(columns(y), weights, values), y)

    def as_matrix(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """The plan P."""
        return self.problem.weights[:, None] * self.problem.target_weights[None, :] * self.density(potential)

    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """W = S^T diag(a) S, and s: equal to W b, but summed with less rounding than the matrix product."""

        def of_block(density, a):
            if density.ndim > 2:  # the loops of a product would compute it anew for each entry
                density = materialised(density)
            masses = a[:, None] * density
            return matmul(transposed(density), masses), sum_along(masses, 0)

        return self._sum_over_inputs(potential, of_block)

    def density(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """S for all inputs."""
        if self.kernel is not None:
            return self.kernel.density(self, potential)
        return self._density(potential, self.problem.positions)

    def _density(self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]) -> Float[Array, "k m *lists"]:
        """S for some of the inputs."""
        return _normalised_exp(self._exponents(potential, x), self.problem.target_weights)

    def _exponents(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        displacement = self.problem.points[None, :] - repeat_along(x, 1, len(potential))
        return (repeat_along(potential, 0, len(x)) - self.problem.cost(displacement)) / self.epsilon

    def _columns(
        self, potential: Float[Array, "m *lists"]
    ) -> Callable[[Float[Array, "k *ones"]], Float[Array, "k n *lists"]]:
        """log S for some of the targets, without their own potential."""
        log_partition = self.log_partition(potential)

        def columns(y):
            displacement = y[:, None] - repeat_along(self.problem.positions, 0, len(y))
            return -self.problem.cost(displacement) / self.epsilon - repeat_along(log_partition, 0, len(y))

        return columns

    def _over_inputs(self, function: Callable[[Array], Array], x: Float[Array, "k *lists"]) -> Array:
        return _in_blocks(function, x, self.problem.target.size)

    def _over_targets(self, function: Callable[[Array], Array], y: Float[Array, "k *ones"]) -> Array:
        return _in_blocks(function, y, len(self.problem.positions))

    def _sum_over_inputs(self, potential: Float[Array, "m *lists"], function: Callable[[Array, Array], Any]) -> Any:
        """The sum of a function of densities and weights of inputs."""
        x, a = self.problem.positions, self.problem.weights
        if self.kernel is not None:
            return function(self.density(potential), a)
        of_block = lambda x, a: function(self._density(potential, x), a)
        # A product of longer matrices, as in `overlap`, would lose digits of float32.
        size = min(_block_size(self.problem.target.size), 2**14)
        if len(x) <= size:
            return of_block(x, a)
        blocks = _blocks(x, size, mode="edge"), _blocks(a, size, mode="constant")
        zero = jax.tree.map(jnp.zeros_like, jax.eval_shape(of_block, x[:size], a[:size]))
        zero = varying_as(zero, (self, blocks))
        add = jax.checkpoint(lambda total, block: (jax.tree.map(jnp.add, total, of_block(*block)), None))
        return jax.lax.scan(add, zero, blocks)[0]


class _Kernel(eqx.Module):
    """Exponentials at a potential, those of each input up to a factor."""

    potential: Float[Array, "m *lists"]
    exponentials: Float[Array, "n m *lists"]

    def density(self, dual: SemiDual, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """S for all inputs at another potential, by products."""
        moved = self.exponentials * self._factor(dual, potential)[None]
        return moved * (1 / matvec(moved, dual.problem.target_weights))[:, None]

    def marginal_ratio(self, dual: SemiDual, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """s likewise: matrix times vector alone."""
        factor = self._factor(dual, potential)
        sums = matvec(self.exponentials, dual.problem.target_weights * factor)
        return factor * weighted_sum(self.exponentials, dual.problem.weights / sums)

    def _factor(self, dual: SemiDual, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        change = (potential - self.potential) / dual.epsilon
        return jnp.exp(change - jnp.max(change, axis=0, keepdims=True))  # a constant counts for nothing, may be large


def _in_blocks(function: Callable[[Array], Array], elements: Float[Array, "k *lists"], width: int) -> Array:
    """function(elements), in blocks when its `width` entries an element would be too many together."""
    size = _block_size(width)
    if len(elements) <= size:
        return function(elements)
    answers = jax.lax.map(jax.checkpoint(function), _blocks(elements, size, mode="edge"))
    return answers.reshape(-1, *answers.shape[2:])[: len(elements)]


def _block_size(width: int) -> int:
    return max(1, MAX_ENTRIES // width)


def _blocks(array: Float[Array, "k *lists"], size: int, mode: str) -> Float[Array, "blocks size *lists"]:
    lists = array.shape[1:]
    padded = jnp.pad(array, [(0, -len(array) % size)] + [(0, 0) for _ in lists], mode=mode)
    return padded.reshape(-1, size, *lists)


def _exponentials(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> tuple[Array, Array]:
    """exp(v - top) and top, the largest v of positive weight in each row.

    Kept finite where only a weight of zero lets it grow.
    """
    top = max_along(jnp.where(weights[None, :] > 0, values, -jnp.inf), 1)[:, None]
    return jnp.exp(jnp.minimum(values - top, jnp.log(jnp.finfo(values.dtype).max) / 2)), top


# Derivatives by hand, from the results: fewer passes and less to store than through the lines above.


@jax.custom_jvp
def _normalised_exp(
    values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]
) -> Float[Array, "k l *lists"]:
    """exp(v) / sum w exp(v) in each row."""
    exponentials, _ = _exponentials(values, weights)
    return exponentials * (1 / sum_along(weights[None, :] * exponentials, 1))[:, None]


@_normalised_exp.defjvp
def _normalised_exp_jvp(primals, tangents):
    result, (values_dot, _) = _normalised_exp(*primals), tangents
    return result, result * (values_dot - repeat_along(_sum_change(result, primals, tangents), 1, result.shape[1]))


@jax.custom_jvp
def log_sum_exp(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """log sum w exp(v) of each row."""
    exponentials, top = _exponentials(values, weights)
    return jnp.squeeze(top, 1) + jnp.log(sum_along(weights[None, :] * exponentials, 1))


@log_sum_exp.defjvp
def log_sum_exp_jvp(primals, tangents):
    return log_sum_exp(*primals), _sum_change(_normalised_exp(*primals), primals, tangents)


def _sum_change(normalised, primals, tangents):
    """The relative change of sum w exp(v)."""
    (_, weights), (values_dot, weights_dot) = primals, tangents
    return sum_along(normalised * (weights[None, :] * values_dot + weights_dot[None, :]), 1)


def _averages(
    exponents: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"], values: Float[Array, "l *d"]
) -> Float[Array, "k *d"]:
    """Averages of values under the masses w exp(v) of each row."""
    return centred(lambda values: _means(exponents, weights, values), values)


@jax.custom_jvp
def _means(
    exponents: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"], values: Float[Array, "l *d"]
) -> Float[Array, "k *d"]:
    return _sums(weights[None, :] * _normalised_exp(exponents, weights), values)


@_means.defjvp
def _means_jvp(primals, tangents):
    """The average of the change of values, and their covariance with the relative change of masses."""
    (exponents, weights, values), (exponents_dot, weights_dot, values_dot) = primals, tangents
    density, means = _normalised_exp(exponents, weights), _means(exponents, weights, values)
    change = density * (weights[None, :] * exponents_dot + weights_dot[None, :])
    relative = sum_along(change, 1).reshape(means.shape[:1] + (1,) * (means.ndim - change.ndim + 1) + change.shape[2:])
    return means, _sums(weights[None, :] * density, values_dot) + _sums(change, values) - relative * means


def _sums(masses: Float[Array, "k l *lists"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    lists = masses.ndim - 2
    if values.ndim == 1 + lists:
        return matvec(masses, values)
    equation = "kl...,ld...->kd..." if lists else "kl,l...->k..."
    return jnp.einsum(equation, masses, values, precision=jax.lax.Precision.HIGHEST)
