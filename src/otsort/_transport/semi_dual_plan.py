"""The common part of the plans of both regularisations, which are determined by a potential."""

from equinox import AbstractVar
from jaxtyping import Array, Float

from .._xla import per_target
from .abstract_semi_dual import AbstractSemiDual
from .plan import AbstractPlan


class AbstractSemiDualPlan(AbstractPlan):
    """A plan that is read from a semi-dual at a potential.

    Attributes:
        dual: the problem and its epsilon.
        potential: f, shape `(m, *lists)`.
    """

    dual: AbstractVar[AbstractSemiDual]
    potential: AbstractVar[Float[Array, "m *lists"]]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.dual.push(self.potential, values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        if values.ndim == 1:
            values = per_target(values, self.potential)
        return self.dual.pull(self.potential, values)

    def level(self, share: float, at: Float[Array, "k *lists"] | None = None) -> Float[Array, "k *lists"]:
        problem = self.dual.problem
        levels = per_target(problem.target.levels(share), self.potential)
        return self.dual.pull_at(self.potential, levels, problem.positions if at is None else at)

    def as_matrix(self) -> Float[Array, "n m *lists"]:
        return self.dual.as_matrix(self.potential)

    def log_shares(self) -> Float[Array, "n m *lists"]:
        return self.dual.log_shares(self.potential)

    def transport_cost(self) -> Float[Array, "*lists"]:
        return self.dual.transport_cost(self.potential)
