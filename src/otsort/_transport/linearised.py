"""The derivative of the marginal ratios s in the potential, and the solution of linear systems with it.

With the overlap W = S^T diag(a) S, a change dphi of phi = f / epsilon changes s by J dphi to first order, where

    J = diag(s) - W diag(b).

**Laplacian.** Newton's method asks for J dphi = 1 - s. Multiplied by the weights b, the matrix is the Laplacian of a
graph on the targets, because s = W b:

    diag(b) J = diag(d) - E,    E_jk = b_j W_jk b_k for j != k,    E_jj = 0,    d_j = sum_k E_jk.

It is symmetric, positive semidefinite, and its null vector is the constant. It is built from the edges E, because
d_j = b_j (s_j - W_jj b_j) would cancel and lose the digits of float32 where overlap is weak.

**Damping.** Targets that are coupled by less than rounding would answer to noise. So the factorised matrix has

    d_j + delta b_j    in place of d_j,    delta = 32 machine epsilons (`AbstractDual.linearised` gives it).

**Scale.** The weights and the overlaps may differ by many powers of ten. With D = diag(d + delta b), the matrix

    I - D^(-1/2) E D^(-1/2)

has a unit diagonal, and its eigenvalues lie in [0, 2]. A target with neither edges nor weight has D_jj = 0: its scale
is 0 instead, so that its row is that of the identity and its change is 0.

**Pinning.** Along v = D^(1/2) 1 / sqrt(trace D), the scaled null vector, the matrix is singular up to the damping. A
constant added to f changes nothing, so that direction is fixed by adding v v^T. The factorised matrix is

    M = I - D^(-1/2) E D^(-1/2) + v v^T,    positive definite,

and D^(-1/2) M^(-1) D^(-1/2) takes the place of the inverse of diag(b) J.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from .._xla import factorise, matvec, solve_factorised, sum_along, with_axes


class Linearised(eqx.Module):
    """The matrix J = diag(s) - W diag(b), factorised: J dphi is the change of s for a change dphi of f / epsilon.

    The module's docstring has the formulas.

    Attributes:
        overlap: W, shape `(m, m, *lists)`.
        weights: b, shape `(m, *lists)`.
        edges: E, shape `(m, m, *lists)`.
        scale: the diagonal of D^(-1/2), shape `(m, *lists)`.
        factor: of M, as `factorise` returns it. No derivative is taken of it.
        lists_last: whether systems that meet under `jax.vmap` are solved together, with the lists in the last axis.
    """

    overlap: Float[Array, "m m *lists"]
    weights: Float[Array, "m *lists"]
    edges: Float[Array, "m m *lists"]
    scale: Float[Array, "m *lists"]
    factor: Float[Array, "m m *lists"]
    lists_last: bool = eqx.field(static=True)

    def __init__(
        self,
        overlap: Float[Array, "m m *lists"],
        weights: Float[Array, "m *lists"],
        damping: Float[Array, "*one_lists"],
        lists_last: bool,
    ):
        """Factorises the system that an overlap defines.

        Args:
            overlap: W.
            weights: b.
            damping: delta; delta b is added to the diagonal of the Laplacian. A number, or shape `(1, *lists)`.
            lists_last: see the attributes.
        """
        identity = jnp.eye(len(weights), dtype=weights.dtype)
        identity = with_axes(identity, overlap.ndim)
        self.overlap, self.weights, self.lists_last = overlap, weights, lists_last
        self.edges = weights[:, None] * overlap * weights[None, :] * (1 - identity)
        # `solve` needs the factor as a preconditioner only, so it is a constant for derivatives.
        edges = stop_gradient(self.edges)
        damped = sum_along(edges, 0) + stop_gradient(damping * weights)
        # Numerics: a target without edges and weight has nothing to divide by: its scale is 0, and its row of M that of
        # the identity. Both branches of `where` stay finite.
        linked = damped > 0
        null = jnp.where(linked, jnp.sqrt(jnp.where(linked, damped, 1)), 0)
        self.scale = jnp.where(linked, 1 / jnp.where(linked, null, 1), 0)
        pinned = null[:, None] * null[None, :] / jnp.sum(damped, axis=0, keepdims=True)[None]
        self.factor = factorise(identity - self.scale[:, None] * edges * self.scale[None, :] + pinned, lists_last)

    def damped_direction(self, ratio: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns an approximate solution of J dphi = 1 - s for the targets with weight."""
        return self._damped(self.weights * (1 - ratio))

    def newton_direction(self, ratio: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns an approximate solution dphi of J dphi = 1 - s, up to a constant: the change of phi for a step.

        The damped inverse gives a change c of the targets with weight. One linearised Sinkhorn sweep after it,

            dphi = W (b c) / (W b) - log s,

        moves the targets without weight too. The damping need not be undone, because the next step of an iteration
        corrects its error.

        Args:
            ratio: s.
        """
        change = self.damped_direction(ratio)
        # Numerics: far from the solution s may underflow, so its logarithm is taken of no less than the least number.
        carried = matvec(self.overlap, self.weights * change) / matvec(self.overlap, self.weights)
        return carried - jnp.log(jnp.maximum(ratio, jnp.finfo(ratio.dtype).tiny))

    def solve(self, right: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns dphi, up to a constant, with J dphi = right; it has derivatives of any order in J and in `right`."""
        degree = sum_along(self.edges, 0)
        laplacian = lambda change: degree * change - matvec(self.edges, change)
        # The derivative is that of the undamped system, whatever approximates its inverse.
        change = jax.lax.custom_linear_solve(laplacian, self.weights * right, self._refined, symmetric=True)
        # The rows of targets without weight were lost when J was multiplied by b. With s = W b, J dphi = right reads
        # s dphi = right + W (b dphi), and gives dphi for these targets too.
        return (right + matvec(self.overlap, self.weights * change)) / matvec(self.overlap, self.weights)

    def _refined(self, laplacian: Callable[[Array], Array], flow: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns the solution of the undamped Laplacian system, by two rounds of iterative refinement.

        The refinement undoes the damping where overlap is stronger than the damping.
        """
        change = self._damped(flow)
        for _ in range(2):
            change = change + self._damped(flow - laplacian(change))
        return change

    def _damped(self, flow: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        return self.scale * solve_factorised(self.factor, self.scale * flow, self.lists_last)
