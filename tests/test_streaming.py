"""Streams answer as the operators do with all values at hand."""

import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort import streaming

Q = np.array([0.9, 0.0, 0.5])


@pytest.fixture(scope="module")
def values():
    return (1e3 + np.random.default_rng(0).lognormal(size=3000)).astype(np.float32)


@pytest.fixture(scope="module")
def stream(values):
    return streaming.fit(streaming.Chunks(values, 1024))


def test_equals_the_operators(values, stream):
    x = jnp.asarray(values)
    solver = otsort.Quadrature()
    np.testing.assert_allclose(stream.rank(values) / 3000, otsort.rank(x, solver=solver) / 3000, atol=2e-5)
    np.testing.assert_allclose(stream.cdf(values), otsort.cdf(x, solver=solver), atol=2e-5)
    expected = otsort.quantile(x, jnp.asarray(Q, jnp.float32), solver=otsort.Newton())
    np.testing.assert_allclose(stream.quantile(Q), expected, atol=1e-5 * np.ptp(values))


def test_other_values_lie_between(values, stream):
    between = np.sort(values)[:2].mean(keepdims=True)
    low, middle, high = (float(stream.rank(v)[0]) for v in (np.sort(values)[:1], between, np.sort(values)[1:2]))
    assert low <= middle <= high
    assert stream.rank(values.reshape(3, -1)).shape == (3, 1000)


def test_merging_is_seeing_all(values, stream):
    parts = np.split(values, [500, 2500])
    summary = streaming.Summary.of(parts[2]).merge(streaming.Summary.of(parts[0])).merge(streaming.Summary.of(parts[1]))
    np.testing.assert_allclose(summary.mean, np.mean(values, dtype=float))
    np.testing.assert_allclose(summary.deviation, np.std(values, dtype=float))
    solver = otsort.Quadrature()
    first, second, third = (streaming.Moments.of(part, summary, solver) for part in parts)
    with pytest.raises(ValueError, match="merge them all"):
        first.merge(second).solve()
    merged = third.merge(first.merge(second)).solve()
    np.testing.assert_allclose(merged.rank(values), stream.rank(values), rtol=1e-5)


def test_a_memory_mapped_file(values, stream, tmp_path):
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    np.testing.assert_array_equal(streaming.fit(streaming.Chunks(mapped, 1024)).rank(values), stream.rank(values))


def test_bad_streams(values):
    with pytest.raises(TypeError, match="read twice"):
        streaming.fit(chunk for chunk in [values])
    with pytest.raises(ValueError, match="no chunks"):
        streaming.fit([])
    with pytest.raises(ValueError, match="finite"):
        streaming.fit([np.array([1.0, np.nan])])
    parts = values[:10], values[10:30]
    moments = [streaming.Moments.of(part, streaming.Summary.of(part), otsort.Quadrature()) for part in parts]
    with pytest.raises(ValueError, match="one Summary"):
        moments[0].merge(moments[1])


def test_equal_values():
    stream = streaming.fit([np.full(5, 2.0), np.full(3, 2.0)])
    np.testing.assert_allclose(stream.rank(2.0), 4.5, rtol=1e-5)
    np.testing.assert_allclose(stream.quantile(0.3), 2.0)
