"""Answers that raise if the solve failed.

A guard is the number 1, whose computation raises if the solve failed. What is multiplied by it raises with it. A term
that is added would not do, as differentiation drops it.
"""

from typing import TypeVar

import equinox as eqx
import jax
from jaxtyping import Array, Float

from .._transport.plan import AbstractPlan

_Tree = TypeVar("_Tree")


def guarded(tree: _Tree, guard: Float[Array, ""]) -> _Tree:
    """Returns the same tree, each array of real numbers of which is multiplied by the guard."""
    guard_leaf = lambda leaf: leaf * guard.astype(leaf.dtype) if eqx.is_inexact_array(leaf) else leaf
    return jax.tree.map(guard_leaf, tree)


class GuardedPlan(AbstractPlan):
    """Wraps a plan and multiplies what it carries or what it answers by `guard`, which is 1, or raises.

    The operators use it in place of `guarded`, because the potential stays the one whose derivative is taken: all that
    rests on it is computed once for both. Values that are carried also wait for the solve, and use its memory again.

    Attributes:
        plan: the plan.
        guard: 1, or raises if the solve failed.
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

    def marginal_error(self) -> Float[Array, ""]:
        return self.guard * self.plan.marginal_error()
