"""What a solve returns."""

from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from ._plan import AbstractPlan


class RESULTS(eqx.Enumeration):
    """How a solve ended; each message says what to change."""

    successful = ""
    max_steps_reached = (
        "The solve did not reach its tolerance within max_steps: the answer would be wrong by an unknown amount. Raise "
        "max_steps, loosen tol or raise epsilon; or pass throw=False and look at Solution.stats."
    )
    nonfinite = (
        "The solve produced a value that is not finite. In the kernel domain (Sinkhorn) exp(-cost / epsilon) "
        "underflows at small epsilon: use Newton or LogSinkhorn."
    )
    outside = "Quadrature needs positions in [0, 1]: squash them, or use Newton."
    too_fine = "A traced epsilon is below the field `finest` of Quadrature: lower that."


class Solution(eqx.Module):
    """A plan, and how good it is.

    Attributes:
        plan: acts on values through `push` and `pull`.
        result: a member of `RESULTS`; under vmap, one for each problem.
        stats: `num_steps`; `marginal_error`, the sum of the absolute differences of the plan's column sums and the
            target weights; `tol`, the tolerance used (raised to what the dtype can reach; infinite for a fixed budget);
            from `otsort.solve` also those of the solver's `diagnostics`.
        state: the solver's last state.
    """

    plan: AbstractPlan
    result: RESULTS
    stats: dict[str, Array]
    state: Any


class DualSolution(NamedTuple):
    """A potential, and how good it is: as `Solution`, which has a plan in its place."""

    potential: Float[Array, "m *lists"]
    result: RESULTS
    stats: dict[str, Array]
    state: Any
