"""The plan of a problem with entropic regularisation."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .semi_dual import SemiDual
from .semi_dual_plan import AbstractSemiDualPlan
from .threshold import log_upper_share


class EntropicPlan(AbstractSemiDualPlan):
    """The entropic plan P_ij = a_i b_j exp((f_j - h(y_j - x_i)) / epsilon - L_i).

    The number L_i makes row i sum to a_i.

    Attributes:
        dual: the problem and its epsilon.
        potential: f, relative to the target weights, shape `(m, *lists)`. The potential g of textbooks is f + epsilon
            log b. A constant added to f changes nothing.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan
        >>> print(plan.potential.shape, plan.as_matrix().sum(axis=0))
        (3,) [0.33 0.33 0.33]
    """

    dual: SemiDual
    potential: Float[Array, "m *lists"]

    def log_upper(self) -> Float[Array, "n *lists"]:
        return log_upper_share(self.dual.problem, self.dual.epsilon, self.potential)

    def marginal_error(self) -> Float[Array, "*lists"]:
        return self.dual.marginal_error(jnp.exp(self.dual.log_marginal_ratio(self.potential)))
