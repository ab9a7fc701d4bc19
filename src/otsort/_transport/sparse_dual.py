"""The problem with quadratic regularisation as a function of one vector.

It minimises sum P C + (epsilon / 2) sum_ij P_ij^2 / (a_i b_j) over transport plans P. With the notation of `semi_dual`,
the density is

    S_ij = max((f_j - h(y_j - x_i)) / epsilon - L_i, 0),    L_i such that sum_j b_j S_ij = 1,

so P_ij = a_i b_j S_ij has exact zeros. With T = 1 where S > 0 and 0 elsewhere, and t_i = sum_j b_j T_ij, the derivative
of s in phi = f / epsilon is that of `linearised`, for the overlap W = T^T diag(a / t) T (Blondel et al., 2018).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import materialised, matmul, repeat_along, sum_along, transposed
from .abstract_semi_dual import AbstractSemiDual
from .averages import centred, log_or_flat
from .problem import Problem
from .sparse_rows import cut_rows, rows_above, thresholds
from .weighted_exp import weighted_sums


class SparseDual(AbstractSemiDual):
    """A transport problem with quadratic regularisation, as functions of its potential f.

    Attributes:
        problem: of one list, or of many in the last axis.
        epsilon: regularisation.
    """

    problem: Problem
    epsilon: Float[Array, ""]

    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "SparseDual":
        return self

    def density_at(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        return cut_rows(self._exponents(potential, x), self.problem.target_weights)

    def pull_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k *d"]:
        weights = self.problem.target_weights[None]
        means = lambda values: self._over_inputs(
            lambda x: weighted_sums(weights * self.density_at(potential, x), values), x
        )
        return centred(means, values)

    def push(self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        def sums(x, a, values):
            masses = transposed(a[:, None] * self.density_at(potential, x))
            return weighted_sums(masses, values), sum_along(masses, 1)

        def means(values):
            carried, total = self._sum_over_inputs(sums, values)
            total = total.reshape(total.shape[:1] + (1,) * (carried.ndim - total.ndim) + total.shape[1:])
            return carried / jnp.where(total > 0, total, 1)

        return centred(means, values)

    def log_shares(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        return log_or_flat(self.problem.target_weights[None] * self.density(potential))

    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """Returns the overlap W = T^T diag(a / t) T, and s; here s is not W b."""
        return self.overlap_above(self.row_thresholds(potential), potential), self.marginal_ratio(potential)

    def row_thresholds(
        self, potential: Float[Array, "m *lists"], at_least: Float[Array, "n *lists"] | None = None
    ) -> Float[Array, "n *lists"]:
        """Returns the threshold L of each input, without a derivative.

        Args:
            potential: f.
            at_least: a lower bound of L that is known; it saves time.
        """
        known = () if at_least is None else (at_least,)
        find = lambda x, *known: thresholds(self._exponents(potential, x), self.problem.target_weights, *known)
        return self._over_inputs(find, self.problem.positions, *known)

    def overlap_above(
        self, row_thresholds: Float[Array, "n *lists"], potential: Float[Array, "m *lists"]
    ) -> Float[Array, "m m *lists"]:
        """Returns the overlap W where the thresholds are known."""

        def of_inputs(x, a, row_thresholds):
            support = (self._exponents(potential, x) > row_thresholds[:, None]).astype(a.dtype)
            if support.ndim > 2:
                # XLA: as in the entropic overlap, the product would compute the exponents anew for each entry of W.
                support = materialised(support)
            masses = a / sum_along(self.problem.target_weights[None] * support, 1)
            return matmul(transposed(support), masses[:, None] * support)

        overlap = self._sum_over_inputs(of_inputs, row_thresholds)
        # Numerics: the compiler may compute an exponent twice, rounded differently. An entry at its threshold is then
        # in one factor of the product alone, and a system that is not symmetric has no Cholesky factor.
        return (overlap + transposed(overlap)) / 2

    def ratio_above(
        self, row_thresholds: Float[Array, "n *lists"], potential: Float[Array, "m *lists"]
    ) -> Float[Array, "m *lists"]:
        """Returns s where the thresholds are known. They are constants, so its derivative is not that of s."""

        def of_inputs(x, a, row_thresholds):
            density = rows_above(row_thresholds, self._exponents(potential, x), self.problem.target_weights)
            return sum_along(a[:, None] * density, 0)

        return self._sum_over_inputs(of_inputs, row_thresholds)

    def extend_to_weightless(
        self, potential: Float[Array, "m *lists"], log_ratio: Float[Array, "m *lists"]
    ) -> Float[Array, "m *lists"]:
        del log_ratio
        row_thresholds = self.row_thresholds(potential)

        def potentials(y):
            displacement = y[:, None] - repeat_along(self.problem.positions, 0, len(y))
            columns = -self.problem.cost(displacement) / self.epsilon - repeat_along(row_thresholds, 0, len(y))
            return -self.epsilon * thresholds(columns, self.problem.weights)

        extended = self._over_targets(potentials, self.problem.points)
        return jnp.where(self.problem.target_weights > 0, potential, extended)
