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

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import materialised, matmul, matvec, repeat_along, sum_along, transposed, weighted_sum
from .abstract_semi_dual import MAX_ENTRIES, AbstractSemiDual
from .dual import AbstractDual
from .problem import Problem
from .weighted_exp import averages, exponentials, log_sum_exp, normalised_exp


class SemiDual(AbstractSemiDual):
    """A transport problem with entropic regularisation, in terms of its potential f.

    Inputs x_i have weights a_i, targets y_j have weights b_j, and the plan is P_ij = a_i b_j S_ij. S is called the
    density, and s_j = sum_i a_i S_ij the marginal ratio. The problem is solved when s = 1.

    Attributes:
        problem: the problem of one list, or of many lists in the last axis.
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
        # XLA: exponentials take most of the time of a Newton step for short lists; products are cheap.
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

    def log_marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns log s, which is zero at the solution and does not underflow.

        One Sinkhorn sweep replaces f by f - epsilon log s: equation (3) of Cuturi et al. (2019).
        """
        columns = self._columns(potential)
        weights = self.problem.weights
        log_sums = self._over_targets(lambda y: log_sum_exp(columns(y), weights), self.problem.points)
        return potential / self.epsilon + log_sums

    def pull_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k *d"]:
        """Returns the answer of `pull` for inputs at x; it does not depend on the mass of an input."""
        weights = self.problem.target_weights
        return self._over_inputs(lambda x: averages(self._exponents(potential, x), weights, values), x)

    def push(self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """Returns P^T v / P^T 1: for each target, the average of the values v that arrive there."""
        return self.push_at(potential, values, self.problem.points)

    def push_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"], y: Float[Array, "k *ones"]
    ) -> Float[Array, "k *d"]:
        """Returns the answer of `push` for targets at y; the potential of a target cancels in its average."""
        columns = self._columns(potential)
        weights = self.problem.weights
        return self._over_targets(lambda y: averages(columns(y), weights, values), y)

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
        return self._sum_over_inputs(lambda x, a: _overlap_of_inputs(self.density_at(potential, x), a))

    def density_at(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        """Returns the density S for inputs at x."""
        return normalised_exp(self._exponents(potential, x), self.problem.target_weights)

    def _columns(
        self, potential: Float[Array, "m *lists"]
    ) -> Callable[[Float[Array, "k *ones"]], Float[Array, "k n *lists"]]:
        """Returns a function of targets y that gives log S there, without the potential of these targets."""
        log_partition = self.log_partition(potential)

        def columns(y):
            displacement = y[:, None] - repeat_along(self.problem.positions, 0, len(y))
            return -self.problem.cost(displacement) / self.epsilon - repeat_along(log_partition, 0, len(y))

        return columns


class CachedSemiDual(AbstractDual):
    """A semi-dual with the exponentials at one potential stored, for use at potentials near it.

    Density and marginal ratio at another potential are products, without further exponentials. Near means that no
    difference of two potentials has moved by more than about 80 epsilon in float32, where exp would underflow.

    Attributes:
        problem: the problem of one list, or of many lists in the last axis.
        epsilon: regularisation.
        potential: where the exponentials were taken.
        exponentials: the stored exponentials. For each input they are scaled so that the largest is 1. A density is
            normalised for each input, so that the scale cancels.
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
    """Returns the contribution of some inputs to the overlap and to s."""
    if density.ndim > 2:
        # XLA: with the lists last, the product is a loop, into which the compiler would fuse the exponentials of the
        # density and compute them anew for each entry of W.
        density = materialised(density)
    masses = weights[:, None] * density
    return matmul(transposed(density), masses), sum_along(masses, 0)
