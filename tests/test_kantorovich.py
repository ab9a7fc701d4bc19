"""The exact operators: Propositions 1 and 2 and Definition 1 of Cuturi, Teboul and Vert (2019)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import otsort

from . import problems
from .problems import families, seeds, shapes, sizes, targets, weightings


@given(seeds, families, sizes)
def test_sort_is_the_sort_bit_for_bit(seed, family, n):
    x = problems.FAMILIES[family](np.random.default_rng(seed), n)
    for dtype in (np.float32, np.float64):
        values = jnp.asarray(x, dtype)
        np.testing.assert_array_equal(otsort.sort(values, epsilon=0), jnp.sort(values))


@given(seeds, families, sizes)
def test_rank_is_rankdata(seed, family, n):
    x = problems.FAMILIES[family](np.random.default_rng(seed), n)
    np.testing.assert_allclose(otsort.rank(x, epsilon=0), scipy.stats.rankdata(x), rtol=1e-12)
    np.testing.assert_allclose(otsort.rank(x, epsilon=0, descending=True), scipy.stats.rankdata(-x), rtol=1e-12)


@given(seeds, families, weightings, targets, shapes)
def test_plan_has_exact_marginals(seed, family, weighting, target, shape):
    n, m = shape
    rng = np.random.default_rng(seed)
    x, a = problems.FAMILIES[family](rng, n), problems.WEIGHTS[weighting](rng, n)
    target = problems.TARGETS[target](rng, m)
    plan = otsort.solve(x, target, weights=a, epsilon=0).plan
    matrix = plan.as_matrix()
    np.testing.assert_allclose(matrix.sum(1), problems.normalised(a), atol=1e-14)
    np.testing.assert_allclose(matrix.sum(0), target.weights, atol=1e-14)
    assert plan.marginal_error() < 1e-13
    # The plan's action is that of its matrix, wherever there is mass.
    values = rng.normal(size=(m, 2))
    massive = a > 0
    np.testing.assert_allclose(
        plan.pull(jnp.asarray(values))[massive], (matrix @ values / matrix.sum(1)[:, None])[massive], atol=1e-6
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_proposition_1_north_west_corner_is_optimal(seed, power):
    rng = np.random.default_rng(seed)
    n, m = 7, 5
    x, a = rng.uniform(size=n), problems.normalised(rng.uniform(size=n))
    target = problems.irregular(rng, m)
    cost = np.abs(np.asarray(target.points)[None] - x[:, None]) ** power
    rows = np.kron(np.eye(n), np.ones((1, m)))
    columns = np.kron(np.ones((1, n)), np.eye(m))
    programme = scipy.optimize.linprog(
        cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, target.weights]), method="highs"
    )
    plan = otsort.solve(x, target, weights=a, epsilon=0, cost=otsort.PowerCost(power)).plan.as_matrix()
    np.testing.assert_allclose(np.sum(plan * cost), programme.fun, rtol=1e-9)


def test_proposition_2_identities():
    x = np.random.default_rng(0).normal(size=16)
    n = x.size
    f = np.sort(np.random.default_rng(1).normal(size=n))
    ranks = scipy.stats.rankdata(x)
    plan = np.asarray(otsort.solve(x, otsort.TargetMeasure.uniform(n), epsilon=0).plan.as_matrix())
    np.testing.assert_allclose(n * plan @ np.arange(1, n + 1), ranks)
    np.testing.assert_allclose(otsort.cdf(x, epsilon=0), ranks / n)
    np.testing.assert_allclose(n * plan.T @ x, np.sort(x))
    np.testing.assert_allclose(otsort.quantile_normalize(x, f, epsilon=0), f[ranks.astype(int) - 1])


@given(seeds, shapes)
def test_definition_1_operators_are_averages_through_the_plan(seed, shape):
    n, m = shape
    rng = np.random.default_rng(seed)
    x, a, target = rng.normal(size=n), rng.uniform(0.1, 1, n), problems.irregular(rng, m)
    f = np.sort(rng.normal(size=m))
    plan = np.asarray(otsort.solve(x, target, weights=a, epsilon=0).plan.as_matrix())
    a = problems.normalised(a)
    options = {"weights": a, "epsilon": 0}
    np.testing.assert_allclose(otsort.cdf(x, target=target, **options), plan @ np.cumsum(target.weights) / a)
    np.testing.assert_allclose(otsort.sort(x, target=target, **options), plan.T @ x / target.weights)
    np.testing.assert_allclose(otsort.quantile_normalize(x, f, target=target, **options), plan @ f / a, atol=1e-14)
    np.testing.assert_allclose(
        otsort.quantile_transform(x, jnp.sqrt, target=target, **options),
        np.sqrt(otsort.cdf(x, target=target, **options)),
    )


@given(seeds, families, sizes)
def test_quantile_is_numpys(seed, family, n):
    x = problems.FAMILIES[family](np.random.default_rng(seed), n)
    q = np.array([0, 0.1, 0.5, 0.9, 1])
    np.testing.assert_allclose(otsort.quantile(x, q, epsilon=0), np.quantile(x, q), rtol=1e-9, atol=1e-9)
    assert otsort.quantile(x, 0.0, epsilon=0) == x.min()
    assert otsort.quantile(x, 1.0, epsilon=0) == x.max()
    np.testing.assert_allclose(otsort.median(x, epsilon=0), np.median(x), rtol=1e-9, atol=1e-9)


@given(seeds, families, sizes, st.data())
def test_top_k_is_top_k(seed, family, n, data):
    x = jnp.asarray(problems.FAMILIES[family](np.random.default_rng(seed), n))
    k = data.draw(st.sampled_from(sorted({1, (n + 1) // 2, n})))
    np.testing.assert_allclose(otsort.top_k(x, k, epsilon=0), jax.lax.top_k(x, k)[0], rtol=1e-12)
    mask = otsort.top_k_mask(x, k, epsilon=0)
    np.testing.assert_allclose(mask.sum(), k)
    kth = jnp.sort(x)[-k]
    np.testing.assert_allclose(mask[x > kth], 1)
    np.testing.assert_allclose(mask[x < kth], 0, atol=1e-12)


def test_tied_inputs_share_their_mass():
    x = np.array([2.0, 1.0, 2.0, 2.0])
    target = otsort.TargetMeasure.uniform(4)
    plan = otsort.solve(x, target, epsilon=0).plan
    np.testing.assert_allclose(np.asarray(plan.as_matrix())[[0, 2, 3]], np.tile([0, 1, 1, 1], (3, 1)) / 12)
    values = jnp.array([[1.0], [0.0], [4.0], [7.0]])
    np.testing.assert_allclose(plan.push(values), [[0], [4], [4], [4]])


def test_derivatives_of_the_exact_operators():
    x = jnp.array([0.3, -1.2, 2.0, 0.9, 0.1])
    np.testing.assert_allclose(jax.jacobian(lambda x: otsort.rank(x, epsilon=0))(x), np.zeros((5, 5)))
    order = np.argsort(x)
    np.testing.assert_allclose(jax.jacobian(lambda x: otsort.sort(x, epsilon=0))(x), np.eye(5)[order])
    rng = np.random.default_rng(0)
    a, b = jnp.asarray(rng.uniform(0.5, 1, 5)), jnp.asarray(rng.uniform(0.5, 1, 3))
    probe = jnp.asarray(rng.normal(size=3))

    def pushed(ab):
        target = otsort.TargetMeasure(jnp.linspace(0, 1, 3), ab[5:])
        return probe @ otsort.sort(x, target=target, weights=ab[:5], epsilon=0)

    def pulled(ab):
        target = otsort.TargetMeasure(jnp.linspace(0, 1, 3), ab[5:])
        return jnp.arange(5.0) @ otsort.cdf(x, target=target, weights=ab[:5], epsilon=0)

    for function in (pushed, pulled):
        ab, direction = jnp.concatenate([a, b]), jnp.asarray(rng.normal(size=8))
        expected = problems.finite_difference(function, ab, direction, 1e-6)
        np.testing.assert_allclose(problems.directional(function, ab, direction), expected, rtol=1e-6)


def test_a_million_values_without_a_matrix():
    x = jnp.asarray(np.random.default_rng(0).normal(size=2**20))
    np.testing.assert_array_equal(otsort.sort(x, epsilon=0), jnp.sort(x))
    np.testing.assert_allclose(otsort.rank(x, epsilon=0), scipy.stats.rankdata(x), rtol=1e-9)
