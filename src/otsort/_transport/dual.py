"""The interface between a regularised problem and its solvers: the residual, its derivative, and the rounding floor."""

import abc

import equinox as eqx
import jax.numpy as jnp
from equinox import AbstractVar
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._xla import lists_last
from .linearised import Linearised
from .problem import Problem

_DAMPING = 32  # of Newton's system, in units of the machine epsilon: the rounding of a sum of size 1


class AbstractDual(eqx.Module):
    """A regularised transport problem in terms of its potential f, shape `(m, *lists)`.

    The plan is P_ij = a_i b_j S_ij, where S is called the density. The marginal ratio is s_j = sum_i a_i S_ij, the sum
    of a column of the plan divided by the weight of its target. The problem is solved when s = 1.

    Attributes:
        problem: the targets, and the inputs at which the density is evaluated.
        epsilon: regularisation.
    """

    problem: AbstractVar[Problem]
    epsilon: AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "AbstractDual":
        """Returns an equal dual that is faster at potentials near the given one, and is not differentiated."""

    @abc.abstractmethod
    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns s, the column sums of the plan divided by the weights of the targets."""

    @abc.abstractmethod
    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """Returns the overlap W = S^T diag(a) S, and s.

        In exact arithmetic s = W b. Here s is summed from the density, with less rounding than that product.
        """

    @property
    def noise_floor(self) -> Float[Array, ""]:
        """Returns the smallest marginal error that rounding allows, 0.25 times the machine epsilon / epsilon.

        Numerics: exponents of size 1/epsilon are rounded before they are exponentiated, and s inherits that rounding.
        """
        return stop_gradient(0.25 * jnp.finfo(self.epsilon.dtype).eps / self.epsilon)

    def marginal_error(self, ratio: Float[Array, "m *lists"]) -> Float[Array, "*lists"]:
        """Returns the marginal error sum_j abs(sum_i P_ij - b_j), computed from the ratios s."""
        return jnp.sum(self.problem.target_weights * jnp.abs(ratio - 1), axis=0)

    def extend_to_weightless(
        self, potential: Float[Array, "m *lists"], log_ratio: Float[Array, "m *lists"]
    ) -> Float[Array, "m *lists"]:
        """Returns the potential after one Sinkhorn sweep at the targets that have no weight.

        The residual does not depend on the potential of these targets, so no solver moves it. The sweep computes it
        from the potential of the others.
        """
        return jnp.where(self.problem.target_weights > 0, potential, potential - self.epsilon * log_ratio)

    def linearised(self, potential: Float[Array, "m *lists"]) -> tuple[Linearised, Float[Array, "m *lists"]]:
        """Returns the derivative of s in the potential, as a linear system that can be solved, and s."""
        overlap, ratio = self.overlap(potential)
        together = lists_last(len(self.problem.positions), self.problem.target.size)
        # Numerics: the damping is far below the noise floor. Rounded exponents change s in proportion to the overlap,
        # which the inverse undoes, so without overlap only the rounding of sums is noise. A damping above the least
        # eigenvalue, about 5 epsilon, hides changes that all targets share: damped by the noise floor, the float32
        # gradient of a sum of ranks with smooth weights was wrong by more than its size at epsilon = 1e-4.
        damping = jnp.asarray(_DAMPING * jnp.finfo(ratio.dtype).eps, ratio.dtype)
        return Linearised(overlap, self.problem.target_weights, damping, together), ratio
