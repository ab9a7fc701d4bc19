"""The entropic operators: Definition 2, Algorithm 1, equations (3) and (4) of Cuturi et al., and their properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import otsort

from . import problems
from .problems import families, seeds, shapes, sizes, targets, weightings

epsilons = st.floats(-4, 1).map(lambda exponent: 10**exponent)
dtypes = st.sampled_from([np.float32, np.float64])

# A few roundings of the largest value.
ROUNDING = {np.float32: 1e-6, np.float64: 1e-14}


def algorithm_1(x, a, y, b, epsilon, sweeps):
    kernel = np.exp(-((y[None] - x[:, None]) ** 2) / epsilon)
    u = np.ones_like(a)
    for _ in range(sweeps):
        v = b / (kernel.T @ u)
        u = a / (kernel @ v)
    return u, kernel, v


@pytest.mark.parametrize("sweeps", [1, 2, 30])
def test_sinkhorn_is_algorithm_1_and_definition_2(sweeps):
    rng = np.random.default_rng(0)
    x, a, target = rng.normal(size=7), problems.normalised(rng.uniform(size=7)), problems.irregular(rng, 4)
    y, b = np.asarray(target.points), np.asarray(target.weights)
    f = np.sort(rng.normal(size=4))
    u, kernel, v = algorithm_1(problems.squashed(x, a), a, y, b, 0.05, sweeps)
    solver = otsort.Sinkhorn(epsilon=0.05, max_steps=sweeps)
    options = {"target": target, "weights": a, "solver": solver}
    np.testing.assert_allclose(otsort.cdf(x, **options), u * (kernel @ (v * np.cumsum(b))) / a)
    np.testing.assert_allclose(otsort.quantile_normalize(x, f, **options), u * (kernel @ (v * f)) / a, atol=1e-14)
    solution = otsort.solve(x, target, weights=a, solver=solver)
    plan = u[:, None] * kernel * v
    np.testing.assert_allclose(solution.plan.as_matrix(), plan, atol=1e-14)
    np.testing.assert_allclose(otsort.sort(x, **options), plan.T @ x / plan.sum(0))
    np.testing.assert_allclose(solution.stats["marginal_error"], np.abs(plan.sum(0) - b).sum(), rtol=1e-6, atol=1e-13)
    np.testing.assert_allclose(solution.plan.marginal_error(), solution.stats["marginal_error"], atol=1e-13)
    assert solution.stats["num_steps"] == sweeps
    assert solution.result == otsort.RESULTS.successful


@pytest.mark.parametrize("sweeps", [1, 5])
def test_log_sinkhorn_is_equation_3(sweeps):
    from scipy.special import logsumexp

    rng = np.random.default_rng(0)
    x, a, epsilon = rng.normal(size=7), problems.normalised(rng.uniform(size=7)), 0.01
    y, b = np.linspace(0, 1, 4), np.full(4, 0.25)
    cost = (y[None] - problems.squashed(x, a)[:, None]) ** 2
    alpha, beta = np.zeros(7), np.zeros(4)
    for _ in range(sweeps):
        alpha += epsilon * (np.log(a) - logsumexp(-(cost - alpha[:, None] - beta) / epsilon, axis=1))
        beta += epsilon * (np.log(b) - logsumexp(-(cost - alpha[:, None] - beta) / epsilon, axis=0))
    solver = otsort.LogSinkhorn(epsilon=epsilon, tol=None, max_steps=sweeps, start=otsort.zero_start)
    plan = otsort.solve(x, otsort.TargetMeasure.uniform(4), weights=a, solver=solver).plan
    f = beta - epsilon * np.log(b)
    np.testing.assert_allclose(plan.potential - plan.potential[0], f - f[0], atol=1e-13)


def test_equation_4():
    x = np.random.default_rng(0).normal(size=20)
    target = otsort.TargetMeasure.quantile(0.2, t=0.05)
    np.testing.assert_allclose(target.weights, [0.19, 0.05, 0.76])
    np.testing.assert_allclose(target.points, [0, 0.5, 1])
    plan = problems.dense_plan(problems.squashed(x, np.full(20, 0.05)), np.full(20, 0.05), target, 0.01)
    np.testing.assert_allclose(otsort.sort(x, target=target)[1], plan[:, 1] @ x / 0.05, atol=1e-5)


@pytest.mark.parametrize("name", problems.SOLVERS)
@pytest.mark.parametrize("family", problems.FAMILIES)
@pytest.mark.parametrize("target", problems.TARGETS)
def test_every_solver_on_every_problem(name, family, target):
    rng = np.random.default_rng(7)
    x, a, target = problems.FAMILIES[family](rng, 16), rng.uniform(0.1, 1, 16), problems.TARGETS[target](rng, 5)
    a = problems.normalised(a)
    epsilon = 0.05
    solution = otsort.solve(x, target, weights=a, solver=problems.SOLVERS[name](epsilon))
    assert solution.result == otsort.RESULTS.successful
    expected = problems.dense_plan(problems.squashed(x, a), a, target, epsilon)
    np.testing.assert_allclose(solution.plan.as_matrix(), expected, atol=1e-8)
    np.testing.assert_allclose(solution.plan.as_matrix().sum(1), a, rtol=1e-12)
    np.testing.assert_allclose(solution.plan.as_matrix().sum(0), target.weights, atol=1e-8)


@given(seeds, families, weightings, shapes, epsilons, dtypes)
def test_sort_and_rank_are_monotone_and_in_range(seed, family, weighting, shape, epsilon, dtype):
    n, m = shape
    rng = np.random.default_rng(seed)
    x = jnp.asarray(problems.FAMILIES[family](rng, n), dtype)
    options = {"weights": problems.WEIGHTS[weighting](rng, n), "num_targets": m, "epsilon": epsilon}
    values = otsort.sort(x, **options)
    assert jnp.all(jnp.diff(values) >= 0)
    assert jnp.all((values >= x.min()) & (values <= x.max()))
    cdf = otsort.cdf(x, **options)
    assert jnp.all((cdf >= 0) & (cdf <= 1))
    for answer in (cdf, otsort.rank(x, **options) / n):
        assert jnp.all(jnp.diff(answer[jnp.argsort(x)]) >= -ROUNDING[dtype])
    assert jnp.all(jnp.isfinite(otsort.rank(x, **options)))


@given(seeds, families, st.sampled_from([5, 16]), epsilons, st.sampled_from([1, 3]))
def test_monotone_at_every_iterate(seed, family, n, epsilon, sweeps):
    x = jnp.asarray(problems.FAMILIES[family](np.random.default_rng(seed), n))
    for solver in (
        otsort.LogSinkhorn(epsilon=epsilon, tol=None, max_steps=sweeps, start=otsort.zero_start),
        otsort.Newton(epsilon=epsilon, tol=None, max_steps=sweeps),
    ):
        plan = otsort.solve(x, otsort.TargetMeasure.uniform(5), solver=solver).plan
        spread = max(1, float(jnp.max(jnp.abs(x))))
        assert jnp.all(jnp.diff(plan.push(x)) >= -1e-14 * spread)
        assert jnp.all(jnp.diff(plan.pull(jnp.arange(5.0))[jnp.argsort(x)]) >= -1e-13)


@given(seeds, families, weightings, targets, shapes, epsilons)
def test_marginals_and_mean(seed, family, weighting, target, shape, epsilon):
    n, m = shape
    rng = np.random.default_rng(seed)
    x, a = problems.FAMILIES[family](rng, n), problems.normalised(problems.WEIGHTS[weighting](rng, n))
    target = problems.TARGETS[target](rng, m)
    plan = otsort.solve(x, target, weights=a, solver=otsort.Newton(epsilon=epsilon, tol=1e-8)).plan
    np.testing.assert_allclose(plan.as_matrix().sum(1), a, atol=1e-12)
    np.testing.assert_allclose(plan.as_matrix().sum(0), target.weights, atol=1e-8)
    scale = np.abs(x).max()
    np.testing.assert_allclose(np.sum(target.weights * plan.push(jnp.asarray(x))), a @ x, atol=1e-7 * scale)
    ranks = otsort.rank(x, weights=a, target=target, solver=otsort.Newton(epsilon=epsilon, tol=1e-8))
    np.testing.assert_allclose(a @ np.asarray(ranks), (np.count_nonzero(a) + 1) / 2, atol=1e-7 * n)


@given(seeds, families, sizes, epsilons)
def test_permutation_equivariance(seed, family, n, epsilon):
    rng = np.random.default_rng(seed)
    x, order = problems.FAMILIES[family](rng, n), rng.permutation(n)
    np.testing.assert_allclose(
        otsort.rank(x[order], epsilon=epsilon), otsort.rank(x, epsilon=epsilon)[order], atol=1e-5 * n
    )
    scale = np.abs(x).max() + 1
    np.testing.assert_allclose(
        otsort.sort(x[order], epsilon=epsilon), otsort.sort(x, epsilon=epsilon), atol=1e-5 * scale
    )


@given(seeds, sizes)
def test_limits_in_epsilon(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.permutation(n) + rng.uniform(-0.2, 0.2, n)
    np.testing.assert_allclose(otsort.sort(x, epsilon=1e-6), np.sort(x), atol=1e-6 * n)
    np.testing.assert_allclose(otsort.rank(x, epsilon=1e-6), scipy.stats.rankdata(x), atol=1e-6 * n)
    np.testing.assert_allclose(otsort.sort(x, epsilon=1e4), np.full(n, x.mean()), atol=1e-3 * n)
    np.testing.assert_allclose(otsort.rank(x, epsilon=1e4), np.full(n, (n + 1) / 2), atol=1e-3 * n)


def test_ties_share_in_the_limit():
    x = np.array([1.0, 0.0, 1.0, 2.0, 2.0, 2.0])
    np.testing.assert_allclose(otsort.rank(x, epsilon=1e-4), otsort.rank(x, epsilon=0), atol=1e-4)


@given(seeds, epsilons)
def test_integer_weights_are_repetition(seed, epsilon):
    rng = np.random.default_rng(seed)
    x, counts = rng.normal(size=5), rng.permutation([1, 2, 3, 4, 6])
    options = {"num_targets": 7, "solver": otsort.Newton(epsilon=epsilon, tol=1e-9)}
    repeated = np.repeat(x, counts)
    np.testing.assert_allclose(
        otsort.sort(x, weights=counts, **options), otsort.sort(repeated, **options), atol=1e-7, rtol=1e-7
    )
    np.testing.assert_allclose(
        np.repeat(otsort.cdf(x, weights=counts, **options), counts), otsort.cdf(repeated, **options), atol=1e-7
    )


@given(seeds, epsilons)
def test_quantiles_of_increasing_levels_do_not_cross(seed, epsilon):
    x = np.random.default_rng(seed).normal(size=16)
    values = otsort.quantile(x, np.linspace(0, 1, 21), epsilon=epsilon)
    assert jnp.all(jnp.diff(values) >= -1e-5)


@pytest.mark.parametrize("cost", [otsort.PowerCost(1.5), otsort.PowerCost(3), lambda u: jnp.cosh(u) - 1])
def test_other_costs(cost):
    rng = np.random.default_rng(0)
    x, a = rng.normal(size=12), np.full(12, 1 / 12)
    target = otsort.TargetMeasure.uniform(5)
    plan = otsort.solve(x, target, epsilon=0.02, cost=cost).plan
    reference = problems.dense_plan(
        problems.squashed(x, a), a, target, 0.02, cost=lambda u: np.asarray(cost(jnp.asarray(u)))
    )
    np.testing.assert_allclose(plan.as_matrix(), reference, atol=1e-6)
    y = np.random.default_rng(1).permutation(8).astype(float)
    np.testing.assert_allclose(otsort.rank(y, epsilon=1e-6, cost=cost), y + 1, atol=1e-4)


def test_absolute_cost_is_solved_but_its_limit_is_not_the_sort():
    x = np.random.default_rng(0).normal(size=12)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(5), epsilon=0.02, cost=otsort.PowerCost(1))
    assert solution.plan.marginal_error() < 1e-6
    assert np.all(np.diff(otsort.sort(x, epsilon=0.02, cost=otsort.PowerCost(1))) >= 0)


def test_a_tighter_tolerance_is_met_and_reported():
    x = np.random.default_rng(0).normal(size=16)
    target = otsort.TargetMeasure.uniform(16)
    for tol in (1e-3, 1e-6, 1e-11):
        for solver in (otsort.LogSinkhorn(tol=tol, start=otsort.zero_start), otsort.Newton(tol=tol)):
            solution = otsort.solve(x, target, solver=solver)
            np.testing.assert_allclose(solution.stats["tol"], tol)
            assert solution.stats["marginal_error"] <= tol
            np.testing.assert_allclose(solution.plan.marginal_error(), solution.stats["marginal_error"], atol=1e-13)


def test_a_fixed_budget_takes_exactly_its_steps_and_tells_how_far_it_came():
    x = np.random.default_rng(0).normal(size=16)
    for differentiation in (otsort.Unrolled(), otsort.Checkpointed(), otsort.Implicit()):
        solver = otsort.LogSinkhorn(tol=None, max_steps=10, start=otsort.zero_start, differentiation=differentiation)
        solution = otsort.solve(x, otsort.TargetMeasure.uniform(16), solver=solver)
        assert solution.stats["num_steps"] == 10
        assert solution.stats["marginal_error"] > 1e-4
        assert solution.result == otsort.RESULTS.successful


def test_schedule_and_warm_start_save_sweeps():
    x = np.random.default_rng(0).normal(size=16)
    target = otsort.TargetMeasure.uniform(16)

    def sweeps(**fields):
        solver = otsort.LogSinkhorn(**{"epsilon": 1e-3, "tol": 1e-4, "max_steps": 100_000, **fields})
        return otsort.solve(x, target, solver=solver)

    cold = sweeps(start=otsort.zero_start)
    annealed = sweeps(start=otsort.zero_start, epsilon=otsort.EpsilonSchedule(1e-3, decay=0.9))
    warm = sweeps(start=otsort.WarmStart(cold.plan.potential))
    assert annealed.stats["num_steps"] < cold.stats["num_steps"]
    assert warm.stats["num_steps"] == 0
    np.testing.assert_allclose(annealed.plan.as_matrix(), cold.plan.as_matrix(), atol=1e-4)


@pytest.mark.parametrize("differentiation", [otsort.Implicit(), otsort.Unrolled()])
def test_a_schedule_that_does_not_reach_its_target_is_told(differentiation):
    x, schedule = np.array([3.0, 1.0, 2.0]), otsort.EpsilonSchedule(1e-3, decay=0.9)
    solver = otsort.LogSinkhorn(schedule, tol=None, max_steps=20, differentiation=differentiation)
    with pytest.raises(RuntimeError, match="max_steps"):
        otsort.rank(x, solver=solver)
    enough = otsort.LogSinkhorn(schedule, tol=None, max_steps=100, differentiation=differentiation)
    np.testing.assert_allclose(otsort.rank(x, solver=enough), [3, 1, 2], atol=1e-3)


def test_exact_start_solves_the_case_that_zero_start_misses():
    x = np.array([3.0, 1.0, 2.0])
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(3), solver=otsort.LogSinkhorn())
    assert solution.stats["num_steps"] <= 1
    cold = otsort.LogSinkhorn(start=otsort.zero_start, max_steps=2000)
    with pytest.raises(RuntimeError, match="max_steps"):
        otsort.rank(x, solver=cold)


def test_kernel_underflow_is_told():
    x = jnp.asarray(np.random.default_rng(0).normal(size=16), jnp.float32)
    solver = otsort.Sinkhorn(epsilon=1e-4)
    with pytest.raises(RuntimeError, match="underflows"):
        otsort.rank(x, solver=solver)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(16), solver=solver, throw=False)
    assert solution.result == otsort.RESULTS.nonfinite


@pytest.mark.ci
def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    x, probe = jnp.asarray(rng.normal(size=(3, 16))), jnp.asarray(rng.normal(size=(3, 16)))

    def answers():
        jax.clear_caches()  # the limit is read when a function is traced
        rank = lambda x: jnp.sum(probe * otsort.rank(x, num_targets=5, epsilon=0.02))
        sparse = lambda x: jnp.sum(probe * otsort.rank(x, num_targets=5, solver=otsort.SparseNewton(0.02)))
        quantiles = otsort.quantile(x, [0.2, 0.7], epsilon=0.02)
        return otsort.sort(x, epsilon=0.02), quantiles, jax.grad(rank)(x), jax.grad(sparse)(x)

    whole = answers()
    for module in "abstract_semi_dual", "semi_dual":
        monkeypatch.setattr(f"otsort._transport.{module}.MAX_ENTRIES", 48)
    for chunked, expected in zip(answers(), whole, strict=True):
        np.testing.assert_allclose(chunked, expected, rtol=1e-6, atol=1e-8)
    jax.clear_caches()
