"""The result of a solve."""

from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from .plan import AbstractPlan


class RESULTS(eqx.Enumeration):
    """The ways in which a solve can end; each message says what to change.

    Attributes:
        successful: the marginal error is at most the tolerance.
        max_steps_reached: the marginal error is above the tolerance after max_steps steps.
        nonfinite: a potential or an error is not finite, for example because a value is NaN.
        outside: positions lie outside [0, 1], which `Quadrature` does not take.
        too_fine: a traced epsilon is below the field `finest` of `Quadrature`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.LogSinkhorn(max_steps=3)
        >>> solution = otsort.solve(x, otsort.UniformTarget(5), solver=solver, throw=False)
        >>> print(solution.result == otsort.RESULTS.successful, otsort.RESULTS[solution.result])
        False The solve did not reach its tolerance within max_steps: ...
    """

    successful = ""
    max_steps_reached = (
        "The solve did not reach its tolerance within max_steps: the answer would be wrong by an unknown amount. Raise "
        "max_steps, loosen tol or raise epsilon; or pass throw=False and look at Solution.stats."
    )
    nonfinite = (
        "The solve produced a value that is not finite. In Sinkhorn, exp(-cost / epsilon) underflows at small epsilon: "
        "use Newton or LogSinkhorn. With another solver, check that epsilon and the target are finite, raise epsilon, "
        "or use float64 (jax_enable_x64)."
    )
    outside = (
        "Quadrature needs positions in [0, 1]: pass a squash that maps there, such as squash=otsort.squash.logistic, "
        "or solver=otsort.Newton()."
    )
    too_fine = "Epsilon is below the field `finest` of Quadrature: set finest to the smallest epsilon that you use."


class Solution(eqx.Module):
    """The result of a solve: the plan, how the solve ended, and how accurate the plan is.

    Attributes:
        plan: an `AbstractPlan`, which acts on values through its `push` and `pull`.
        result: a member of `RESULTS`; under `jax.vmap`, one for each problem.
        stats: a dictionary. `num_steps` is the number of steps. `marginal_error` is the sum of the absolute differences
            of the plan's column sums and the target weights. `tol` is the tolerance that was used: it is raised to what
            the dtype can reach, and infinite for a fixed number of steps. `otsort.solve` adds the entries of the
            solver's `diagnostics`.
        state: the last state of the solver.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solution = otsort.solve(x, otsort.UniformTarget(5))
        >>> print(solution.result == otsort.RESULTS.successful, sorted(solution.stats))
        True ['marginal_error', 'num_steps', 'tol']
        >>> print(solution.plan.push(x))
        [ 1.05  4.12  4.85  8.01 11.97]
    """

    plan: AbstractPlan
    result: RESULTS
    stats: dict[str, Array]
    state: Any

    @property
    def transport_cost(self) -> Float[Array, ""]:
        """Returns the plan's `AbstractPlan.transport_cost`."""
        return self.plan.transport_cost()


class DualSolution(NamedTuple):
    """A potential, how the solve ended, and how accurate it is: a `Solution` with a potential in place of a plan."""

    potential: Float[Array, "m *lists"]
    result: RESULTS
    stats: dict[str, Array]
    state: Any
