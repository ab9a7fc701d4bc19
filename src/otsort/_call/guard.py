"""A plan that answers only if its solve did not fail."""

from jaxtyping import Array, Float

from .._transport.plan import AbstractPlan


class GuardedPlan(AbstractPlan):
    """Another plan, with a one that raises as a factor of what it carries or of what it answers.

    The potential itself stays the one whose derivative is taken: all that rests on it is computed once for both. A term
    that is added would not do, as differentiation drops it. Values that are carried wait for the solve so, and their
    passes use its memory again.

    Attributes:
        plan: the other one.
        one: what raises when it is used.
    """

    plan: AbstractPlan
    one: Float[Array, ""]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.plan.push(self.one * values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        return self.plan.pull(self.one * values)

    def log_upper(self) -> Float[Array, " n"]:
        return self.one * self.plan.log_upper()

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        return self.one * self.plan.level(share, at)

    def as_matrix(self) -> Float[Array, "n m"]:
        return self.one * self.plan.as_matrix()

    def marginal_error(self) -> Float[Array, ""]:
        return self.one * self.plan.marginal_error()
