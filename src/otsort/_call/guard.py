"""Guards, by which answers raise if the solve failed.

A *guard* is the number 1.0, whose computation raises if the solve failed. A product with the guard raises with it, in
derivatives too. A zero that is added to an answer would not do, because differentiation drops it.
"""

from typing import TypeVar

import equinox as eqx
import jax
from jaxtyping import Array, Float

from .._transport.plan import AbstractPlan

_Tree = TypeVar("_Tree")


def guarded(tree: _Tree, guard: Float[Array, ""]) -> _Tree:
    """Returns the same tree with its floating-point arrays multiplied by the guard."""
    guard_leaf = lambda leaf: leaf * guard.astype(leaf.dtype) if eqx.is_inexact_array(leaf) else leaf
    return jax.tree.map(guard_leaf, tree)


class GuardedPlan(AbstractPlan):
    """Wraps a plan and multiplies its values or its answers by `guard`, which is 1.0, or raises if the solve failed.

    The operators use it in place of `guarded`, which would change the potential. With the potential of the solve, the
    compiler computes what depends on it once for the answer and its derivative. The product with values also makes them
    wait for the solve, so they reuse its memory.

    Attributes:
        plan: the plan.
        guard: 1.0, or raises if the solve failed.
    """

    plan: AbstractPlan
    guard: Float[Array, ""]

    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        return self.plan.push(self.guard * values)

    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        return self.plan.pull(self.guard * values)

    def log_upper(self) -> Float[Array, " n"]:
        return self.guard * self.plan.log_upper()

    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        return self.guard * self.plan.level(share, at)

    def as_matrix(self) -> Float[Array, "n m"]:
        return self.guard * self.plan.as_matrix()

    def log_shares(self) -> Float[Array, "n m"]:
        return self.guard * self.plan.log_shares()

    def marginal_error(self) -> Float[Array, ""]:
        return self.guard * self.plan.marginal_error()

    def transport_cost(self) -> Float[Array, ""]:
        return self.guard * self.plan.transport_cost()
