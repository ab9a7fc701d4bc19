"""`where`: the answers and derivatives of the lists without the values that take no part, whatever these are."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otsort

from . import problems
from .cases import diagonal, some

N, COUNT = 7, 5
#: Three lists of as many values, in the middle, at the beginning and scattered; and one without any.
WHERE = np.zeros((4, N), bool)
WHERE[0, 1:6] = WHERE[1, :5] = WHERE[2, [0, 2, 3, 5, 6]] = True
X = np.random.default_rng(0).normal(size=(4, N))
X[1, 3] = X[1, 1]
PADDING = np.resize([np.nan, np.inf, -np.inf, 1e30], X.shape)
AT = np.array([-0.3, 0.1, 1e3])

#: Operators, and how many entries of an answer stand for values or targets of a list without padding.
OPERATORS = {
    "rank": otsort.rank,
    "rank, descending": functools.partial(otsort.rank, descending=True),
    "rank at": functools.partial(otsort.rank, at=AT),
    "cdf": functools.partial(otsort.cdf, num_targets=4),
    "sort": otsort.sort,
    "sort, descending": functools.partial(otsort.sort, descending=True),
    "sort to 3": functools.partial(otsort.sort, num_targets=3, descending=True),
    "sort_by": lambda x, **options: otsort.sort_by(jnp.stack([x, -2 * x], -1), x, descending=True, **options),
    "permutation": otsort.permutation,
    "top_k": functools.partial(otsort.top_k, k=3),
    "top_k, too many": functools.partial(otsort.top_k, k=COUNT),
    "top_k_mask": functools.partial(otsort.top_k_mask, k=2.5),
    "selection": functools.partial(otsort.selection, k=2),
    "quantile": lambda x, **options: jnp.moveaxis(otsort.quantile(x, np.array([0.0, 0.3]), **options), 0, -1),
    "quantile_normalize": functools.partial(otsort.quantile_normalize, reference=np.array([0.0, 1.0, 5.0])),
    "quantize": functools.partial(otsort.quantize, levels=2),
}
#: Of different kinds; the slow tests try all.
QUICK = ("rank at", "sort, descending", "top_k, too many", "top_k_mask", "selection", "quantile")
OF_INPUTS = {"rank", "rank, descending", "cdf", "top_k_mask", "quantile_normalize", "quantize"}
MATRICES = {"permutation", "selection"}


def unpadded(operator, x, **options):
    """Returns the expected answer: that of the lists without padding, with zeros where there is padding."""
    lists = x[WHERE].reshape(3, COUNT)  # the fourth list has no value
    answers = OPERATORS[operator](lists, **options)
    with_padding = jax.eval_shape(lambda x: OPERATORS[operator](x, where=WHERE, **options), x)
    expected = jnp.zeros(with_padding.shape, x.dtype)
    if operator in OF_INPUTS:  # an entry for each value: where the value is
        return expected.at[WHERE].set(answers.ravel())
    size = answers.shape[1]
    if operator in MATRICES:  # a row for each target, which come first, and a column for each value
        for i in range(3):
            (columns,) = np.nonzero(WHERE[i])
            expected = expected.at[i, :size, columns].set(answers[i].T)
        return expected
    return expected.at[:3, :size].set(answers)  # an entry for each target: they come first


def check(operator, dtype, atol, **options):
    """Padded lists against the same without padding, values and gradient."""
    masked = lambda x: OPERATORS[operator](x, where=WHERE, **options)

    def with_gradient(function):
        weighted = lambda x: jnp.vdot(jnp.sin(jnp.arange(function(x).size, dtype=dtype)), function(x))
        return jax.jit(lambda x: (function(x), jax.grad(weighted)(x)))

    found = with_gradient(masked)(jnp.asarray(np.where(WHERE, X, PADDING), dtype))
    expected = with_gradient(lambda x: unpadded(operator, x, **options))(jnp.asarray(X, dtype))
    np.testing.assert_allclose(found[0], expected[0], atol=atol)
    np.testing.assert_allclose(found[1], expected[1], atol=30 * atol)
    np.testing.assert_array_equal(found[1][~WHERE], 0)


@pytest.mark.parametrize("operator", some(OPERATORS, QUICK))
def test_padding_does_not_matter(operator):
    check(operator, float, 1e-8, solver=otsort.Newton(0.03, tol=1e-10))


@pytest.mark.parametrize("operator", some(["rank at", "top_k", "quantile"], ("quantile",)))
def test_padding_does_not_matter_in_float32(operator):
    check(operator, jnp.float32, 3e-6)


@functools.cache
def of_one_list(operator, dtype, masked):
    """Value and gradient, compiled once: masks are arguments."""
    solver = otsort.Newton(0.05, tol=1e-10 if dtype == np.float64 else 1e-6)

    def answer(x, where):
        return OPERATORS[operator](x, where=where if masked else None, solver=solver)

    def weighted(x, where):
        found = answer(x, where)
        return jnp.vdot(jnp.sin(jnp.arange(found.size, dtype=dtype)), found)

    return jax.jit(lambda x, where: (answer(x, where), jax.grad(weighted)(x, where)))


@pytest.mark.parametrize(("operator", "dtype"), diagonal(["rank at", "top_k", "quantile"], [np.float64, np.float32]))
@given(
    values=st.lists(st.integers(-4, 4), min_size=COUNT, max_size=COUNT),
    where=st.permutations([True] * COUNT + [False] * (N - COUNT)),
    padding=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 1e30, 0.0]), min_size=N, max_size=N),
)
def test_no_padding_matters(operator, dtype, values, where, padding):
    where, values = np.array(where), np.array(values, dtype)
    x = np.array(padding, dtype)
    x[where] = values
    value, gradient = of_one_list(operator, dtype, True)(x, where)
    expected, expected_gradient = of_one_list(operator, dtype, False)(values, where[where])
    atol = 1e-8 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(value, expected, atol=atol)
    np.testing.assert_allclose(gradient[where], expected_gradient, atol=30 * atol)
    np.testing.assert_array_equal(gradient[~where], 0)


OTHER_SOLVERS = {
    "NorthWestCorner": otsort.NorthWestCorner(),
    "Quadrature": otsort.Quadrature(0.03, accuracy=1e-9, tol=1e-9),
}


@pytest.mark.parametrize(
    ("operator", "solver"),
    diagonal(["rank at", "sort, descending", "quantile"], list(OTHER_SOLVERS)),
)
def test_padding_does_not_matter_for_other_solvers(operator, solver):
    check(operator, float, 1e-7, solver=OTHER_SOLVERS[solver])


@pytest.mark.parametrize(
    "name", some(sorted({*problems.SOLVERS} - {"Newton", "Quadrature"}), ("LogSinkhorn", "Sinkhorn"))
)
def test_every_solver(name):
    check("rank", float, 1e-6, solver=problems.SOLVERS[name](0.1))


@pytest.mark.ci
def test_tables_of_masked_lists():
    """Quadrature with so many inputs that it tabulates, and a target whose number of points it does not know."""
    rng = np.random.default_rng(3)
    where = rng.uniform(size=600) < 0.7
    x = jnp.asarray(rng.normal(size=600))
    solver = otsort.Quadrature(0.1, accuracy=1e-8, tol=1e-9)
    count = int(where.sum())
    assert solver.sizes(count, otsort.UniformTarget(count)).tabulated
    masked = lambda x: jnp.where(where, otsort.rank(jnp.where(where, x, jnp.nan), where=where, solver=solver), 0)
    clean = lambda x: jnp.zeros(600).at[where].set(otsort.rank(x[where], solver=solver))
    seed = jnp.asarray(rng.normal(size=600))
    for found, expected in zip(jax.vjp(masked, x), jax.vjp(clean, x), strict=True):
        found, expected = (f(seed)[0] if callable(f) else f for f in (found, expected))
        np.testing.assert_allclose(found, expected, atol=1e-6 * count)
    np.testing.assert_allclose(
        otsort.sort(x, where=where, solver=solver)[:count], otsort.sort(x[where], solver=solver), atol=1e-6
    )


@pytest.mark.parametrize("operator", ["rank", "sort", "quantile", "top_k_mask"])
def test_weights_and_mask(operator):
    weights = np.where(WHERE, np.random.default_rng(2).uniform(0.1, 1, X.shape), np.nan)
    found = OPERATORS[operator](np.where(WHERE, X, PADDING), where=WHERE, weights=weights)
    for i in range(3):
        expected = OPERATORS[operator](X[i, WHERE[i]], weights=weights[i, WHERE[i]])
        some = found[i, WHERE[i]] if operator in OF_INPUTS else found[i, : len(expected)]
        np.testing.assert_allclose(some, expected, atol=1e-5)
    np.testing.assert_array_equal(found[3], 0)


def test_a_mask_over_two_axes():
    x = np.random.default_rng(4).normal(size=(2, 3, 4))
    where = np.random.default_rng(5).uniform(size=(2, 3, 4)) < 0.5
    ranks = otsort.rank(x, axis=(0, 2), where=where)
    for j in range(3):
        one = where[:, j]
        np.testing.assert_allclose(ranks[:, j][one], otsort.rank(x[:, j][one]), atol=1e-5)
    np.testing.assert_array_equal(ranks[~where], 0)
    shared = otsort.rank(x, axis=(0, 2), where=where[:, 0])
    np.testing.assert_allclose(shared[:, 1][where[:, 0]], otsort.rank(x[:, 1][where[:, 0]]), atol=1e-5)


@pytest.mark.parametrize("epsilon", [0, 1e-2])
def test_another_mask_does_not_recompile(epsilon):
    traces = []

    @jax.jit
    def ranks(x, where):
        traces.append(1)
        return jax.vmap(lambda x, where: otsort.rank(x, where=where, epsilon=epsilon))(x, where)

    for seed in range(3):
        where = np.random.default_rng(seed).uniform(size=X.shape) < 0.6
        found = ranks(X, where)
        np.testing.assert_allclose(jnp.sum(found, 1), [c * (c + 1) / 2 for c in where.sum(1)], atol=1e-5)
    assert len(traces) == 1


def test_a_list_without_values_is_not_a_failure():
    nothing = np.zeros(4, bool)
    x = jnp.asarray([1.0, np.nan, 3.0, np.inf])
    for operator in (otsort.rank, otsort.sort, otsort.median, otsort.cdf):
        value, gradient = jax.value_and_grad(lambda x, operator=operator: jnp.sum(operator(x, where=nothing)))(x)
        np.testing.assert_array_equal([value, *gradient], 0)
    solution = otsort.solve(x, otsort.UniformTarget(3), where=nothing)
    assert solution.result == otsort.RESULTS.successful


def test_fewer_values_than_k():
    x, where = np.array([3.0, 1.0, 2.0, 7.0]), np.array([True, False, True, False])
    np.testing.assert_allclose(otsort.top_k(x, 3, where=where, epsilon=0), [3, 2, 0])
    np.testing.assert_allclose(otsort.top_k_mask(x, 3, where=where), [1, 0, 1, 0])
    np.testing.assert_allclose(otsort.selection(x, 3, where=where, epsilon=0), [[1, 0, 0, 0], [0, 0, 1, 0], [0] * 4])


def test_solve_with_a_mask():
    target = otsort.TargetMeasure.uniform(3)
    solution = otsort.solve(np.where(WHERE, X, PADDING)[2], target, where=WHERE[2])
    np.testing.assert_allclose(
        solution.plan.as_matrix()[WHERE[2]], otsort.solve(X[2, WHERE[2]], target).plan.as_matrix(), atol=1e-7
    )
    np.testing.assert_array_equal(solution.plan.as_matrix()[~WHERE[2]], 0)


@pytest.mark.parametrize("suggest", [otsort.suggest_epsilon, otsort.suggest_sparse_epsilon])
def test_suggested_epsilon_of_a_masked_list(suggest):
    found = suggest(np.where(WHERE, X, PADDING), 2, where=WHERE)
    expected = [suggest(x[where], 2) for x, where in zip(X[:3], WHERE[:3], strict=True)]
    np.testing.assert_allclose(found[:3], expected, rtol=1e-6)
    assert found[3] > 0


def test_bad_masks_are_told():
    with pytest.raises(TypeError, match="boolean"):
        otsort.rank(X, where=np.ones(N))
    with pytest.raises(ValueError, match="where must have the shape"):
        otsort.rank(X, where=np.ones(4, bool))
    with pytest.raises(ValueError, match="zero"):
        otsort.rank(X[0], where=WHERE[0], weights=np.where(WHERE[0], 0.0, 1.0))
