"""Quadrature: the answers and derivatives of Newton, from few nodes, for long lists."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort._long_lists.cells import evaluate, moments
from otsort._long_lists.compress import _centroids as centroids
from otsort._long_lists.panels import Panels
from otsort._transport.top_target import TopTarget

from . import problems
from .cases import some

N = 128
LISTS = np.stack([family(np.random.default_rng(11), N) for family in problems.HARD_FAMILIES])
CARRIED = np.random.default_rng(12).normal(size=LISTS.shape)
REFERENCE = np.sort(np.random.default_rng(13).standard_t(2, size=N))

OPERATORS = {
    "rank": otsort.rank,
    "cdf": lambda x, **options: otsort.cdf(x, num_targets=2 * N, **options),
    "sort": otsort.sort,
    "short sort": lambda x, **options: otsort.sort(x, num_targets=20, **options),
    "sort_by": lambda x, **options: otsort.sort_by(jnp.asarray(CARRIED, x.dtype), x, **options),
    "quantile_normalize": lambda x, **options: otsort.quantile_normalize(x, jnp.asarray(REFERENCE, x.dtype), **options),
    "quantize": lambda x, **options: otsort.quantize(x, 5, **options),
    "quantile": lambda x, **options: jnp.moveaxis(otsort.quantile(x, np.array([0.0, 0.1, 0.5]), **options), 0, -1),
    "top_k": lambda x, **options: otsort.top_k(x, 10, **options),
    "top_k_mask": lambda x, **options: otsort.top_k_mask(x, N // 5, **options),
}


def unit(operator):
    """What an error of an operator is relative to, for each list."""
    if operator in ("cdf", "top_k_mask"):
        return 1
    if operator == "rank":
        return N
    values = {"sort_by": CARRIED, "quantile_normalize": REFERENCE[None]}.get(operator, LISTS)
    return np.ptp(values, axis=1)[:, None]


def both(operator, x, solver):
    """Values, and the gradient of a sum of them with random weights."""

    @jax.jit
    def run(x):
        values, pullback = jax.vjp(lambda x: OPERATORS[operator](x, solver=solver), x)
        return values, *pullback(jnp.asarray(np.random.default_rng(14).normal(size=values.shape), x.dtype))

    return map(np.asarray, run(x))


QUICK = [(name, 1e-2, np.float32) for name in ("rank", "quantile")]
QUICK += [("rank", 1e-2, np.float64)]


def allowed(operator, epsilon, dtype):
    """The largest errors of values and of gradients."""
    if dtype == np.float64:
        return 1e-5, 1e-4
    if epsilon >= 1e-2:
        return 2e-5, 5e-4
    if operator in ("rank", "cdf", "sort", "sort_by"):
        return 5e-5, 5e-4
    return 1e-3, 5e-3  # between few targets a plan changes within epsilon: rounded positions cost both solvers digits


@pytest.mark.parametrize(
    ("operator", "epsilon", "dtype"),
    [
        *QUICK,
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in itertools.product(OPERATORS, (1e-1, 1e-2, 1e-3), (np.float32, np.float64))
            if case not in QUICK
        ),
    ],
)
def test_equals_newton(operator, epsilon, dtype):
    expected, gradient = both(operator, LISTS, otsort.Newton(epsilon=epsilon, tol=1e-11))
    values, slope = both(operator, LISTS.astype(dtype), otsort.Quadrature(epsilon=epsilon))
    assert values.dtype == dtype
    error = np.max(np.abs(values - expected) / unit(operator))
    # Relative to the list's gradient, or where that is saturated to a tenth of the largest.
    norms = np.linalg.norm(gradient, axis=1)
    relative = np.max(np.linalg.norm(slope - gradient, axis=1) / np.maximum(norms, 0.1 * np.max(norms)))
    print(f"{operator} {epsilon} {np.dtype(dtype)}: values {error:.1e}, gradients {relative:.1e}")
    largest_error, largest_relative = allowed(operator, epsilon, dtype)
    assert error < largest_error
    assert relative < largest_relative


def pull_loss(x, weights, epsilon, solver):
    ranks = otsort.rank(x, weights=weights, solver=solver(epsilon=epsilon))
    return jnp.sum(jnp.cos(ranks / 10))


def test_derivatives_of_every_kind():
    """In values, weights and epsilon; and a product with the Hessian."""
    rng = np.random.default_rng(0)
    x, weights, direction = rng.normal(size=100), rng.uniform(0.5, 1.5, size=100), rng.normal(size=100)

    def derivatives(loss):
        first = jax.grad(loss, argnums=(0, 1, 2))
        return jax.jit(
            lambda x: (first(x, weights, 1e-2), jax.jvp(lambda x: first(x, weights, 1e-2)[0], (x,), (direction,))[1])
        )(x)

    exact = lambda epsilon: otsort.Newton(epsilon=epsilon, tol=1e-11)
    fine = lambda epsilon: otsort.Quadrature(epsilon=epsilon, finest=1e-2, accuracy=1e-7, tol=1e-9)
    first, second = derivatives(lambda x, a, e: pull_loss(x, a, e, fine))
    expected, hessian = derivatives(lambda x, a, e: pull_loss(x, a, e, exact))
    for got, right in zip((*first, second), (*expected, hessian), strict=True):
        print(np.linalg.norm(got - right) / np.linalg.norm(right))
        np.testing.assert_allclose(got, right, atol=1e-3 * np.max(np.abs(right)))


def test_derivatives_in_an_explicit_target():
    x = np.random.default_rng(0).normal(size=100)

    def loss(points, weights, solver):
        target = otsort.TargetMeasure(points, weights)
        return jnp.sum(jnp.cos(otsort.sort(x, target=target, solver=solver)) + target.points**2)

    def gradients(solver):
        return jax.jit(jax.grad(lambda y, b: loss(y, b, solver), argnums=(0, 1)))(*map(jnp.asarray, target))

    target = (np.array([0.1, 0.3, 0.7, 0.9]), np.array([0.2, 0.4, 0.3, 0.1]))
    got = gradients(otsort.Quadrature(epsilon=0.05, accuracy=1e-8, tol=1e-9))
    for mine, right in zip(got, gradients(otsort.Newton(epsilon=0.05, tol=1e-11)), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-5, atol=1e-7)


def test_the_square_of_jax_is_the_squared_cost():
    """So that long lists keep their fast solver."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=2000), jnp.float32)
    np.testing.assert_array_equal(otsort.rank(x, cost=jnp.square), otsort.rank(x, solver=otsort.Quadrature()))


def test_the_default_is_the_solver_that_is_estimated_to_be_faster():
    x = jnp.asarray(np.random.default_rng(0).normal(size=2000), jnp.float32)
    np.testing.assert_array_equal(otsort.rank(x), otsort.rank(x, solver=otsort.Quadrature()))
    short = x[:30]
    np.testing.assert_array_equal(otsort.rank(short), otsort.rank(short, solver=otsort.Newton()))
    few = short  # a factorisation of Newton's would take minutes
    tall = {"num_targets": 10_000, "epsilon": 1e-4}
    np.testing.assert_array_equal(
        jax.jit(lambda x: otsort.rank(x, **tall))(few),
        jax.jit(lambda x: otsort.rank(x, solver=otsort.Quadrature(1e-4), num_targets=10_000))(few),
    )
    other = {"num_targets": 20, "cost": otsort.PowerCost(2.5)}
    np.testing.assert_array_equal(otsort.rank(x, **other), otsort.rank(x, solver=otsort.Newton(), **other))
    assert jax.eval_shape(lambda x: otsort.top_k(x, 5000), jnp.zeros(6000)).shape == (5000,)


def test_under_scan_and_vmap_with_a_traced_epsilon():
    lists = jnp.asarray(LISTS[:2])
    rank = lambda solver: jax.vmap(lambda x: otsort.rank(x, solver=solver))(lists)
    finest = lambda epsilon: otsort.Quadrature(epsilon=epsilon, finest=0.02)
    epsilons = jnp.array([0.02, 0.05])
    _, got = jax.lax.scan(lambda carry, epsilon: (carry, rank(finest(epsilon))), None, epsilons)
    expected = [rank(otsort.Newton(epsilon=epsilon)) for epsilon in epsilons]
    np.testing.assert_allclose(got / N, np.stack(expected) / N, atol=2e-6)
    with pytest.raises(RuntimeError, match="set finest"):
        eqx.filter_jit(lambda epsilon: otsort.rank(lists[0], solver=finest(epsilon)))(jnp.asarray(0.01))


def test_the_indicator_sees_a_coarse_discretisation():
    x, target = LISTS[1], otsort.UniformTarget(N)
    exact = otsort.rank(x, solver=otsort.Newton(tol=1e-11)) / N
    solution = otsort.solve(x, target, solver=otsort.Quadrature(accuracy=1e-3, tol=1e-11))
    error = np.max(np.abs(solution.plan.level(0.5) - (exact - 0.5 / N)))
    assert 1e-7 < error < 1e-3
    assert 0.5 * error < solution.stats["discretisation_error"] < 2 * error


def test_the_indicator_sees_an_outlier_without_weight():
    x = np.concatenate([LISTS[0, 2:], [1e4, -1e5]])  # most values in a small part of [0, 1]
    a = np.append(np.ones(N - 1), 0)
    solve = lambda solver: otsort.solve(x, otsort.UniformTarget(N), weights=a, solver=solver)
    solution = solve(otsort.Quadrature())
    error = np.abs(solution.plan.level(0.5) - solve(otsort.Newton(tol=1e-11)).plan.level(0.5))
    assert np.max(error[:-1]) < 1e-6 < 0.1 * error[-1]
    assert 0.4 * error[-1] < solution.stats["discretisation_error"] < 2 * error[-1]


def test_an_offset_of_carried_values_costs_no_digits():
    x, reference = LISTS[0, :80].astype(np.float32), np.linspace(0, 1, 500)
    expected = otsort.quantile_normalize(x.astype(float), reference, solver=otsort.Newton(tol=1e-11))
    moved = otsort.quantile_normalize(x, (reference + 1e5).astype(np.float32), solver=otsort.Quadrature())
    np.testing.assert_allclose(moved - np.float32(1e5), expected, atol=0.02)  # 1e5 is rounded to 0.008


@pytest.mark.parametrize(
    ("family", "epsilon"),
    [
        pytest.param(*case, marks=() if case == ("spread", 3e-5) else pytest.mark.slow)
        for case in itertools.product(("spread", "two_clusters", "rounded"), (1e-2, 1e-3, 1e-4, 3e-5, 1e-5))
    ],
)
def test_float32_at_small_epsilon(family, epsilon):
    """One or two steps: the start is that of the nodes, and no damping holds back what all targets share."""
    x = getattr(problems, family)(np.random.default_rng(0), 4000).astype(np.float32)

    def solve(dtype):
        solver = otsort.Quadrature(epsilon, accuracy=1e-5)
        solution = jax.jit(lambda x: otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver))(
            x.astype(dtype)
        )
        return np.asarray(solution.plan.level(0.5), np.float64), solution.stats["num_steps"]

    levels, steps = solve(np.float32)
    error, mean = np.max(np.abs(levels - solve(np.float64)[0])), np.mean(levels) - 0.5
    print(f"{family} {epsilon}: levels {error:.1e}, mean level {mean:.1e}, {steps} steps")
    assert steps <= 2
    assert error < 3e-5
    assert abs(mean) < 2e-6


def test_sums_over_many_equal_values_keep_their_digits():
    n, value = 300_000, 0.3
    x = jnp.where(jnp.arange(n) % 3 == 0, value, -value).astype(jnp.float32)
    ranks = otsort.rank(x, solver=otsort.Quadrature())
    few = otsort.rank(jnp.asarray([value, -value, -value], jnp.float32), num_targets=3000, solver=otsort.Newton())
    np.testing.assert_allclose((ranks[:2] - 0.5) / n, (few[:2] - 0.5) / 3, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"epsilon": 1e-6}, "NorthWestCorner"),
        ({"epsilon": -1.0}, "epsilon"),
        ({"accuracy": 0.0}, "accuracy"),
        ({"tol": 0.0}, "tol"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_bad_fields(arguments, error):
    with pytest.raises(ValueError, match=error):
        otsort.Quadrature(**arguments)


def test_what_no_solver_does_is_refused():
    with pytest.raises(ValueError, match="NorthWestCorner"):
        jax.eval_shape(lambda x: otsort.rank(x, epsilon=1e-6), jnp.zeros(100_000))


def test_refusals():
    x = np.random.default_rng(0).normal(size=200)
    solver = otsort.Quadrature()
    with pytest.raises(ValueError, match="Newton"):
        otsort.rank(x, solver=solver, cost=otsort.PowerCost(3))
    with pytest.raises(ValueError, match="NorthWestCorner"):
        otsort.rank(x, solver=solver, target=otsort.TargetMeasure.uniform(5000))
    with pytest.raises(RuntimeError, match="positions in"):
        otsort.rank(x, solver=solver, squash=otsort.squash.identity)
    with pytest.raises(ValueError, match="Newton"):
        jax.eval_shape(lambda x: otsort.solve(x, otsort.UniformTarget(200), solver=solver).plan.as_matrix(), x)
    with pytest.raises(TypeError, match="finest"):
        jax.jit(lambda epsilon: otsort.rank(x, solver=otsort.Quadrature(epsilon=epsilon)))(0.1)


def test_centroids_are_the_means_of_cells():
    points, masses = centroids(moments(np.array([0.2, 0.3, 0.5]), np.array([0.11, 0.16, 0.37]), 10))
    np.testing.assert_allclose(points[1:4], [0.14, 0.25, 0.37])
    np.testing.assert_allclose(masses[1:4], [0.5, 0, 0.5])


@pytest.mark.parametrize("m", [100, 5000])
def test_panels_have_the_moments_of_the_targets(m):
    knots = jnp.array([0.0, 0.001, 0.05, 0.2, 0.9, 1.0])
    panels, y = Panels(knots, otsort.UniformTarget(m)), np.linspace(0, 1, m)
    assert np.all(np.diff(panels.points) >= 0)
    np.testing.assert_allclose(panels.cumulative, np.cumsum(panels.weights), atol=1e-14)
    for power in range(16):
        np.testing.assert_allclose(panels.weights @ panels.points**power, np.mean(y**power), atol=1e-11)
    values = np.random.default_rng(0).normal(size=m)
    for power in range(8):
        got = panels.weights @ (panels.project(values) * panels.points**power)
        np.testing.assert_allclose(got, np.mean(values * y**power), atol=1e-13)


def test_evaluation_is_the_transpose_of_moments():
    rng = np.random.default_rng(0)
    cubics, weights, x = rng.normal(size=(7, 4)), rng.normal(size=20_000), rng.uniform(size=20_000)
    values = evaluate(jnp.asarray(cubics), x)
    np.testing.assert_allclose(weights @ values, np.sum(cubics * moments(weights, x, 7)))
    (transposed,) = jax.vjp(lambda cubics: evaluate(cubics, x), jnp.asarray(cubics))[1](jnp.asarray(weights))
    np.testing.assert_allclose(transposed, moments(weights, x, 7))


@pytest.mark.parametrize(("k", "epsilon"), some([(500, 1e-2), (890, 1e-3), (60, 0.3)], quick=[(500, 1e-2)]))
def test_the_largest_values_are_compressed_as_a_grid(k, epsilon):
    x = np.random.default_rng(4).normal(size=900)
    where = np.random.default_rng(5).uniform(size=900) < 0.8  # with k = 890, fewer values than k take part
    for options in ({}, {"where": where}):
        found, expected = (
            otsort.top_k(x, k, solver=solver, **options)
            for solver in (otsort.Quadrature(epsilon), otsort.Newton(epsilon))
        )
        np.testing.assert_allclose(found, expected, atol=1e-5)
    loss = lambda x, solver: jnp.sum(jnp.sin(3 * otsort.top_k(x, k, solver=solver)))
    expected = jax.grad(loss)(x, otsort.Newton(epsilon))
    np.testing.assert_allclose(jax.grad(loss)(x, otsort.Quadrature(epsilon)), expected, atol=1e-4 * np.ptp(expected))


def test_a_grid_with_a_heavy_first_point():
    target, nodes = TopTarget(1000, 400, float), Panels(jnp.linspace(0, 1, 5), TopTarget(1000, 400, float))
    np.testing.assert_allclose(jnp.sum(nodes.weights), 1)
    np.testing.assert_allclose(nodes.cumulative[-1], 1)
    for power in range(6):
        np.testing.assert_allclose(
            nodes.weights @ nodes.points**power, target.weights @ target.points**power, rtol=1e-12
        )
    measure = otsort.TargetMeasure.top_k(1000, 400)
    for found, expected in ((target.points, measure.points), (target.weights, measure.weights)):
        np.testing.assert_allclose(found, expected, atol=1e-15)
    np.testing.assert_allclose(target.levels(0.5), measure.levels(0.5), atol=1e-13)
