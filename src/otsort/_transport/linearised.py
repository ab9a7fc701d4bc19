"""The derivative of the column residual in the potential, and its inverse."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._xla import factorise, matvec, solve_factorised, sum_along


class Linearised(eqx.Module):
    """J, with J df the first-order change of s for a change df of f / epsilon.

    J = diag(s) - W diag(b), and diag(b) J is the Laplacian of a graph on the targets with edges b_j W_jk b_k: built
    from its edges, it keeps float32 accuracy where overlap is weak, which 1 - W_jj b_j would lose. Damped at the level
    of rounding, so that uncoupled targets do not answer to noise, scaled to unit diagonal and pinned along its null
    vector, it is positive definite.

    Attributes:
        overlap: W, shape `(m, m, *lists)`.
        weights: b, shape `(m, *lists)`.
        edges: of the graph, shape `(m, m, *lists)`.
        scale: what makes the diagonal of the damped matrix 1, shape `(m, *lists)`.
        factor: of that matrix, see `factorise`. No derivative is taken of it.
        gather: whether systems that meet under `jax.vmap` are solved together, with the lists in the last axis.
    """

    overlap: Float[Array, "m m *lists"]
    weights: Float[Array, "m *lists"]
    edges: Float[Array, "m m *lists"]
    scale: Float[Array, "m *lists"]
    factor: Float[Array, "m m *lists"]
    gather: bool = eqx.field(static=True)

    def __init__(
        self,
        overlap: Float[Array, "m m *lists"],
        weights: Float[Array, "m *lists"],
        damping: Float[Array, ""],
        gather: bool,
    ):
        """Linearises about an overlap.

        Args:
            overlap: W.
            weights: b.
            damping: what is added to the Laplacian, in units of the weights.
            gather: see the attributes.
        """
        identity = jnp.eye(len(weights), dtype=weights.dtype)
        identity = identity.reshape(*identity.shape, *[1] * (overlap.ndim - 2))
        self.overlap, self.weights, self.gather = overlap, weights, gather
        self.edges = weights[:, None] * overlap * weights[None, :] * (1 - identity)
        edges = stop_gradient(self.edges)
        damped = sum_along(edges, 0) + stop_gradient(damping * weights)
        linked = damped > 0
        null = jnp.where(linked, jnp.sqrt(jnp.where(linked, damped, 1)), 0)
        self.scale = jnp.where(linked, 1 / jnp.where(linked, null, 1), 0)
        pinned = null[:, None] * null[None, :] / jnp.sum(damped, axis=0, keepdims=True)[None]
        self.factor = factorise(identity - self.scale[:, None] * edges * self.scale[None, :] + pinned, gather)

    def newton_direction(self, ratio: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """About the df, up to a constant, that makes the ratios s 1: an iteration corrects itself.

        The damped inverse, followed by a sweep, by which targets without weight follow the others.
        """
        change = self._damped(self.weights * (1 - ratio))
        carried = matvec(self.overlap, self.weights * change) / matvec(self.overlap, self.weights)
        return carried - jnp.log(jnp.maximum(ratio, jnp.finfo(ratio.dtype).tiny))

    def solve(self, right: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """The df, up to a constant, with J df = right; it has derivatives of any order in both."""
        degree = sum_along(self.edges, 0)
        laplacian = lambda change: degree * change - matvec(self.edges, change)
        change = jax.lax.custom_linear_solve(laplacian, self.weights * right, self._refined, symmetric=True)
        # J df = right solved for its first term: df also where targets have no weight.
        return (right + matvec(self.overlap, self.weights * change)) / matvec(self.overlap, self.weights)

    def _refined(self, laplacian: Callable[[Array], Array], flow: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """The damping is undone where overlap is stronger than it."""
        change = self._damped(flow)
        for _ in range(2):
            change = change + self._damped(flow - laplacian(change))
        return change

    def _damped(self, flow: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        return self.scale * solve_factorised(self.factor, self.scale * flow, self.gather)
