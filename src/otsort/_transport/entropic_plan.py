"""The plan of a problem with entropic regularisation."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import per_target
from .plan import AbstractPlan
from .semi_dual import SemiDual
from .threshold import log_upper_share


class EntropicPlan(AbstractPlan):
    """The entropic plan P_ij = a_i b_j exp((f_j - h(y_j - x_i)) / epsilon - L_i), whose rows L normalises.

    Attributes:
        dual: the problem and its epsilon.
        potential: f, relative to the target weights, shape `(m, *lists)`. The potential g of the textbooks is
            f + epsilon log b. A constant added to f changes nothing.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> plan = otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan
        >>> print(plan.potential.shape, plan.as_matrix().sum(axis=0))
        (3,) [0.33 0.33 0.33]
    """

    dual: SemiDual
    potential: Float[Array, "m *lists"]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.dual.push(self.potential, values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        if values.ndim == 1:
            values = per_target(values, self.potential)
        return self.dual.pull(self.potential, values)

    def log_upper(self) -> Float[Array, "n *lists"]:
        return log_upper_share(self.dual.problem, self.dual.epsilon, self.potential)

    def level(self, share: float, at: Float[Array, "k *lists"] | None = None) -> Float[Array, "k *lists"]:
        problem = self.dual.problem
        levels = per_target(problem.target.levels(share), self.potential)
        return self.dual.pull_at(self.potential, levels, problem.positions if at is None else at)

    def as_matrix(self) -> Float[Array, "n m *lists"]:
        return self.dual.as_matrix(self.potential)

    def log_shares(self) -> Float[Array, "n m *lists"]:
        return self.dual.log_shares(self.potential)

    def marginal_error(self) -> Float[Array, "*lists"]:
        return self.dual.marginal_error(jnp.exp(self.dual.log_marginal_ratio(self.potential)))

    def transport_cost(self) -> Float[Array, "*lists"]:
        return self.dual.transport_cost(self.potential)
