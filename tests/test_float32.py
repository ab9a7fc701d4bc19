"""JAX as it comes, without x64: the defaults converge, and answer within what float32 can do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import otsort

from . import problems
from .cases import diagonal

pytestmark = pytest.mark.usefixtures("without_x64")


@pytest.mark.parametrize("solver", problems.SOLVERS)
def test_every_solver(solver):
    x = np.random.default_rng(0).normal(size=16)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(5), solver=problems.SOLVERS[solver](0.05))
    assert solution.result == otsort.RESULTS.successful
    a = np.full(16, 1 / 16)
    expected = problems.dense_plan(problems.squashed(x, a), a, otsort.TargetMeasure.uniform(5), 0.05)
    np.testing.assert_allclose(solution.plan.as_matrix(), expected, atol=1e-6)


@pytest.mark.parametrize("family", problems.FAMILIES)
@pytest.mark.parametrize("epsilon", [1e-1, 1e-2, 1e-4, 1e-6, 1e-8])
def test_defaults_are_finite_monotone_and_in_range(family, epsilon):
    rng = np.random.default_rng(1)
    x = jnp.asarray(np.stack([problems.FAMILIES[family](rng, 16) for _ in range(4)]), jnp.float32)
    values, ranks = otsort.sort(x, epsilon=epsilon), otsort.rank(x, epsilon=epsilon)
    assert jnp.all(jnp.diff(values, axis=-1) >= 0)
    assert jnp.all((values >= x.min(-1, keepdims=True)) & (values <= x.max(-1, keepdims=True)))
    assert jnp.all((ranks >= 1 - 1e-5) & (ranks <= 16 + 1e-5))
    ordered = jnp.take_along_axis(ranks, jnp.argsort(x, axis=-1), axis=-1)
    assert jnp.all(jnp.diff(ordered, axis=-1) >= -1e-4)
    gradient = jax.grad(lambda x: jnp.vdot(x, otsort.rank(x, epsilon=epsilon)))(x)
    assert jnp.all(jnp.isfinite(gradient))


def test_the_tolerance_is_what_float32_can_reach():
    x = np.random.default_rng(0).normal(size=16)
    for epsilon in (1e-2, 1e-4):
        stats = otsort.solve(x, otsort.TargetMeasure.uniform(16), epsilon=epsilon).stats
        np.testing.assert_allclose(stats["tol"], max(1e-6, 0.25 * np.finfo(np.float32).eps / epsilon), rtol=1e-5)
        assert stats["marginal_error"] <= stats["tol"]


def test_scales_and_offsets_of_the_data_do_not_matter():
    x = np.random.default_rng(0).normal(size=16).astype(np.float32)
    expected = otsort.rank(x)
    for scale, shift in ((1e-30, 0.0), (1e30, 0.0), (1.0, 1e3)):
        np.testing.assert_allclose(otsort.rank(np.float32(scale) * x + np.float32(shift)), expected, atol=5e-3)


@pytest.mark.parametrize(("n", "m"), [(10_000, 11), pytest.param(100_000, 3, marks=pytest.mark.slow)])
def test_long_sums(n, m):
    """Sums over many inputs keep their digits; jaxlib 0.10.2 is wrong at the first size (see pyproject.toml)."""
    x = np.random.default_rng(0).normal(size=n).astype(np.float32)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(m))
    a, y = np.full(n, 1 / n), np.linspace(0, 1, m)
    exponents = (np.asarray(solution.plan.potential, float) - (y - problems.squashed(x, a)[:, None]) ** 2) / 1e-2
    rows = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    rows /= rows.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows.mean(axis=0), 1 / m, rtol=3e-5)
    np.testing.assert_allclose(solution.plan.pull(jnp.asarray(y, jnp.float32)), rows @ y, atol=1e-5)
    np.testing.assert_allclose(solution.plan.push(x), rows.T @ x / rows.sum(axis=0), atol=3e-5)


def test_gradient_of_a_quantile_of_many_values():
    """A million values against three targets: right, in memory of the order of the values."""
    x = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    gradient = jax.jit(jax.grad(lambda x: otsort.quantile(x, 0.3))).lower(x).compile()
    assert gradient.memory_analysis().temp_size_in_bytes < 30 * x.nbytes
    np.testing.assert_allclose(jnp.sum(gradient(x)), 1, rtol=1e-4)  # a shift of all moves it by as much


@pytest.mark.parametrize(
    ("solver", "moved"),
    diagonal(["Newton", "Quadrature", "LogSinkhorn", "Sinkhorn"], [(3.0, 1e-3), (1e5, 1.0), (-1e4, 1.0)]),
)
def test_an_offset_costs_no_digits(solver, moved):
    offset, scale = moved
    """Answers are as good as those of the shifted problem, but for the rounding of the answer itself."""
    x = (offset + scale * np.random.default_rng(0).normal(size=64)).astype(np.float32)
    shift = np.min(x)
    shifted = x - shift  # exact
    solver = problems.SOLVERS[solver](0.02)
    ulp = np.spacing(np.max(np.abs(x)))
    rounding = 1e-6 * np.ptp(x) + ulp
    for operator in (
        otsort.sort,
        lambda x, **options: otsort.quantile(x, [0.1, 0.5], **options),
        lambda x, **options: otsort.quantize(x, 4, **options),
    ):
        expected = np.asarray(operator(shifted, solver=solver), float) + float(shift)
        np.testing.assert_allclose(operator(x, solver=solver), expected, rtol=0, atol=rounding)
    np.testing.assert_allclose(otsort.cdf(x, solver=solver), otsort.cdf(shifted, solver=solver), atol=1e-6)
    reference = np.sort(x)[::4]
    expected = np.asarray(otsort.quantile_normalize(x, reference - shift, solver=solver), float) + float(shift)
    np.testing.assert_allclose(otsort.quantile_normalize(x, reference, solver=solver), expected, rtol=0, atol=rounding)


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("n", [1, 20, 999, 100_000])
def test_exact_ranks_are_exact(n, decimals, without_x64):
    """Whole numbers, and half numbers for equal values, as SciPy has them."""
    x = np.random.default_rng(0).normal(size=n).astype(np.float32)
    x = x if decimals is None else np.round(x, decimals)
    ranks = otsort.rank(x, epsilon=0)
    assert ranks.dtype == np.float32
    np.testing.assert_array_equal(ranks, scipy.stats.rankdata(x))


def test_exact_ranks_of_masked_lists_are_exact(without_x64):
    rng = np.random.default_rng(0)
    x, where = np.round(rng.normal(size=(5, 40)), 1).astype(np.float32), rng.uniform(size=(5, 40)) > 0.3
    ranks = np.asarray(otsort.rank(x, where=where, epsilon=0, descending=True))
    for row, values, taken in zip(ranks, x, where, strict=True):
        np.testing.assert_array_equal(row[taken], scipy.stats.rankdata(-values[taken]))
        np.testing.assert_array_equal(row[~taken], 0)
