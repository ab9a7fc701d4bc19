"""The entropic problem as a function of one vector: the formulas that solvers, plans and derivatives share.

Inputs x_i have weights a_i, targets y_j have weights b_j, and f in R^m is the potential of the targets, relative to b.
The density and the log-partition are

    S_ij = exp((f_j - h(y_j - x_i)) / epsilon - L_i),    L_i = log sum_j b_j exp((f_j - h(y_j - x_i)) / epsilon),

and the plan is P_ij = a_i b_j S_ij. Its row sums are a by construction. Its column sums are b_j s_j with
s_j = sum_i a_i S_ij, so the problem is solved when s = 1. In Algorithm 1 of Cuturi et al. (2019), u = a / K v is this
normalisation of the rows, with v = b exp(f / epsilon).

Weights enter as factors, never as logarithms. A weight of zero is then an ordinary value with an ordinary derivative.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import materialised, matmul, matvec, repeat_along, sum_along, transposed, varying_as, weighted_sum
from .dual import AbstractDual
from .problem import Problem
from .weighted_exp import averages, exponentials, log_sum_exp, normalised_exp

# Entries of an n x m array that may be in memory at once. Beyond it, rows or columns are worked through in blocks.
MAX_ENTRIES = 2**24


class SemiDual(AbstractDual):
    """A transport problem with entropic regularisation, as functions of its potential f.

    Attributes:
        problem: of one list, or of many in the last axis.
        epsilon: regularisation.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3)).plan
        >>> print(plan.dual.marginal_ratio(plan.potential))
        [1. 1. 1.]
    """

    problem: Problem
    epsilon: Float[Array, ""]

    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "SemiDual | CachedSemiDual":
        # XLA: exponentials take most of the time of a Newton step of short lists, products are cheap.
        if self.problem.positions.shape[0] * potential.shape[0] > MAX_ENTRIES:
            return self  # too many to store
        exponents = self._exponents(potential, self.problem.positions)
        kernel, _ = exponentials(exponents, self.problem.target_weights)
        return CachedSemiDual(self.problem, self.epsilon, potential, kernel)

    def log_partition(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n *lists"]:
        """Returns L, the log-partition of each input; -epsilon L is the soft c-transform of the potential."""
        weights = self.problem.target_weights
        log_sums = lambda x: log_sum_exp(self._exponents(potential, x), weights)
        return self._over_inputs(log_sums, self.problem.positions)

    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns s in one pass over the plan; far from the solution it may underflow (see `log_marginal_ratio`)."""
        return self._sum_over_inputs(potential, lambda density, a: sum_along(a[:, None] * density, 0))

    def log_marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns log s, which is zero at the solution and does not underflow.

        One Sinkhorn sweep replaces f by f - epsilon log s: equation (3) of Cuturi et al. (2019).
        """
        columns = self._columns(potential)
        weights = self.problem.weights
        log_sums = self._over_targets(lambda y: log_sum_exp(columns(y), weights), self.problem.points)
        return potential / self.epsilon + log_sums

    def pull(self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """Returns P z / a: for each input, the average of the values z of the targets."""
        return self.pull_at(potential, values, self.problem.positions)

    def pull_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k *d"]:
        """Returns what `pull` would for inputs at x; the mass of an input does not matter."""
        weights = self.problem.target_weights
        return self._over_inputs(lambda x: averages(self._exponents(potential, x), weights, values), x)

    def push(self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """Returns P^T v / P^T 1: for each target, the average of the values v of the inputs."""
        return self.push_at(potential, values, self.problem.points)

    def push_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"], y: Float[Array, "k *ones"]
    ) -> Float[Array, "k *d"]:
        """Returns what `push` would for targets at y; the potential of a target cancels in its average."""
        columns = self._columns(potential)
        weights = self.problem.weights
        return self._over_targets(lambda y: averages(columns(y), weights, values), y)

    def transport_cost(self, potential: Float[Array, "m *lists"]) -> Float[Array, "*lists"]:
        """Returns sum_ij P_ij h(y_j - x_i), the mean cost of what the plan moves."""
        return jnp.sum(self.problem.weights * self.cost_at(potential, self.problem.positions), axis=0)

    def cost_at(self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]) -> Float[Array, "k *lists"]:
        """Returns sum_j P(j | x) h(y_j - x), the mean cost from an input at x."""
        weights, points = self.problem.target_weights[None], self.problem.points[None]

        def costs(x: Float[Array, "k *lists"]) -> Float[Array, "k *lists"]:
            return sum_along(weights * self._density(potential, x) * self.problem.cost(points - x[:, None]), 1)

        return self._over_inputs(costs, x)

    def as_matrix(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns the plan P."""
        return self.problem.weights[:, None] * self.problem.target_weights[None, :] * self.density(potential)

    def log_shares(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns log(P_ij / a_i), minus infinity for a target without weight."""
        weights, log_partition = self.problem.target_weights, self.log_partition(potential)
        log_weights = jnp.where(weights > 0, jnp.log(jnp.where(weights > 0, weights, 1)), -jnp.inf)
        exponents = self._exponents(potential, self.problem.positions)
        return log_weights[None] + exponents - log_partition[:, None]

    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """Returns the overlap W = S^T diag(a) S, and s; see `AbstractDual.overlap`."""
        return self._sum_over_inputs(potential, _overlap_of_inputs)

    def density(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns the density S for all inputs."""
        return self._density(potential, self.problem.positions)

    def _density(self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]) -> Float[Array, "k m *lists"]:
        """Returns the density S for inputs at x."""
        return normalised_exp(self._exponents(potential, x), self.problem.target_weights)

    def _exponents(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        displacement = self.problem.points[None, :] - repeat_along(x, 1, len(potential))
        return (repeat_along(potential, 0, len(x)) - self.problem.cost(displacement)) / self.epsilon

    def _columns(
        self, potential: Float[Array, "m *lists"]
    ) -> Callable[[Float[Array, "k *ones"]], Float[Array, "k n *lists"]]:
        """Returns a function of targets y that gives log S there, without the potential of these targets."""
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
        """Returns the sum over blocks of inputs of a function of their densities and weights."""
        x, a = self.problem.positions, self.problem.weights
        of_block = lambda x, a: function(self._density(potential, x), a)
        # Numerics: a matrix product over more inputs, as in `overlap`, would lose digits of float32.
        size = min(_block_size(self.problem.target.size), 2**14)
        if len(x) <= size:
            return of_block(x, a)
        # The last block is padded with copies of its last input, which have weight zero and so change no sum.
        blocks = _blocks(x, size, mode="edge"), _blocks(a, size, mode="constant")
        zero = jax.tree.map(jnp.zeros_like, jax.eval_shape(of_block, x[:size], a[:size]))
        zero = varying_as(zero, (self, blocks))
        # The derivative recomputes each block, because the densities of all blocks together would not fit in memory.
        add = jax.checkpoint(lambda total, block: (jax.tree.map(jnp.add, total, of_block(*block)), None))
        return jax.lax.scan(add, zero, blocks)[0]


class CachedSemiDual(AbstractDual):
    """A semi-dual with the exponentials at one potential stored, for use at potentials near it.

    Density and marginal ratio at another potential are products, without further exponentials. Near means that no
    difference of two potentials has moved by more than about 80 epsilon in float32, where exp would underflow.

    Attributes:
        problem: of one list, or of many in the last axis.
        epsilon: regularisation.
        potential: where the exponentials were taken.
        exponentials: those of each input are scaled so that the largest is 1. A density is normalised for each input,
            so that the scale cancels.
    """

    problem: Problem
    epsilon: Float[Array, ""]
    potential: Float[Array, "m *lists"]
    exponentials: Float[Array, "n m *lists"]

    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "SemiDual | CachedSemiDual":
        return SemiDual(self.problem, self.epsilon).with_cached_kernel(potential)

    def density(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns the density S for all inputs."""
        moved = self.exponentials * self._factor(potential)[None]
        return moved * (1 / matvec(moved, self.problem.target_weights))[:, None]

    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns s, by products of the stored matrix with vectors."""
        factor = self._factor(potential)
        sums = matvec(self.exponentials, self.problem.target_weights * factor)
        return factor * weighted_sum(self.exponentials, self.problem.weights / sums)

    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """Returns the overlap W = S^T diag(a) S, and s; see `AbstractDual.overlap`."""
        return _overlap_of_inputs(self.density(potential), self.problem.weights)

    def _factor(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        change = (potential - self.potential) / self.epsilon
        # Numerics: a constant added to a potential changes nothing, but may be so large that exp would overflow.
        return jnp.exp(change - jnp.max(change, axis=0, keepdims=True))


def _overlap_of_inputs(
    density: Float[Array, "k m *lists"], weights: Float[Array, "k *lists"]
) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
    """Returns the part of some inputs in the overlap, and in s."""
    if density.ndim > 2:
        # XLA: with the lists last, the product is a loop, into which the compiler would fuse the exponentials of the
        # density and compute them anew for each entry of W.
        density = materialised(density)
    masses = weights[:, None] * density
    return matmul(transposed(density), masses), sum_along(masses, 0)


def _in_blocks(function: Callable[[Array], Array], elements: Float[Array, "k *lists"], width: int) -> Array:
    """Returns `function(elements)`, computed block by block where all at once would need too much memory.

    Args:
        function: of some of the elements, to an array with a row for each.
        elements: inputs or targets.
        width: entries that the function holds for each element.
    """
    size = _block_size(width)
    if len(elements) <= size:
        return function(elements)
    # The derivative recomputes each block instead of storing the entries of all.
    answers = jax.lax.map(jax.checkpoint(function), _blocks(elements, size, mode="edge"))
    return answers.reshape(-1, *answers.shape[2:])[: len(elements)]


def _block_size(width: int) -> int:
    return max(1, MAX_ENTRIES // width)


def _blocks(array: Float[Array, "k *lists"], size: int, mode: str) -> Float[Array, "blocks size *lists"]:
    lists = array.shape[1:]
    padded = jnp.pad(array, [(0, -len(array) % size)] + [(0, 0) for _ in lists], mode=mode)
    return padded.reshape(-1, size, *lists)
