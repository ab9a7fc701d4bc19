"""Inputs at the edges: masked arrays, arrays that change later, empty ones, and NumPy's integers."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from .cases import diagonal

X = np.array([3.0, 1.0, 2.0, 5.0])
MASKED = np.ma.array(X, mask=[True, False, False, False])

ENTRIES = {
    "rank": otsort.rank,
    "sort": otsort.sort,
    "median": otsort.median,
    "permutation": otsort.permutation,
    "selection": functools.partial(otsort.selection, k=2),
    "top_k_mask": functools.partial(otsort.top_k_mask, k=2),
    "rank at": lambda x: otsort.rank(X, at=x),
    "weights": lambda x: otsort.rank(X, weights=x),
    "where": lambda x: otsort.rank(X, where=x > 1),
    "key": lambda x: otsort.sort_by(X, x),
    "values": lambda x: otsort.sort_by(x, X),
    "reference": lambda x: otsort.quantile_normalize(X, x),
    "q": lambda x: otsort.quantile(X, x / 9),
    "k": lambda x: otsort.top_k_mask(np.stack([X, X]), x[:2]),
    "in a list": lambda x: otsort.rank([x, x]),
    "solve": lambda x: otsort.solve(x, otsort.UniformTarget(3)),
    "points": lambda x: otsort.TargetMeasure(x, np.ones(4)),
    "target weights": lambda x: otsort.TargetMeasure(X, x),
    "suggest_epsilon": lambda x: otsort.suggest_epsilon(x, 2),
    "suggest_sparse_epsilon": lambda x: otsort.suggest_sparse_epsilon(x, 2),
    "logits": lambda x: otsort.losses.top_k_error(x, 1),
    "labels": lambda x: otsort.losses.top_k_error(np.stack([X] * 4), x.astype(int)),
    "predictions": lambda x: otsort.losses.spearman_correlation(x, X),
    "targets": lambda x: otsort.losses.spearman_correlation(X, x),
    "errors": lambda x: otsort.losses.quantile_error(x, 0.5),
    "image": lambda x: otsort.images.median_filter(x.reshape(2, 2), 3),
    "packed": lambda x: otsort.segments.pack(x, np.zeros(4, int), 1, 4),
    "segment_ids": lambda x: otsort.segments.pack(X, x.astype(int), 6, 4),
    "unpacked": lambda x: otsort.segments.unpack(x.reshape(1, 4), np.zeros(4, int)),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_masked_arrays_are_refused(entry):
    with pytest.raises(ValueError, match=r"masked array, whose mask would be lost.*where="):
        ENTRIES[entry](MASKED)


def test_nothing_shares_memory_with_arrays_that_change_later():
    # A multiple of the 64 bytes that JAX asks of an array it does not copy.
    points, weights = np.linspace(0, 1, 64), np.ones(64)
    target = otsort.TargetMeasure(points, weights)
    power = np.array(2.0)
    cost = otsort.PowerCost(power)
    plan = otsort.solve(points, target, squash=otsort.squash.identity).plan
    layer = otsort.nn.QuantileNormalization(3, weights=weights)
    before = jax.tree.map(np.array, (target, cost, plan, dict(layer.options)["weights"]))
    points[:], weights[:], power[...] = 0, 3, 9
    after = (target, cost, plan, dict(layer.options)["weights"])
    jax.tree.map(np.testing.assert_array_equal, before, after)


def test_a_buffer_that_is_used_again():
    buffer, expected = np.empty(2**16), []
    answers = []
    for seed in range(4):
        buffer[:] = np.random.default_rng(seed).normal(size=buffer.size)
        answers.append(otsort.cdf(buffer, num_targets=8))
        expected.append(np.mean(buffer <= 0))
    for seed, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, otsort.cdf(np.random.default_rng(seed).normal(size=2**16), num_targets=8))


@pytest.mark.parametrize(("n", "epsilon"), diagonal([5, 150], [0, 0.05]))
def test_empty_batches(n, epsilon):
    shapes = {
        (0, n): functools.partial(otsort.rank, epsilon=epsilon),
        (0, 3): functools.partial(otsort.top_k, k=3, epsilon=epsilon),
        (0,): functools.partial(otsort.median, epsilon=epsilon),
        (0, 2, n): functools.partial(otsort.selection, k=2, epsilon=epsilon),
    }
    x = jnp.zeros((0, n))
    for shape, operator in shapes.items():
        assert operator(x).shape == jax.jit(jax.vmap(operator))(x).shape == shape
        assert jax.grad(lambda x, operator=operator: jnp.sum(operator(x)))(x).shape == x.shape
    assert otsort.losses.top_k_error(x, np.zeros(0, int)).shape == (0,)
    assert otsort.losses.spearman_correlation(x, x).shape == (0,)
    assert otsort.rank(jnp.zeros((3, 0, n)), axis=2, where=jnp.ones(n, bool)).shape == (3, 0, n)


def test_nothing_asked_for():
    assert otsort.quantile(X, []).shape == (0,)
    assert otsort.quantile(np.ones((2, 4)), np.zeros((3, 0))).shape == (3, 0, 2)
    for epsilon in (0, 0.05):
        assert otsort.rank(X, at=[], epsilon=epsilon).shape == (0,)
        assert otsort.cdf(np.ones((2, 4)), at=np.zeros((2, 0)), epsilon=epsilon).shape == (2, 0)


def test_integers_of_numpy():
    x = np.arange(12.0).reshape(3, 4)
    for kind in (np.uint8, np.int64):
        np.testing.assert_array_equal(otsort.rank(x, axis=kind(0)), otsort.rank(x, axis=0))
        np.testing.assert_array_equal(otsort.rank(x, axis=(kind(0), kind(1))), otsort.rank(x, axis=None))
        np.testing.assert_array_equal(otsort.top_k(x, kind(2)), otsort.top_k(x, 2))
        np.testing.assert_array_equal(otsort.sort(x, num_targets=kind(3)), otsort.sort(x, num_targets=3))
        np.testing.assert_array_equal(otsort.quantize(x, kind(2)), otsort.quantize(x, 2))
        np.testing.assert_array_equal(otsort.images.median_filter(x, kind(3)), otsort.images.median_filter(x, 3))
    wide = np.random.default_rng(0).normal(size=300)
    found = otsort.sort(wide, num_targets=np.uint8(200))  # 200^2 does not fit
    np.testing.assert_array_equal(found, otsort.sort(wide, num_targets=200))


@pytest.mark.parametrize(
    ("dtype", "num_segments"),
    diagonal([np.uint8, np.int8, np.int16, np.uint16, np.int32, np.int64, np.uint64], [3, 128, 256, 300, 40_000]),
)
@pytest.mark.parametrize("known", [True, False])
def test_ids_of_segments_of_any_dtype(dtype, num_segments, known):
    most = min(np.iinfo(dtype).max, num_segments - 1)
    ids = np.array([0, most, 1, most, 0, 1], dtype)
    values = np.arange(1.0, 7.0)
    pack = lambda ids: otsort.segments.pack(values, ids, num_segments, 2)
    unpack = otsort.segments.unpack
    if not known:
        pack, unpack = jax.jit(pack), jax.jit(unpack)
    lists, where = pack(ids)
    expected = np.zeros((num_segments, 2))
    for segment in np.unique(ids):
        expected[segment, : np.sum(ids == segment)] = values[ids == segment]
    np.testing.assert_array_equal(lists, expected)
    np.testing.assert_array_equal(where, expected > 0)
    np.testing.assert_array_equal(unpack(lists, ids), values)


@pytest.mark.usefixtures("without_x64")
def test_ids_beyond_the_integers_of_jax():
    ids = np.array([0, 2**32, -1, 2**40 + 1, 1])
    lists, where = otsort.segments.pack(np.ones(5), ids, 2, 2)
    np.testing.assert_array_equal(where, [[True, False], [True, False]])
    np.testing.assert_array_equal(otsort.segments.unpack(lists, ids), [1, 0, 0, 0, 1])
    with pytest.raises(ValueError, match="values must fit int32"):
        otsort.segments.pack(np.array([2**40]), np.array([0]), 1, 1)


@pytest.mark.parametrize("operator", [otsort.top_k, otsort.selection])
def test_many_masked_lists_with_large_k(operator):
    """The size of a target that each list has of its own does not count the lists."""
    x = np.random.default_rng(0).normal(size=(2100, 12))
    where = np.arange(12) < 11
    found = operator(x, 8, where=where, epsilon=0.1)
    np.testing.assert_allclose(found[::700], operator(x[::700], 8, where=where, epsilon=0.1), atol=1e-6)
    target = eqx.tree_at(lambda t: (t.points, t.weights), otsort.TargetMeasure.uniform(2), (np.ones((2, 7)),) * 2)
    assert target.size == 2


def test_lists_of_no_values_are_told():
    for shape in ((0,), (3, 0)):
        with pytest.raises(ValueError, match="at least one value in each list"):
            otsort.rank(np.zeros(shape))
