"""Quadratic regularisation: plans against a quadratic program, exact zeros, derivatives, and every kind of problem."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from jax.test_util import check_grads

import otsort
from otsort._transport import sparse_rows

from . import problems
from .cases import some

RNG = np.random.default_rng(6)
X = RNG.normal(size=(4, 7))
SPARSE = otsort.SparseNewton(0.3)


def as_given(x, weights):
    return x


def quadratic_program(x, a, y, b, epsilon):
    """The plan of least cost + (epsilon / 2) sum P^2 / (a b), by SciPy's solver of constrained problems."""
    cost, scale = np.square(y[None] - x[:, None]).ravel(), np.outer(a, b).ravel()
    shape = (len(x), len(y))
    sums = np.concatenate([np.kron(np.eye(shape[0]), np.ones(shape[1])), np.tile(np.eye(shape[1]), shape[0])])[:-1]
    found = scipy.optimize.minimize(
        lambda p: cost @ p + epsilon / 2 * np.sum(p**2 / scale),
        scale,
        jac=lambda p: cost + epsilon * p / scale,
        bounds=[(0, None)] * scale.size,
        constraints={"type": "eq", "fun": lambda p: sums @ p - np.concatenate([a, b])[:-1], "jac": lambda p: sums},
        method="SLSQP",
        options={"ftol": 1e-18, "maxiter": 1000},
    )
    return found.x.reshape(shape)


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.02])
def test_the_plan_solves_the_quadratic_program(epsilon):
    x, a = RNG.random(5), RNG.dirichlet(np.ones(5))
    target = otsort.TargetMeasure([0.0, 0.3, 0.6, 1.0], RNG.dirichlet(np.ones(4)))
    solve = lambda x: otsort.solve(
        x, target, weights=a.astype(x.dtype), squash=as_given, solver=otsort.SparseNewton(epsilon)
    )
    expected = quadratic_program(x, a, np.asarray(target.points), np.asarray(target.weights), epsilon)
    matrix = solve(x).plan.as_matrix()
    np.testing.assert_allclose(matrix, expected, atol=1e-8)
    np.testing.assert_allclose(solve(x.astype(np.float32)).plan.as_matrix(), expected, atol=1e-5)
    np.testing.assert_array_equal(matrix == 0, expected < 1e-9)
    np.testing.assert_allclose(np.sum(matrix, axis=1), a, rtol=1e-12)


@given(problems.seeds, problems.sizes, problems.families, problems.weightings, problems.targets)
def test_every_problem(seed, n, family, weighting, targets):
    rng = np.random.default_rng(seed)
    x, weights = problems.FAMILIES[family](rng, n), problems.WEIGHTS[weighting](rng, n)
    target = problems.TARGETS[targets](rng, 5)
    for epsilon in (1.0, 0.05, 1e-4):
        solution = otsort.solve(x, target, weights=weights, solver=otsort.SparseNewton(epsilon))
        assert solution.result == otsort.RESULTS.successful
        matrix = np.asarray(solution.plan.as_matrix())
        np.testing.assert_allclose(matrix.sum(axis=0), target.weights, atol=1e-9)
        np.testing.assert_allclose(matrix.sum(axis=1), problems.normalised(weights), atol=1e-12)
        levels = np.asarray(solution.plan.level(0.5))
        assert np.all(np.diff(levels[np.argsort(x, kind="stable")]) > -1e-9)
        pushed = np.asarray(solution.plan.push(x))
        assert np.all(np.diff(pushed) >= -1e-9 * np.ptp(x))
        assert np.all((pushed >= x.min()) & (pushed <= x.max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("n", "m", "count"),
    some(
        [(20, 30, 50), *((*shape, -(-2000 // len(problems.HARD_SHAPES))) for shape in problems.HARD_SHAPES)],
        [(20, 30, 50)],
    ),
)
def test_hard_problems(n, m, count, dtype):
    """With the slow tests, two thousand of them in each dtype."""
    x, a, y, b, epsilon = (
        jnp.asarray(array, dtype) for array in problems.hard_problems(np.random.default_rng(n * m), n, m, count)
    )
    positions = (x - x.min(axis=1, keepdims=True)) / jnp.maximum(jnp.ptp(x, axis=1, keepdims=True), 1e-6)

    def one(x, a, y, b, epsilon):
        target = otsort.TargetMeasure.uniform(m).astype(dtype)
        target = jax.tree.unflatten(jax.tree.structure(target), [y, b])
        solution = otsort.SparseNewton(epsilon).solve(otsort.Problem(x, a / a.sum(), target, otsort.SquaredCost()))
        return solution.result == otsort.RESULTS.successful, solution.stats["num_steps"]

    successful, steps = jax.jit(jax.vmap(one))(positions, a, y, b, epsilon)
    print(f"{n} x {m}, {dtype}: {np.mean(steps):.2f} steps, at most {np.max(steps)}")
    assert np.all(successful)
    assert np.max(steps) <= 20


def test_ranks_in_the_limits():
    exact = otsort.rank(X, epsilon=0)
    np.testing.assert_allclose(otsort.rank(X, solver=otsort.SparseNewton(1e-5)), exact, atol=1e-9)
    np.testing.assert_allclose(otsort.rank(X, solver=otsort.SparseNewton(1e4)), 4, atol=1e-3)
    np.testing.assert_allclose(np.mean(otsort.rank(X, solver=SPARSE), axis=1), 4, rtol=1e-9)
    np.testing.assert_allclose(otsort.sort(X, solver=otsort.SparseNewton(1e-5)), np.sort(X), atol=1e-9)


@pytest.mark.parametrize("k", [1.0, 2.5, 6.0])
def test_a_mask_is_a_projection_on_the_capped_simplex(k):
    positions, epsilon = np.asarray(otsort.squash.logistic(X[0], np.full(7, 1 / 7))), 0.2
    share = k / 7
    mask = lambda level: np.clip(share + share * (1 - share) * (level + (2 * positions - 1) / epsilon), 0, 1)
    level = scipy.optimize.brentq(lambda level: np.sum(mask(level)) - k, -1e3, 1e3, xtol=1e-14)
    found = otsort.top_k_mask(X[0], k, solver=otsort.SparseNewton(epsilon))
    np.testing.assert_allclose(found, mask(level), atol=1e-9)
    np.testing.assert_array_equal(found == 0, mask(level) == 0)
    check_grads(lambda k: otsort.top_k_mask(X[0], k, solver=otsort.SparseNewton(epsilon)), (k,), order=1, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masks_of_many_lists(dtype):
    """With a finite gradient also where a share just reaches 0 or 1, and mostly without a step of Newton's method."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(4000, 3)) * rng.choice([0, 0.01, 0.3, 1, 10, 1e4], size=(4000, 1)), dtype)
    k = jnp.asarray(rng.choice([1e-3, 0.5, 1, 1.7, 3], size=4000), dtype)
    solver, probe = otsort.SparseNewton(0.1), jnp.asarray([1, -2, 0.5], dtype)
    mask = jax.vmap(lambda x, k: otsort.top_k_mask(x, k, solver=solver))
    found = jax.jit(mask)(x, k)
    np.testing.assert_allclose(jnp.sum(found, axis=1), k, atol=5e-6 if dtype == "float32" else 1e-9)
    assert jnp.all((found >= 0) & (found <= 1 + 1e-6))
    gradients = jax.jit(jax.grad(lambda x, k: jnp.sum(mask(x, k) @ probe), (0, 1)))(x, k)
    assert all(jnp.all(jnp.isfinite(gradient)) for gradient in gradients)
    target = otsort.TargetMeasure([0.0, 1.0], [0.4, 0.6]).astype(dtype)
    steps = jax.jit(jax.vmap(lambda x: otsort.solve(x, target, solver=solver).stats["num_steps"]))(x)
    assert np.mean(steps == 0) > 0.98, "a step is due only where rounding leaves an error above the tolerance"
    assert np.max(steps) <= 2


def test_thresholds_by_both_ways():
    rng = np.random.default_rng(0)
    values = jnp.asarray(10 * rng.normal(size=(50, 9, 3)))
    weights = jnp.asarray(rng.dirichlet(np.ones(9), size=3).T * (np.arange(9) != 4)[:, None])
    found = sparse_rows.searched_thresholds(values, weights)
    np.testing.assert_allclose(sparse_rows.compared_thresholds(values, weights), found, rtol=1e-12)
    np.testing.assert_allclose(sparse_rows.searched_thresholds(values, weights, found - 0.1), found, rtol=1e-12)
    sums = jnp.sum(weights[None] * jnp.maximum(values - found[:, None], 0), axis=1)
    np.testing.assert_allclose(sums, 1, rtol=1e-9)


#: Functions of one list, with the options of operators.
OPERATORS = {
    "rank": otsort.rank,
    "cdf": functools.partial(otsort.cdf, num_targets=4),
    "rank at": functools.partial(otsort.rank, at=np.array([0.1, 0.4])),
    "sort": otsort.sort,
    "sort_by": lambda x, **options: otsort.sort_by(jnp.cos(x), x, **options),
    "quantile": lambda x, **options: otsort.quantile(x, np.array([0.2, 0.5]), **options),
    "top_k": lambda x, **options: otsort.top_k(x, 2, **options),
    "top_k_mask": lambda x, **options: otsort.top_k_mask(x, 2.5, **options),
    "selection": lambda x, **options: otsort.selection(x, 2, **options),
    "permutation": otsort.permutation,
    "quantize": lambda x, **options: otsort.quantize(x, 3, **options),
    "spearman": lambda x, **options: otsort.losses.spearman_distance(x, np.arange(7.0), **options),
    "roc_auc": lambda x, **options: otsort.metrics.roc_auc(x, np.arange(7) % 2, **options),
    "kendall_tau": lambda x, **options: otsort.metrics.kendall_tau(x, np.arange(7.0), **options),
    "trimmed_mean": lambda x, **options: otsort.losses.trimmed_mean(x, 0.2, 0.7, **options),
}
SOME = some(OPERATORS, quick=("rank", "sort_by", "selection"))


@pytest.mark.parametrize("name", SOME)
def test_derivatives(name):
    check_grads(lambda x: OPERATORS[name](x, solver=SPARSE), (X[0],), order=1, eps=1e-6, rtol=1e-5, atol=1e-7)


def test_derivatives_in_weights_and_epsilon():
    weights = RNG.uniform(0.5, 1, 7)
    rank = lambda weights, epsilon: otsort.rank(X[0], weights=weights, solver=otsort.SparseNewton(epsilon))
    check_grads(rank, (weights, 0.3), order=1, modes=["rev"], eps=1e-6, rtol=1e-5)
    levels = jnp.array([0.1, 0.3])
    many = jax.vmap(lambda epsilon: rank(weights, epsilon))(levels)
    np.testing.assert_allclose(many[1], rank(weights, 0.3), rtol=1e-9)


@pytest.mark.parametrize("name", SOME)
def test_masks_and_batches(name):
    where = np.arange(7) < np.array([[7], [4], [5], [0]])
    if name in ("spearman", "roc_auc", "kendall_tau", "rank at"):
        where = np.ones((4, 7), bool)
    call = lambda x, **options: OPERATORS[name](x, solver=SPARSE, **options)
    mapped = jax.vmap(lambda x, where: call(x, where=where))(np.where(where, X, np.nan), where)
    np.testing.assert_allclose(mapped[0], call(X[0]), rtol=1e-7, atol=1e-9)
    if name == "rank":
        batch = call(np.where(where, X, np.nan), where=where)
        np.testing.assert_allclose(batch, mapped, atol=1e-9)
        for i, count in enumerate(where.sum(axis=1)[:3]):
            np.testing.assert_allclose(batch[i, :count], call(X[i, :count]), atol=1e-9)
        assert not np.any(batch[~where])


def test_equal_values_single_values_and_gaps():
    np.testing.assert_allclose(otsort.rank(np.ones(4), solver=SPARSE), 2.5)
    np.testing.assert_allclose(otsort.rank(np.ones(1), solver=SPARSE), 1)
    clusters = np.concatenate([np.linspace(0, 1e-3, 4), 100 + np.linspace(0, 1e-3, 3)])
    rank = lambda x: otsort.rank(x, solver=otsort.SparseNewton(1e-3))
    np.testing.assert_allclose(jnp.sum(rank(clusters)[:4]), 10, rtol=1e-9)
    jacobian = jax.jacobian(rank)(clusters)
    assert np.all(np.isfinite(jacobian))
    far = rank(clusters + 50 * (np.arange(7) > 3))
    np.testing.assert_allclose(jnp.sum(far[:4]), 10, rtol=1e-9)


def test_float32():
    x = jnp.asarray(X, jnp.float32)
    for epsilon in (1.0, 0.1, 1e-2, 1e-3):
        rank = functools.partial(otsort.rank, solver=otsort.SparseNewton(epsilon))
        ranks = rank(x)
        assert ranks.dtype == jnp.float32
        np.testing.assert_allclose(ranks, rank(np.asarray(x, np.float64)), atol=1e-4)
        assert np.all(np.isfinite(jax.jit(jax.grad(lambda x, rank=rank: jnp.sum(jnp.sin(rank(x)))))(x)))


def test_what_it_refuses():
    with pytest.raises(TypeError, match="differentiation of SparseNewton must be Implicit"):
        otsort.SparseNewton(differentiation=otsort.Unrolled())
    with pytest.raises(ValueError, match="epsilon must be a positive number"):
        otsort.SparseNewton(0)
    with pytest.raises(RuntimeError, match="max_steps"):
        otsort.rank(X[0], solver=otsort.SparseNewton(0.01, tol=1e-15, max_steps=1))
