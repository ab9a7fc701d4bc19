"""A user's own squash, cost, target and solver, those of the documentation: they work, and do not recompile or leak."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from . import pages, problems
from .cases import some

X = np.random.default_rng(0).normal(size=12)


@pytest.fixture(scope="module")
def own():
    """What the page defines; its program is written for JAX as it comes."""
    namespace = {}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        exec(pages.code("docs/how_to/extending.rst"), namespace)
    return namespace


def options(own, number):
    """By name, an option made anew from a number."""
    array = jnp.asarray(number)
    return {
        "squash": lambda: {"squash": own["Arctan"](jnp.asarray(0.1), array)},
        "cost": lambda: {"cost": own["LogCosh"](array), "epsilon": 0.05},
        "target": lambda: {"target": own["Geometric"](array, 5)},
        "solver": lambda: {"solver": own["Overrelaxed"](relaxation=array, epsilon=jnp.asarray(0.05))},
    }


@pytest.mark.parametrize("name", some(["squash", "cost", "target", "solver"], ("solver",)))
def test_another_instance_does_not_recompile(own, name, caplog):
    gradient = lambda **options: jax.grad(lambda x: jnp.vdot(x, otsort.rank(x, **options)))(jnp.asarray(X))
    with jax.checking_leaks():  # what throws leaves a trace in a cache of Equinox
        first = gradient(**options(own, 0.9)[name](), throw=False)
    assert jnp.all(jnp.isfinite(first))
    otsort.rank(X, **options(own, 0.9)[name]())
    other = options(own, 1.2)[name]()
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        otsort.rank(X, **other)
        assert "ompil" not in caplog.text


def test_a_closure_made_anew_recompiles(caplog):
    rank = lambda scale: otsort.rank(X, squash=lambda values, weights: jax.nn.sigmoid(scale * values))
    rank(1.0)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        rank(1.0)
        assert "ompil" in caplog.text


@pytest.mark.ci
def test_they_answer_rightly(own):
    a = np.full(12, 1 / 12)
    target = own["Geometric"](jnp.asarray(0.7), 5)
    plan = otsort.solve(X, target, solver=otsort.Newton(0.05, tol=1e-10)).plan
    np.testing.assert_allclose(
        plan.as_matrix(), problems.dense_plan(problems.squashed(X, a), a, target, 0.05), atol=1e-9
    )
    solver = own["Overrelaxed"](relaxation=jnp.asarray(1.2), epsilon=jnp.asarray(0.05), tol=1e-10)
    exact = otsort.Newton(0.05, tol=1e-12)
    np.testing.assert_allclose(otsort.rank(X, solver=solver), otsort.rank(X, solver=exact), atol=1e-8)
    gradients = [jax.grad(lambda x, s=s: otsort.rank(x, solver=s)[0])(jnp.asarray(X)) for s in (solver, exact)]
    np.testing.assert_allclose(*gradients, atol=1e-7)
    cost = own["LogCosh"](jnp.asarray(0.5))
    np.testing.assert_allclose(otsort.rank(X, cost=cost, epsilon=1e-4), otsort.rank(X, epsilon=0), atol=1e-2)
    gradient = jax.jit(jax.grad(lambda ratio: otsort.sort(X, target=own["Geometric"](ratio, 5), solver=exact)[2]))
    value = jax.jit(lambda ratio: otsort.sort(X, target=own["Geometric"](ratio, 5), solver=exact)[2])
    expected = problems.finite_difference(value, 0.7, 1.0, 1e-5)
    np.testing.assert_allclose(gradient(0.7), expected, rtol=1e-6)


def test_a_solver_without_its_fields_says_so(own):
    with pytest.raises(ValueError, match="max_steps"):
        own["Overrelaxed"](relaxation=jnp.asarray(1.2), epsilon=jnp.asarray(0.05), max_steps=0)
    with pytest.raises(TypeError, match="LogSinkhorn"):
        own["Overrelaxed"](relaxation=jnp.asarray(1.2), epsilon=otsort.EpsilonSchedule(0.05))
