"""The plan of a problem with quadratic regularisation."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import per_target
from .plan import AbstractPlan
from .sparse_dual import SparseDual
from .threshold import check_two


class SparsePlan(AbstractPlan):
    """The plan P_ij = a_i b_j max((f_j - h(y_j - x_i)) / epsilon - L_i, 0), whose rows L normalises.

    Attributes:
        dual: the problem and its epsilon.
        potential: f, shape `(m, *lists)`. A constant added to f changes nothing.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3), solver=otsort.SparseNewton(0.1)).plan
        >>> print(plan.as_matrix())
        [[0.16 0.04 0.  ]
         [0.07 0.11 0.02]
         [0.1  0.1  0.  ]
         [0.   0.08 0.12]
         [0.   0.01 0.19]]
    """

    dual: SparseDual
    potential: Float[Array, "m *lists"]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.dual.push(self.potential, values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        if values.ndim == 1:
            values = per_target(values, self.potential)
        return self.dual.pull(self.potential, values)

    def log_upper(self) -> Float[Array, "n *lists"]:
        check_two(self.dual.problem.target)
        return self.log_shares()[:, 1]

    def level(self, share: float, at: Float[Array, "k *lists"] | None = None) -> Float[Array, "k *lists"]:
        problem = self.dual.problem
        levels = per_target(problem.target.levels(share), self.potential)
        return self.dual.pull_at(self.potential, levels, problem.positions if at is None else at)

    def as_matrix(self) -> Float[Array, "n m *lists"]:
        return self.dual.as_matrix(self.potential)

    def log_shares(self) -> Float[Array, "n m *lists"]:
        shares = self.dual.problem.target_weights[None] * self.dual.density(self.potential)
        nothing = shares == 0
        # Numerics: the inner `where` keeps the derivative of log(0) out of the gradient, where it would be NaN.
        return jnp.where(nothing, -jnp.inf, jnp.log(jnp.where(nothing, 1, shares)))

    def marginal_error(self) -> Float[Array, "*lists"]:
        return self.dual.marginal_error(self.dual.marginal_ratio(self.potential))

    def transport_cost(self) -> Float[Array, "*lists"]:
        return self.dual.transport_cost(self.potential)
