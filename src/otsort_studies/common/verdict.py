"""Represents the outcome of a solve in a form that a compiled program can return."""

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

import otsort

from . import outcome


class Verdict(eqx.Module):
    """The outcome of one solve, or of a batch of solves, and of the values that are read from the plan.

    Attributes:
        successful: whether the solver reports that it reached its tolerance.
        finite: whether the plan and the values are finite.
        steps: number of steps.
        marginal_error: marginal error of the plan.
        tol: tolerance, raised to what the dtype can reach; 0 for an exact solver, infinite for a fixed number of steps.
    """

    successful: Bool[Array, "*batch"]
    finite: Bool[Array, "*batch"]
    steps: Int[Array, "*batch"]
    marginal_error: Float[Array, "*batch"]
    tol: Float[Array, "*batch"]

    @classmethod
    def of(cls, solution: otsort.Solution, *values: Array) -> Self:
        """Creates the verdict on a solution and on the values that are read from its plan."""
        finite = (solution.result != otsort.RESULTS.nonfinite) & _finite(*values)
        stats = solution.stats
        successful = solution.result == otsort.RESULTS.successful
        return cls(successful, finite, stats["num_steps"], stats["marginal_error"], stats["tol"])

    @classmethod
    def without_solution(cls, tol: float, values: Array) -> Self:
        """Creates the verdict on values without a solution: exact values, or the result of a fixed number of steps."""
        nothing = jnp.asarray(jnp.nan)
        return cls(jnp.asarray(True), _finite(values), jnp.asarray(0), nothing, jnp.asarray(tol))

    def outcome(self, gradient: Any = 0.0) -> str:
        """Returns the outcome in words, also considering a gradient of the values."""
        tol = np.max(self.tol)
        sound = outcome.EXACT if tol == 0 else outcome.FIXED_BUDGET if np.isinf(tol) else outcome.CONVERGED
        return outcome.outcome(
            sound, finite=self.finite, successful=self.successful, gradient_finite=np.isfinite(gradient)
        )

    def row(self) -> dict[str, Any]:
        """Returns the columns of a row that describe one solve."""
        return {"steps": int(self.steps), "marginal_error": float(self.marginal_error), "tol": float(self.tol)}


def _finite(*values: Array) -> Bool[Array, ""]:
    return jnp.all(jnp.asarray([jnp.all(jnp.isfinite(value)) for value in values]))
