"""The entropic problem as a solver of its potential sees it: residual, its derivative, and when to stop."""

import abc

import equinox as eqx
import jax.numpy as jnp
from equinox import AbstractVar
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._xla import lists_last
from .linearised import Linearised
from .problem import Problem

_DAMPING = 32  # of Newton's system, in units of the rounding of a sum of one


class AbstractDual(eqx.Module):
    """A transport problem with its regularisation, as functions of the potential f, shape `(m, *lists)`.

    With the density S, the plan is P_ij = a_i b_j S_ij. It is solved where s_j = sum_i a_i S_ij is 1.

    Attributes:
        problem: targets, and inputs that the density is evaluated at.
        epsilon: regularisation.
    """

    problem: AbstractVar[Problem]
    epsilon: AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def with_cached_kernel(self, potential: Float[Array, "m *lists"]) -> "AbstractDual":
        """The same, made for potentials near this one; no derivative is taken of it."""

    @abc.abstractmethod
    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """s, column sums of the plan over the weights of the targets."""

    @abc.abstractmethod
    def overlap(
        self, potential: Float[Array, "m *lists"]
    ) -> tuple[Float[Array, "m m *lists"], Float[Array, "m *lists"]]:
        """W = S^T diag(a) S, and s: equal to W b, but summed with less rounding than the matrix product."""

    @property
    def noise_floor(self) -> Float[Array, ""]:
        """What s may be off by at best, as exponents of size 1/epsilon are rounded before they are exponentiated."""
        return stop_gradient(0.25 * jnp.finfo(self.epsilon.dtype).eps / self.epsilon)

    def marginal_error(self, ratio: Float[Array, "m *lists"]) -> Float[Array, "*lists"]:
        """sum_j abs(sum_i P_ij - b_j), from the ratios s."""
        return jnp.sum(self.problem.target_weights * jnp.abs(ratio - 1), axis=0)

    def extend_to_weightless(
        self, potential: Float[Array, "m *lists"], log_ratio: Float[Array, "m *lists"]
    ) -> Float[Array, "m *lists"]:
        """The potential, swept where targets have no weight: they follow the others, and no residual sees them."""
        return jnp.where(self.problem.target_weights > 0, potential, potential - self.epsilon * log_ratio)

    def linearised(self, potential: Float[Array, "m *lists"]) -> tuple[Linearised, Float[Array, "m *lists"]]:
        """The derivative of s in the potential, and s."""
        overlap, ratio = self.overlap(potential)
        gather = lists_last(len(self.problem.positions), self.problem.target.size)
        # Numerics: far less than the noise floor. Rounded exponents change s in proportion to the overlap, which its
        # inverse undoes, so that to targets without overlap the rounding of sums alone is noise. More than the least
        # eigenvalue, about 5 epsilon, hides what all targets share: damped by the noise floor, the float32 gradient of
        # a sum of ranks with smooth weights was wrong by more than its size at epsilon = 1e-4.
        damping = jnp.asarray(_DAMPING * jnp.finfo(ratio.dtype).eps, ratio.dtype)
        return Linearised(overlap, self.problem.target_weights, damping, gather), ratio
