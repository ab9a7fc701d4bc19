"""The entropic problem as a solver of its potential sees it: residual, its derivative, and when to stop."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractVar
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from ._problem import Problem


class AbstractDual(eqx.Module):
    """A transport problem with its regularisation, as functions of the potential f, shape `(m,)`.

    With the density S, the plan is P_ij = a_i b_j S_ij. It is solved where s_j = sum_i a_i S_ij is 1.

    Attributes:
        problem: targets, and inputs that the density is evaluated at.
        epsilon: regularisation.
    """

    problem: AbstractVar[Problem]
    epsilon: AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def marginal_ratio(self, potential: Float[Array, " m"]) -> Float[Array, " m"]:
        """s, column sums of the plan over the weights of the targets."""

    @abc.abstractmethod
    def overlap(self, potential: Float[Array, " m"]) -> tuple[Float[Array, "m m"], Float[Array, " m"]]:
        """W = S^T diag(a) S, and s: equal to W b, but summed with less rounding than the matrix product."""

    @property
    def noise_floor(self) -> Float[Array, ""]:
        """What s may be off by at best: exponents of size 1/epsilon are rounded before they are exponentiated."""
        return stop_gradient(0.25 * jnp.finfo(self.epsilon.dtype).eps / self.epsilon)

    def marginal_error(self, ratio: Float[Array, " m"]) -> Float[Array, ""]:
        """sum_j abs(sum_i P_ij - b_j), from the ratios s."""
        return jnp.sum(self.problem.target.weights * jnp.abs(ratio - 1))

    def extend_to_weightless(self, potential: Float[Array, " m"], log_ratio: Float[Array, " m"]) -> Float[Array, " m"]:
        """The potential, swept where targets have no weight: they follow the others, and no residual sees them."""
        return jnp.where(self.problem.target.weights > 0, potential, potential - self.epsilon * log_ratio)

    def solve_linearised(
        self, overlap: Float[Array, "m m"], right: Float[Array, " m"], refinements: int
    ) -> Float[Array, " m"]:
        """The change of f / epsilon, up to a constant, that changes s by `right` to first order: J df = right.

        J = diag(s) - W diag(b), and diag(b) J is the Laplacian of a graph on the targets with edges b_j W_jk b_k: built
        from its edges, it keeps float32 accuracy where overlap is weak, which 1 - W_jj b_j would lose. Damped at the
        level of rounding, so that uncoupled targets do not answer to noise, scaled to unit diagonal and pinned along
        its null vector, it is positive definite. Each refinement undoes the damping where overlap is stronger than
        it: an iteration corrects itself and needs none. The last line is J df = right solved for its first term: it
        extends df to targets of weight zero.
        """
        weights = self.problem.target.weights
        identity = jnp.eye(weights.size, dtype=weights.dtype)
        edges = weights[:, None] * overlap * weights[None, :] * (1 - identity)
        degree = jnp.sum(edges, axis=0)
        damped = degree + self.noise_floor * weights
        linked = damped > 0
        null = jnp.where(linked, jnp.sqrt(jnp.where(linked, damped, 1)), 0)
        scale = jnp.where(linked, 1 / jnp.where(linked, null, 1), 0)
        matrix = identity - scale[:, None] * edges * scale[None, :] + null[:, None] * null[None, :] / jnp.sum(damped)
        factor = jax.scipy.linalg.cho_factor(matrix, lower=True)
        flow = weights * right
        change = scale * jax.scipy.linalg.cho_solve(factor, scale * flow)
        for _ in range(refinements):
            missing = flow - (degree * change - matvec(edges, change))
            change = change + scale * jax.scipy.linalg.cho_solve(factor, scale * missing)
        return (right + matvec(overlap, weights * change)) / matvec(overlap, weights)


def matvec(matrix: Float[Array, "k l"], vector: Float[Array, " l"]) -> Float[Array, " k"]:
    """Matrix times vector, in the full precision of the dtype on every device."""
    return jnp.matmul(matrix, vector, precision=jax.lax.Precision.HIGHEST)
