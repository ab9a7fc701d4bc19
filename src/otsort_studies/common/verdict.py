"""The outcome of a solve, as a compiled program returns it."""

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

import otsort

from . import outcome


class Verdict(eqx.Module):
    """The outcome of a solve and of the values read from it, or of a batch of solves.

    Attributes:
        successful: whether the solver says that it reached its tolerance.
        finite: whether plan and values are.
        steps: number of them.
        marginal_error: of the plan.
        tol: what it had to reach, raised to what the dtype can; 0 if exact, infinite for a fixed budget.
    """

    successful: Bool[Array, "*batch"]
    finite: Bool[Array, "*batch"]
    steps: Int[Array, "*batch"]
    marginal_error: Float[Array, "*batch"]
    tol: Float[Array, "*batch"]

    @classmethod
    def of(cls, solution: otsort.Solution, *values: Array) -> Self:
        """Of a solution and what is read from its plan."""
        finite = (solution.result != otsort.RESULTS.nonfinite) & _finite(*values)
        stats = solution.stats
        successful = solution.result == otsort.RESULTS.successful
        return cls(successful, finite, stats["num_steps"], stats["marginal_error"], stats["tol"])

    @classmethod
    def without_solution(cls, tol: float, values: Array) -> Self:
        """Of values that come without a solution: exact ones, or those of a fixed budget."""
        nothing = jnp.asarray(jnp.nan)
        return cls(jnp.asarray(True), _finite(values), jnp.asarray(0), nothing, jnp.asarray(tol))

    def outcome(self, gradient: Any = 0.0) -> str:
        """The word for it, with a gradient of the values."""
        tol = np.max(self.tol)
        sound = outcome.EXACT if tol == 0 else outcome.FIXED_BUDGET if np.isinf(tol) else outcome.CONVERGED
        return outcome.outcome(
            sound, finite=self.finite, successful=self.successful, gradient_finite=np.isfinite(gradient)
        )

    def row(self) -> dict[str, Any]:
        """Returns the entries of a row on one solve."""
        return {"steps": int(self.steps), "marginal_error": float(self.marginal_error), "tol": float(self.tol)}


def _finite(*values: Array) -> Bool[Array, ""]:
    return jnp.all(jnp.asarray([jnp.all(jnp.isfinite(value)) for value in values]))
