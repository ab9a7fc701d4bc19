"""Streams answer as the operators do with all values at hand."""

import dataclasses
from fractions import Fraction

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort import streaming

from .cases import diagonal, thinned

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


#: dtype, offset and scale of values, which keep digits enough to be told apart.
DIGITS = [
    ("float32", 1e5, 0.02),
    ("float32", 3e38, 1e36),
    ("float32", 0, 3.3e38),  # differences and squares are beyond float32
    ("float32", 1e-30, 1e-32),  # squares are below
    ("float64", 1e5, 0.02),
    ("float64", -1e15, 3),
    ("float64", 0, 1.7e308),
    ("float64", 1e308, 1e300),
    ("float64", 1e-300, 1e-305),
    ("float16", 1000, 500),
    ("int8", 0, 120),
    ("int32", 2 * 10**9, 100),
    ("int64", 17 * 10**17, 1000),  # a float64 is a multiple of 256 there
    ("int64", 0, 9e18),  # differences are beyond int64
    ("uint64", 2**63, 9e18),
]
NOISE = np.random.default_rng(1).uniform(-1, 1, 300)


def with_digits(dtype, offset, scale):
    if np.issubdtype(dtype, np.integer):
        return (offset + (scale * NOISE).astype(np.int64).astype(object)).astype(dtype)
    return (offset + scale * NOISE).astype(dtype)


class Exact:
    """Standard scores by exact arithmetic."""

    def __init__(self, values):
        exact = [Fraction(value.item()) for value in values]
        self.mean = sum(exact) / len(exact)
        self.unit = max(abs(value - self.mean) for value in exact)
        self.deviation = np.std([float((value - self.mean) / self.unit) for value in exact])

    def scores(self, values):
        return np.array([float((Fraction(value.item()) - self.mean) / self.unit) for value in values]) / self.deviation


@pytest.mark.parametrize(("digits", "x64"), thinned(diagonal(list(DIGITS), [True, False]), 3))
def test_an_offset_and_a_scale_take_no_digits(digits, x64, request):
    dtype, offset, scale = digits
    values = with_digits(dtype, offset, scale)
    exact = Exact(values)
    solver = otsort.Quadrature(accuracy=1e-6)
    levels = np.asarray(otsort.cdf(exact.scores(values), solver=solver))
    quantiles = np.asarray(otsort.quantile(exact.scores(values), Q, solver=otsort.Newton()))
    if not x64:
        request.getfixturevalue("without_x64")
    stream = streaming.fit(np.split(values, [10, 200]), accuracy=1e-6)
    np.testing.assert_allclose(stream.cdf(values), levels, rtol=0, atol=2e-6)
    np.testing.assert_allclose(stream.rank(values), 300 * levels, rtol=0, atol=1e-3)
    if jax.dtypes.canonicalize_dtype(dtype) == dtype:  # JAX holds these values, else only NumPy does
        for cdf in (stream.cdf, jax.jit(lambda values: stream.cdf(values)), jax.vmap(stream.cdf)):
            np.testing.assert_allclose(cdf(jnp.asarray(values)), levels, rtol=0, atol=5e-6)
    if abs(offset) + scale < float(jnp.finfo(stream.cells.dtype).max):
        answers = np.asarray(stream.quantile(Q))
        rounding = np.array([float(Fraction(step.item()) / exact.unit) for step in np.spacing(np.abs(answers))])
        np.testing.assert_array_less(np.abs(exact.scores(answers) - quantiles), 3e-5 + rounding / exact.deviation)
    else:
        with pytest.raises(ValueError, match=r"range of float32, got values from .* set jax_enable_x64"):
            stream.quantile(Q)


def test_merging_takes_no_digits():
    for dtype, offset, scale in DIGITS:
        values = with_digits(dtype, offset, scale)
        exact = Exact(values)
        summary = streaming.Summary.of(values[:3])
        for start in range(3, 300, 27):
            summary = streaming.Summary.of(values[start : start + 27]).merge(summary)
        missed = Fraction(summary.mean) + Fraction(summary.rest) - exact.mean
        assert abs(missed) <= Fraction(1e-14) * exact.unit
        np.testing.assert_allclose(float(Fraction(summary.deviation) / exact.unit), exact.deviation)
        assert summary.count == 300
        assert (summary.low, summary.high) == (float(values.min()), float(values.max()))


def test_values_of_another_dtype():
    """Answers have the dtype of the stream, to values with more digits too."""
    values = with_digits("float32", 1e5, 0.02)
    stream, between = streaming.fit([values]), values.astype(float) + 1e-4
    expected = streaming.fit([values.astype(float)]).cdf(between)
    for given in (between, jnp.asarray(between), between.astype(np.longdouble)):
        assert stream.cdf(given).dtype == np.float32
        np.testing.assert_allclose(stream.cdf(given), expected, atol=2e-5)
    far = streaming.fit([1e300 * NOISE])
    np.testing.assert_allclose(far.cdf(jnp.asarray([-np.inf, 0, np.inf], np.float32)), far.cdf([-np.inf, 0, np.inf]))


def test_far_values_and_nan(stream):
    for far in (1e300, np.inf):
        np.testing.assert_array_equal(stream.rank([-far, far]), stream.rank([-1e9, 1e9]))
    assert np.isnan(stream.rank([np.nan, 1.0])).tolist() == [True, False]


def test_nothing_is_asked(stream):
    for ask in (stream.rank, stream.cdf, stream.quantile):
        assert ask([]).shape == (0,)
        assert ask(np.zeros((2, 0))).shape == (2, 0)
        assert ask([]).dtype == ask([0.5]).dtype == np.float32


def test_traced_levels(stream):
    q = jnp.asarray(Q.reshape(3, 1), jnp.float32)
    expected = stream.quantile(Q)[:, None]
    np.testing.assert_allclose(jax.jit(lambda q: stream.quantile(q))(q), expected, rtol=1e-6)
    with pytest.raises(RuntimeError, match="levels in"):
        eqx.filter_jit(stream.quantile)(q + 1)


def test_more_values_than_int32_counts(without_x64):
    values, solver = NOISE, otsort.Quadrature()
    moments = streaming.Moments.of(values, streaming.Summary.of(values), solver)
    levels = {}
    for times in (10**6, 10**9):
        summary = dataclasses.replace(moments.summary, count=times * moments.count)
        sums = {name: times * getattr(moments, name) for name in ("count", "cells", "carried")}
        stream = dataclasses.replace(moments, summary=summary, **sums).solve()
        levels[times] = (
            np.asarray(stream.cdf(values)),
            np.asarray(stream.rank(values)) / summary.count,
            stream.quantile(Q),
        )
    for few, many in zip(*levels.values(), strict=True):
        np.testing.assert_allclose(few, many, atol=2e-5)


@pytest.mark.slow
def test_more_equal_values_than_float32_counts():
    values = np.zeros(2**25 + 3, np.float32)
    np.testing.assert_allclose(streaming.fit([values]).rank(0.0), (values.size + 1) / 2)


def aligned(values):
    """A copy in memory that JAX would not copy."""
    memory = np.empty(values.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + values.nbytes].view(values.dtype)
    copy[:] = values
    return copy


def test_the_memory_of_a_user_is_free_after_a_call(stream):
    values = np.random.default_rng(2).normal(1001, 1, 2**19).astype(np.float32)
    q = np.linspace(0, 1, 64, dtype=np.float32)
    for ask, given in ((stream.rank, values), (stream.cdf, values), (stream.quantile, q)):
        expected, buffer = ask(given), aligned(given)
        answer = ask(buffer)
        buffer[:] = 0
        np.testing.assert_array_equal(answer, expected)
    buffer = aligned(values)
    summary = streaming.Summary.of(buffer)
    moments = streaming.Moments.of(buffer, summary, otsort.Quadrature())
    buffer[:] = 0
    np.testing.assert_array_equal(moments.cells, streaming.Moments.of(values, summary, otsort.Quadrature()).cells)


def test_chunks(values):
    assert list(map(len, streaming.Chunks(values, np.int8(100)))) == 30 * [100]
    np.testing.assert_array_equal(np.concatenate(list(streaming.Chunks(jnp.asarray(values), 1024))), values)
    assert list(streaming.Chunks(values[:0])) == []


MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
SUMMARY = streaming.Summary.of(MASKED.compressed())


@pytest.mark.parametrize(
    "enter",
    [
        lambda stream: streaming.fit([MASKED.compressed(), MASKED]),
        lambda stream: streaming.fit(MASKED),
        lambda stream: streaming.Summary.of(MASKED),
        lambda stream: streaming.Moments.of(MASKED, SUMMARY, otsort.Quadrature()),
        lambda stream: streaming.Chunks(MASKED),
        lambda stream: stream.rank(MASKED),
        lambda stream: stream.cdf(MASKED),
        lambda stream: stream.quantile(MASKED / 4),
    ],
)
def test_masks_are_refused(stream, enter):
    with pytest.raises(ValueError, match=r"got a masked array: pass .*\.compressed\(\)"):
        enter(stream)


def fit(**options):
    return streaming.fit([NOISE], **options)


def moments_of(solver):
    return streaming.Moments.of(NOISE, streaming.Summary.of(NOISE), solver)


class Twice:
    """Chunks that differ when they are read again."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def __iter__(self):
        return iter(next(self.passes))


def moments(count=10, epsilon=0.01, dtype=float, given=10):
    values = np.arange(10.0)
    return streaming.Moments.of(
        values[:given].astype(dtype), streaming.Summary.of(values[:count]), otsort.Quadrature(epsilon)
    )


@pytest.mark.parametrize(
    ("kind", "message", "enter"),
    [
        (TypeError, r"chunks are read twice, got an iterator \(generator\)", lambda: streaming.fit(x for x in [NOISE])),
        (TypeError, r"iterator \(list_iterator\).*pass a list, .*Chunks", lambda: streaming.fit(iter([]))),
        (
            ValueError,
            "got 300 values the first time and 0 the second: pass a list",
            lambda: streaming.fit(Twice([NOISE], [])),
        ),
        (
            ValueError,
            "got 300 values the first time and 5 the second",
            lambda: streaming.fit(Twice([NOISE], [NOISE[:5]])),
        ),
        (ValueError, "there are no chunks, got an empty list: pass", lambda: streaming.fit([])),
        (
            ValueError,
            r"chunks\[1\] must be finite, got 2 of 4 values that are NaN or infinite: pass chunks\[1\]\[numpy.isfinite",
            lambda: streaming.fit([NOISE, np.array([1.0, np.nan, np.inf, 3.0])]),
        ),
        (ValueError, r"chunks\[1\] must hold values, got .* \(0,\): leave", lambda: streaming.fit([NOISE, []])),
        (TypeError, r"chunks\[0\] must be real.*<U1: pass chunks\[0\].astype", lambda: streaming.fit([["a"]])),
        (TypeError, "array of object", lambda: streaming.fit([np.array(["a"], object)])),
        (TypeError, r"complex128: pass .*\.real", lambda: streaming.fit([NOISE + 1j])),
        (TypeError, r"datetime64.*pass .*\.astype\(\"int64", lambda: streaming.fit([NOISE.astype("M8[s]")])),
        (TypeError, "values must be known.*outside jax.jit", lambda: jax.jit(streaming.Summary.of)(NOISE)),
        *(
            (ValueError, f"epsilon must be finite and at least 1e-05, got {bad}: ", lambda bad=bad: fit(epsilon=bad))
            for bad in (1e-7, 0, -1, np.inf, np.nan)
        ),
        (ValueError, "accuracy", lambda: fit(accuracy=0)),
        (ValueError, "size must be at least 1, got -3: pass", lambda: streaming.Chunks(NOISE, -3)),
        (TypeError, r"size must be an integer, at least 1, got 2.5: pass", lambda: streaming.Chunks(NOISE, 2.5)),
        (TypeError, "values must be an array, got list: pass", lambda: streaming.Chunks([1.0, 2.0])),
        (TypeError, "values must be real numbers, got .*<U1", lambda: streaming.Chunks(np.array(["a"]))),
        (TypeError, "solver must be a Quadrature, got Newton", lambda: moments_of(otsort.Newton())),
        (ValueError, "another summary do not merge.*count=10.*count=9.*merge the", lambda: moments().merge(moments(9))),
        (ValueError, "another solver", lambda: moments().merge(moments(epsilon=0.1))),
        (ValueError, "another dtype .*float64 and float32: convert", lambda: moments().merge(moments(dtype="f4"))),
        (ValueError, "those of 5 values, the summary of 10: merge them all", lambda: moments(given=5).solve()),
        (ValueError, "those of 20 values, the summary of 10", lambda: moments().merge(moments()).solve()),
        (ValueError, r"q must be .* \[0, 1\], got \[1.5, nan\]: divide", lambda: fit().quantile([0.5, 1.5, np.nan])),
        (TypeError, "q must be real numbers, got .*<U1: pass q.astype", lambda: fit().quantile(["a"])),
        (TypeError, "values must be real numbers, got .*<U1", lambda: fit().rank(["a"])),
    ],
)
def test_messages(kind, message, enter):
    with pytest.raises(kind, match="(?s)" + message):
        enter()


@pytest.mark.parametrize("value", [2.0, 0.1, -1e30, 1e-300, 1.7e308, np.float32(-3e38)])
def test_equal_values(value):
    summary = streaming.Summary.of(np.full(200, value)).merge(streaming.Summary.of(np.full(100, value)))
    assert summary == streaming.Summary(300, value, 0.0, value, value)
    stream = streaming.fit([np.full(200, value), np.full(100, value)])
    for rank in (stream.rank, jax.jit(lambda value: stream.rank(value))):
        np.testing.assert_allclose(rank(value), 150.5, rtol=1e-5)
    np.testing.assert_allclose(stream.quantile(0.3), value)
