"""Programs of `jax.export` that leave the number of lists open: the answers of those that know it."""

import jax
import numpy as np
import pytest
from jax import export

import otsort

EXACT = {"epsilon": 0, "throw": False}
ROW = np.array([0.1, 0.9, 0.5, 0.7, 0.3])


def of_short_lists(x, weights, k):
    """What operators make of lists of five, with options of their shape, of one list's shape, and of the batch's."""
    where = weights > 0.2
    return (
        otsort.rank(x, weights=weights, where=where, throw=False),
        otsort.top_k(x, 2, where=where, throw=False),
        otsort.sort(x, weights=ROW, where=ROW > 0.2, **EXACT),
        otsort.quantile(x, 0.7, weights=weights, **EXACT),
        otsort.top_k_mask(x, k, weights=weights, where=ROW > 0.2, **EXACT),
        otsort.losses.spearman_correlation(x, weights, weights=weights, where=where, **EXACT),
    )


def check(program, batch, *arguments):
    """Exports a program for arguments with these first axes, and calls it: for all lists, and for the first."""
    symbols = export.symbolic_shape(batch)
    types = [jax.ShapeDtypeStruct((*symbols, *array.shape[len(symbols) :]), array.dtype) for array in arguments]
    exported = export.deserialize(export.export(jax.jit(program))(*types).serialize())
    expected = jax.jit(program)(*arguments)
    for lists in ((slice(None),) * len(symbols), (slice(1),) * len(symbols)):
        answers = exported.call(*(array[lists] for array in arguments))
        for answer, right in zip(answers, expected, strict=True):
            np.testing.assert_allclose(answer, right[lists], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("batch", "shape"),
    [pytest.param("b", (3,), marks=pytest.mark.slow), pytest.param("b, c", (2, 2), marks=pytest.mark.ci)],
)
def test_short_lists(batch, shape):
    x, weights = np.random.default_rng(0).uniform(size=(2, *shape, 5))
    check(of_short_lists, batch, x, weights, 1 + np.arange(np.prod(shape)).reshape(shape) / 2)


@pytest.mark.parametrize(
    ("n", "solver"),
    [
        (300, otsort.Quadrature()),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [(300, otsort.Newton()), (20_000, None)]),
    ],
)
def test_long_lists(n, solver):
    def ranks_and_gradient(x):
        ranks, back = jax.vjp(lambda x: otsort.rank(x, solver=solver, throw=False), x)
        return ranks, *back(ranks / n)

    check(ranks_and_gradient, "b", np.random.default_rng(0).normal(size=(2, n)))
