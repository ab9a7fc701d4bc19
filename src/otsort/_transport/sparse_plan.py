"""The plan of a problem with quadratic regularisation."""

from jaxtyping import Array, Float

from .semi_dual_plan import AbstractSemiDualPlan
from .sparse_dual import SparseDual
from .threshold import check_two


class SparsePlan(AbstractSemiDualPlan):
    """The sparse plan P_ij = a_i b_j max((f_j - h(y_j - x_i)) / epsilon - L_i, 0).

    The number L_i makes row i sum to a_i.

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

    def log_upper(self) -> Float[Array, "n *lists"]:
        check_two(self.dual.problem.target)
        return self.log_shares()[:, 1]

    def marginal_error(self) -> Float[Array, "*lists"]:
        return self.dual.marginal_error(self.dual.marginal_ratio(self.potential))
