"""The plan of a problem in which only the targets are compressed."""

from jaxtyping import Array, Float

from .._transport.averages import centred
from .._transport.plan import AbstractPlan
from .._transport.semi_dual import SemiDual
from .._transport.target import AbstractTarget
from .._transport.threshold import check_two
from .panels import Panels

NO_MATRIX = "a compressed plan has no n x m matrix, nor its logarithms: use solver=otsort.Newton(...)"
WITH_SHARES = "use solver=otsort.Newton(...) and its log_shares()"


class NodePlan(AbstractPlan):
    """A plan from all inputs to the nodes, which stand for the targets.

    Attributes:
        dual: the problem with the nodes as targets.
        potential: f at the nodes, shape `(r,)`.
        target: all targets.
    """

    dual: SemiDual
    potential: Float[Array, " r"]
    target: AbstractTarget

    @property
    def nodes(self) -> Panels:
        """Returns the nodes, which are the targets of the dual."""
        nodes = self.dual.problem.target
        assert isinstance(nodes, Panels)
        return nodes

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        return centred(lambda values: self.dual.pull(self.potential, self.nodes.project(values)), values)

    def log_upper(self) -> Float[Array, " n"]:
        check_two(self.target, WITH_SHARES)
        raise ValueError(NO_MATRIX)

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        positions = self.dual.problem.positions if at is None else at
        return self.dual.pull_at(self.potential, self.nodes.levels(share), positions)

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.dual.push_at(self.potential, values, self.target.points)

    def as_matrix(self) -> Float[Array, "n m"]:
        raise ValueError(NO_MATRIX)

    def log_shares(self) -> Float[Array, "n m"]:
        raise ValueError(NO_MATRIX)

    def marginal_error(self) -> Float[Array, ""]:
        return self.dual.marginal_error(self.dual.marginal_ratio(self.potential))

    def transport_cost(self) -> Float[Array, ""]:
        return self.dual.transport_cost(self.potential)
