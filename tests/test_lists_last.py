"""Short lists solved together, in the last axis: the answers of one list at a time, however they become a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import otsort
from otsort._transport.problem import Problem
from otsort._xla import factorise, solve_factorised
from otsort._xla.matrices import _by_inverse, _inverse_cholesky

from . import problems
from .cases import diagonal

X = np.random.default_rng(5).normal(size=(3, 4, 7))
#: The same method for one list at a time: a start of the user's own keeps lists from being solved together.
ALONE = otsort.Newton(tol=1e-10, start=lambda problem: otsort.exact_start(problem))
TOGETHER = otsort.Newton(tol=1e-10)
OPERATORS = {
    "rank": otsort.rank,
    "sort": otsort.sort,
    "quantile": lambda x, **options: jnp.moveaxis(otsort.quantile(x, jnp.array([0.2, 0.5]), **options), 0, -1),
    "top_k_mask": lambda x, **options: otsort.top_k_mask(x, 2, **options),
    "permutation": otsort.permutation,
}


@settings(max_examples=5)
@given(st.sampled_from([1, 2, 3, 5, 12, 24]), st.integers(0, 2**31))
def test_systems_of_many_lists(m, seed):
    rng = np.random.default_rng(seed)
    square = rng.normal(size=(m, m, 3))
    matrix = np.einsum("ijl,kjl->ikl", square, square) / m + 0.1 * np.eye(m)[:, :, None]
    right = rng.normal(size=(m, 3))
    solve = lambda matrix, right: solve_factorised(factorise(matrix, lists_last=True), right, lists_last=True)
    many = solve(jnp.asarray(matrix), jnp.asarray(right))
    mapped = jax.vmap(solve, -1, -1)(jnp.asarray(matrix), jnp.asarray(right))
    on_a_gpu = lambda matrix, right: _by_inverse(_inverse_cholesky(matrix), right)
    for k in range(3):
        one = jnp.asarray(matrix[:, :, k]), jnp.asarray(right[:, k])
        expected = np.linalg.solve(*one)
        for found in (many[:, k], mapped[:, k], solve(*one), on_a_gpu(*one)):
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("operator", "weights"), diagonal(list(OPERATORS), [None, np.linspace(0, 1, 7)]))
def test_the_same_as_one_by_one(operator, weights):
    apply = OPERATORS[operator]
    expected = apply(X, solver=ALONE, weights=weights)
    call = lambda x: apply(x, weights=weights, solver=TOGETHER)
    close = lambda found: np.testing.assert_allclose(found, expected, atol=1e-7)
    close(call(X))
    close(jax.vmap(call)(X))
    close(jax.vmap(jax.vmap(call))(X))
    close(jax.jit(jax.vmap(call, in_axes=1, out_axes=1))(X))
    close(np.stack([np.stack([call(x) for x in some]) for some in X]))


@pytest.mark.parametrize(("apply", "k"), [(otsort.top_k_mask, 3), (otsort.top_k, 4)])
def test_longer_lists_on_few_targets(apply, k):
    """Two targets, whose matrix is inverted by a formula, and five."""
    x = np.random.default_rng(6).normal(size=(3, 100))
    assert TOGETHER.takes_lists_last(100, otsort.UniformTarget(5))
    loss = lambda x, solver: jnp.sum(apply(x, k, solver=solver) ** 2)
    np.testing.assert_allclose(apply(x, k, solver=TOGETHER), apply(x, k, solver=ALONE), atol=1e-7)
    np.testing.assert_allclose(jax.grad(loss)(x, TOGETHER), jax.grad(loss)(x, ALONE), atol=1e-6)


def shape_of_densities(*, n, m, lists):
    """How a program names an array with one entry for each pair of input and target of each list."""
    return f"tensor<{n}x{m}x{lists}xf64>"


@pytest.mark.parametrize("batch", [lambda f: f, jax.vmap, lambda f: jax.vmap(jax.vmap(f))])
def test_a_batch_has_its_lists_last(batch):
    program = jax.jit(batch(otsort.rank)).lower(X).as_text()  # 3 x 4 lists of 7
    assert shape_of_densities(n=7, m=7, lists=12) in program
    assert "12x7x7x" not in program


def test_derivatives_list_by_list_have_their_lists_last():
    each = lambda x: otsort.rank(x)[0]
    program = jax.jit(jax.vmap(jax.vmap(jax.grad(each)))).lower(X).as_text()
    assert shape_of_densities(n=7, m=7, lists=12) in program
    assert "lapack" not in program


def test_spare_lists():
    """128 lists share lines of the cache, so that 16 more are solved; the answers of all are those of a few."""
    x = np.random.default_rng(7).normal(size=(128, 3))
    program = jax.jit(otsort.rank).lower(x)
    assert shape_of_densities(n=3, m=3, lists=128 + 16) in program.as_text()
    few = jnp.asarray(x[-5:])
    np.testing.assert_allclose(otsort.rank(x)[-5:], otsort.rank(few), atol=1e-12)
    loss = lambda x: jnp.sum(otsort.rank(x) ** 3)
    np.testing.assert_allclose(jax.grad(loss)(jnp.asarray(x))[-5:], jax.grad(loss)(few), atol=1e-10)


def test_derivatives():
    x = jnp.asarray(X[0])
    probe = jnp.asarray(np.random.default_rng(6).normal(size=x.shape))
    read = lambda x, solver: otsort.rank(x, solver=solver) + otsort.sort(x, solver=solver) ** 2
    loss = lambda x, solver=TOGETHER: jnp.vdot(probe, read(x, solver))
    each = lambda x, probe: jnp.vdot(probe, read(x, TOGETHER))
    close = lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    expected = jax.grad(loss)(x, ALONE)
    close(jax.grad(loss)(x), expected)
    close(jax.grad(lambda x: jnp.sum(jax.vmap(each)(x, probe)))(x), expected)
    close(jax.vmap(jax.grad(each))(x, probe), expected)
    close(jax.jacfwd(loss)(x), expected)
    second = jax.jit(jax.hessian(loss))(x)
    close(second, jax.jit(jax.hessian(lambda x: loss(x, ALONE)))(x))
    within = jax.jit(jax.vmap(jax.hessian(each)))(x, probe)
    for k in range(len(x)):
        close(second[k, :, k], within[k])


def test_a_bad_list_leaves_its_neighbours_alone():
    x = X[0].copy()
    x[1, 3] = np.nan
    good = np.array([0, 2, 3])
    call = lambda x: otsort.rank(x, epsilon=1e-2)
    for function in (call, jax.vmap(call)):
        np.testing.assert_array_equal(np.isnan(function(x)), np.arange(4)[:, None] == np.full(7, 1))
        np.testing.assert_allclose(function(x)[good], call(x[good]), atol=1e-12)
        slope = jax.grad(lambda x, function=function: jnp.sum(function(x)[good] ** 2))(jnp.asarray(x))
        np.testing.assert_allclose(slope[good], jax.grad(lambda x: jnp.sum(call(x) ** 2))(jnp.asarray(x[good])))


def test_each_list_has_its_own_result():
    batch = problems.hard_problems(np.random.default_rng(1), 20, 30, 12)
    x, a, y, b, epsilon = map(jnp.asarray, batch)
    positions, target = jax.vmap(otsort.squash.logistic)(x, a), otsort.TargetMeasure(y[0], b[0])
    solve = lambda positions, a: otsort.Newton(epsilon[0], max_steps=1).solve(
        Problem(positions, a, target, otsort.SquaredCost())
    )
    together = solve(positions.T, a.T)
    found = np.asarray(together.result == otsort.RESULTS.successful)
    assert 0 < found.sum() < 12
    assert found.tolist() == (together.stats["marginal_error"] <= together.stats["tol"]).tolist()
    assert found.tolist() == [
        bool(solve(*one).result == otsort.RESULTS.successful) for one in zip(positions, a, strict=True)
    ]
    with pytest.raises(RuntimeError, match="max_steps"):
        otsort.rank(x, weights=a, target=target, solver=otsort.Newton(epsilon[0], max_steps=1))


@pytest.mark.parametrize(
    ("dtype", "count"),
    [(np.float32, 20), *(pytest.param(dtype, 250, marks=pytest.mark.slow) for dtype in (np.float32, np.float64))],
)
def test_hard_problems_converge(dtype, count):
    @jax.jit
    def solve(x, a, y, b, epsilon):
        problem = Problem(x, a, otsort.TargetMeasure(y, b).astype(x.dtype), otsort.SquaredCost())
        solution = otsort.Newton(epsilon).solve(problem)
        return solution.stats["num_steps"], solution.result == otsort.RESULTS.successful

    rng = np.random.default_rng(1)
    steps, converged = [], []
    for n in (3, 20):
        for m in (2, 5, 24):
            x, a, y, b, epsilon = (jnp.asarray(part, dtype) for part in problems.hard_problems(rng, n, m, count))
            positions = jax.vmap(otsort.squash.logistic)(x, a)
            for k in range(0, count, count // 10):  # lists share a target and an epsilon
                num_steps, successful = solve(positions.T, a.T, y[k], b[k], epsilon[k])
                steps.extend(np.asarray(num_steps))
                converged.extend(np.asarray(successful))
    # In float32 weights of 1e-6 and the least epsilon may leave it where it knows no way on, and says so.
    assert np.mean(converged) >= (1 if dtype == np.float64 else 0.999)
    print(f"{len(steps)} problems, {np.dtype(dtype)}: median {np.median(steps)}, largest {max(steps)} steps")
    assert np.median(steps) <= 8
    assert max(np.asarray(steps)[converged]) <= 20
