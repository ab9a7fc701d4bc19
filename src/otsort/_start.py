"""Where a log-domain solver starts: callables `problem -> f`, the potential of `EntropicPlan`.

The ones here are modules, so that a solver that holds one passes through `jax.jit`; any function serves under
`equinox.filter_jit`.
"""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._problem import Problem

Start: TypeAlias = Callable[[Problem], Float[Array, " m"]]


class ExactStart(eqx.Module):
    """The dual potentials of the exact plan (epsilon = 0), in closed form.

    Where the mass sent to y_j ends and that of y_{j+1} begins, at X, both targets are equally good:
    f_{j+1} - f_j = h(y_{j+1} - X) - h(y_j - X). X is the quantile of the inputs at level B_j, the midpoint of a jump.
    """

    def __call__(self, problem: Problem) -> Float[Array, " m"]:
        order = jnp.argsort(problem.positions)
        return sorted_start(Problem(problem.positions[order], problem.weights[order], problem.target, problem.cost))


class ZeroStart(eqx.Module):
    """The paper's: beta_0 = 0 in equation (3) of Cuturi et al. (2019), up to a constant where b is uniform."""

    def __call__(self, problem: Problem) -> Float[Array, " m"]:
        return jnp.zeros_like(problem.target.points)


class WarmStart(eqx.Module):
    """A potential kept from an earlier solve, `solution.plan.potential`: across the steps of a training, say.

    Attributes:
        potential: shape `(m,)`; another value does not recompile.
    """

    potential: Float[Array, " m"]

    def __call__(self, problem: Problem) -> Float[Array, " m"]:
        return self.potential.astype(problem.target.points.dtype)


#: `ExactStart()`, the default.
exact_start = ExactStart()
#: `ZeroStart()`.
zero_start = ZeroStart()


def sorted_start(problem: Problem) -> Float[Array, " m"]:
    """`exact_start` of positions that do not decrease."""
    target, positions = problem.target, problem.positions
    levels = jnp.cumsum(problem.weights)
    levels = levels / levels[-1]
    slack = 4 * jnp.finfo(levels.dtype).eps  # levels that differ by rounding alone are one corner of the plan
    cuts = target.cumulative[:-1]
    # To the right of a level lies an input with mass, as far as there is one.
    below = positions[jnp.searchsorted(levels, jnp.maximum(cuts - slack, 0), side="right")]
    above = positions[jnp.searchsorted(levels, jnp.minimum(cuts + slack, 1 - slack), side="right")]
    corner = (below + above) / 2
    steps = problem.cost(target.points[1:] - corner) - problem.cost(target.points[:-1] - corner)
    return jnp.concatenate([jnp.zeros(1, steps.dtype), jnp.cumsum(steps)])
