"""Batches in chunks: the answers and the derivatives of one piece, no solve twice, and little memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort._xla import chunks

from .cases import some

RNG = np.random.default_rng(11)
UNROLLED = otsort.LogSinkhorn(0.05, tol=None, max_steps=10, differentiation=otsort.Unrolled())
ONE_STEP = otsort.LogSinkhorn(0.05, differentiation=otsort.OneStep(k=20))
#: Lists, and options. Their numbers are no multiple of a chunk's.
CASES = {
    "lists last": ((23, 6), {}),
    "lists first": ((7, 40), {}),
    "tables": ((5, 400), {"solver": otsort.Quadrature(0.05)}),
    "exact": ((23, 6), {"epsilon": 0}),
    "robust": ((23, 6), {"squash": otsort.squash.robust}),
    "unrolled": ((23, 6), {"solver": UNROLLED}),
    "one step": ((23, 6), {"solver": ONE_STEP}),
}


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few lists, whatever they hold."""
    split = []

    def at_once(entries, dtype):
        split.append(entries)
        return 2

    monkeypatch.setattr("otsort._call.batch.at_once", at_once)
    return split


def compared(call, monkeypatch):
    """A result in chunks and in one piece."""
    in_chunks = call()
    monkeypatch.undo()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), in_chunks, call())


@pytest.mark.parametrize("case", some(CASES, ["lists last", "one step"]))
def test_answers_and_derivatives_are_those_of_one_piece(case, small_chunks, monkeypatch):
    shape, options = CASES[case]
    x, probe, weights = RNG.normal(size=(2, *shape)), RNG.normal(size=shape), RNG.uniform(0.5, 1, size=shape)
    x, direction = jnp.asarray(x)

    def loss(x, weights):
        return jnp.vdot(probe, otsort.rank(x, weights=weights, **options))

    def call():
        value, pull = jax.value_and_grad(loss, (0, 1))(x, weights)
        mapped = jax.grad(lambda x: jnp.vdot(probe, jax.vmap(lambda x: otsort.sort(x, **options))(x)))(x)
        push = jax.jvp(lambda x: otsort.rank(x, **options), (x,), (direction,))
        if case == "one step":
            return value, pull, mapped, push
        return value, pull, mapped, push, jax.jvp(jax.grad(loss), (x, weights), (direction, 0 * weights))

    compared(call, monkeypatch)
    assert small_chunks


def test_masks_and_numbers_of_each_list(small_chunks, monkeypatch):
    x, at = RNG.normal(size=(2, 23, 6))
    where, k = RNG.uniform(size=x.shape) < 0.7, RNG.uniform(1, 5, size=23)

    def call():
        mask = lambda x, k: jnp.sum(otsort.top_k_mask(x, k, where=where) ** 2)
        return jax.grad(mask, (0, 1))(x, k), otsort.rank(x, at=at, where=where), otsort.top_k(x, 2, where=where)

    compared(call, monkeypatch)


def test_batches_within_vmap(small_chunks, monkeypatch):
    x = RNG.normal(size=(3, 5, 6))
    levels = jnp.array([0.3, 0.6])
    compared(lambda: jax.vmap(lambda x: otsort.quantile(x, levels))(x), monkeypatch)
    compared(lambda: jax.vmap(lambda epsilon: otsort.rank(x, epsilon=epsilon))(levels), monkeypatch)


def loops(function, x):
    """The number of loops in a program: one for the chunks, and those of the solver."""
    return jax.jit(function).lower(x).as_text().count("stablehlo.while")


@pytest.mark.parametrize("case", ["lists last", "lists first", "tables"])
def test_no_solve_runs_twice(case, small_chunks):
    shape, options = CASES[case]
    x = RNG.normal(size=shape)
    loss = lambda x: jnp.sum(otsort.rank(x, **options) ** 2)
    solved = loops(loss, x) - 1
    assert loops(jax.grad(loss), x) - 2 == solved > 0


def test_memory_grows_by_little_with_the_batch():
    """Apart from values and answers, and what these need: potentials and copies, some ten of their size."""
    loss = lambda x: jnp.sum(otsort.rank(x) ** 2)
    scratch = [
        jax.jit(jax.grad(loss)).lower(jax.ShapeDtypeStruct((lists, 10), jnp.float32)).compile().memory_analysis()
        for lists in (20_000, 40_000)
    ]
    less, more = (one.temp_size_in_bytes for one in scratch)
    assert more - less < 10 * 20_000 * 10 * 4
    assert more < 2 * chunks._BYTES_ON_CPU + 10 * 40_000 * 10 * 4
