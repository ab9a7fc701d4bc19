"""The list of named solvers."""

import jax.numpy as jnp
import pytest

import otsort
from otsort_studies.common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS, SPARSE_SOLVER
from otsort_studies.common.solvers import DIFFERENTIATIONS, SOLVERS, with_budget

from ..problems import SOLVERS as TESTED

X = jnp.asarray([3.0, 1.0, 2.0, 5.0])


def test_every_solver_is_named_and_tested():
    made = {name: make(0.1) for name, make in SOLVERS.items()}
    assert {name: type(solver).__name__ for name, solver in made.items()} == {name: name for name in SOLVERS}
    public = {kind for kind in map(otsort.__dict__.get, otsort.__dict__) if isinstance(kind, type)}
    final = {
        kind.__name__ for kind in public if issubclass(kind, otsort.AbstractSolver) and "Abstract" not in kind.__name__
    }
    assert final == {*SOLVERS, SPARSE_SOLVER}
    assert {type(make(0.1)).__name__ for make in TESTED.values()} == final - {EXACT_SOLVER, SPARSE_SOLVER}


def test_every_solver_is_compared():
    assert set(SOLVER_DIFFERENTIATIONS) == set(SOLVERS)
    assert {name for differentiations in SOLVER_DIFFERENTIATIONS.values() for name in differentiations} - {""} == set(
        DIFFERENTIATIONS
    )


@pytest.mark.parametrize(
    "solver", ["Newton", *(pytest.param(f"{kind}Sinkhorn", marks=pytest.mark.ci) for kind in ("", "Log", "Anderson"))]
)
@pytest.mark.parametrize("differentiation", DIFFERENTIATIONS)
def test_a_budget_is_kept(solver, differentiation):
    made = with_budget(solver, differentiation, 0.1, 9)
    solution = otsort.solve(X, otsort.UniformTarget(4), solver=made)
    assert solution.stats["num_steps"] == 9
    assert jnp.isinf(solution.stats["tol"])
