"""The derivative of all ranks at once, and how many values a row of it knows of."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort

from ..common.verdict import Verdict


def jacobian_of_ranks(
    positions: Float[Array, " n"], m: int, epsilon: Float[Array, ""], tol: float
) -> tuple[Verdict, Float[Array, "n n"]]:
    """How the solve ended, and d rank / d positions on m uniform targets.

    The implicit derivative with all n right hand sides at once, d rank_i = Cov(level, 2 y dx_i + df | i) n / epsilon;
    jax.jacrev does the same with n passes over n m arrays.
    """
    target = otsort.UniformTarget(m, positions.dtype)
    solver = otsort.Newton(epsilon, tol=tol)
    solution = otsort.solve(positions, target, solver=solver, squash=otsort.squash.identity, throw=False)
    plan = solution.plan
    assert isinstance(plan, otsort.EntropicPlan)
    given = positions.size * plan.as_matrix()  # the law of the target given the value
    levels, points = target.levels(0.5), target.points
    slopes = 2 / epsilon * (given @ (levels * points) - (given @ levels) * (given @ points))
    density = given / target.weights[None, :]
    change = 2 / epsilon / positions.size * density * (points[None, :] - (given @ points)[:, None])
    overlap, _ = plan.dual.overlap(plan.potential)
    response = -jax.vmap(lambda one: plan.dual.solve_linearised(overlap, one, refinements=2))(change)
    through = (given * (levels[None, :] - (given @ levels)[:, None])) @ response.T
    jacobian = positions.size * (jnp.diag(slopes) + through)
    return Verdict.of(solution, jacobian), jacobian


def participation(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """(sum_j |J_ij|)^2 / sum_j J_ij^2 of each row; 0 for a row of zeros."""
    size = np.abs(matrix)
    largest = size.max(axis=1, keepdims=True)  # squares of the smallest would underflow
    size = size / np.where(largest > 0, largest, 1)
    squares = (size**2).sum(axis=1)
    return size.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1)


def participation_of_others(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """The same over j != i."""
    return participation(matrix * (1 - np.eye(len(matrix))))
