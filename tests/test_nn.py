"""Layers: what they compute, and that they are modules like those of Equinox."""

import io
import logging

import equinox as eqx
import hypothesis
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

import otsort
from otsort import nn

from . import problems
from .cases import diagonal

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 3, 4))
TOKENS = RNG.normal(size=(5, 6))
LAYERS = {
    "normalization": (lambda **options: nn.QuantileNormalization(4, axis=(1, 2), **options), IMAGE),
    "gate": (lambda **options: nn.TopKGate(6, 4, 2, key=jax.random.key(0), **options), TOKENS[0]),
}


def random_like(layer):
    draw = lambda leaf: jnp.asarray(RNG.normal(size=leaf.shape)) if eqx.is_inexact_array(leaf) else leaf
    return jax.tree.map(draw, layer)


def test_normalization_in_the_limit():
    """Each channel has as many of each value of the reference."""
    layer = random_like(nn.QuantileNormalization(4, axis=(1, 2), epsilon=0))
    f = layer.reference
    assert np.all(np.diff(f) > 0)
    np.testing.assert_allclose(f[-1], 1)
    h = np.log(np.diff(f, prepend=0))
    np.testing.assert_allclose(h - h.mean(), np.append(layer.free, -layer.free.sum()))
    for before, after in zip(IMAGE, layer(jnp.asarray(IMAGE)), strict=True):
        np.testing.assert_allclose(after.ravel()[np.argsort(before.ravel())], np.repeat(f, 3))


def test_normalization_starts_even_and_does_not_see_monotone_maps():
    layer = nn.QuantileNormalization(epsilon=0)
    np.testing.assert_allclose(layer.reference, np.arange(1, 17) / 16)
    np.testing.assert_allclose(layer(jnp.exp(TOKENS)), layer(jnp.asarray(TOKENS)))
    assert nn.QuantileNormalization(1).reference == 1


@hypothesis.given(st.integers(1, 64), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 10.0]))
def test_a_reference_increases_to_one(m, seed, scale):
    """Whatever is learnt, and however softmax and cumulative sum are rounded."""
    for dtype in (jnp.float32, float):
        free = jnp.asarray(scale * np.random.default_rng(seed).normal(size=m - 1), dtype)
        f = eqx.tree_at(lambda layer: layer.free, nn.QuantileNormalization(m), free).reference
        assert f.dtype == free.dtype
        assert f[-1] == 1
        assert f[0] >= 0
        assert np.all(np.diff(f) >= 0)
        assert scale > 0.1 or np.all(np.diff(f) > 0)


def test_gate_in_the_limit():
    gate = nn.TopKGate(6, 4, 2, key=jax.random.key(0), epsilon=0)
    scores = jax.vmap(gate.router)(jnp.asarray(TOKENS))
    _, best = jax.lax.top_k(scores, 2)
    weights = jax.vmap(gate)(jnp.asarray(TOKENS))
    np.testing.assert_allclose(
        jnp.take_along_axis(weights, best, axis=1),
        jax.nn.softmax(jnp.take_along_axis(scores, best, axis=1)),
    )
    np.testing.assert_array_equal(np.sum(weights > 0, axis=1), 2)
    straight = nn.TopKGate(6, 4, 2, straight_through=True, key=jax.random.key(0), epsilon=0.05)
    np.testing.assert_allclose(jax.vmap(straight)(jnp.asarray(TOKENS)), weights)


@pytest.mark.parametrize(
    ("scores", "options"),
    diagonal(
        [[1.0, 1, 1, 1, 1], [2.0, 1, 1, 1, 0], [0.0, 0, 3, 3, 3]],
        [{"epsilon": 0}, {"straight_through": True}, {"solver": otsort.NorthWestCorner()}],
    ),
)
def test_gates_of_equal_scores_use_exactly_k_experts(scores, options):
    """The first of those that are equal, with a finite gradient; the squash has none if all are."""
    scores = jnp.array(scores)
    for k in (1, 2, 3):
        gate = nn.TopKGate(5, 5, k, key=jax.random.key(0), **options)
        gate = eqx.tree_at(lambda gate: gate.router.weight, gate, jnp.eye(5))
        weights, slope = eqx.filter_jit(lambda gate: (gate(scores), jax.jacobian(gate)(scores)))(gate)
        _, used = jax.lax.top_k(scores, k)
        np.testing.assert_array_equal(np.flatnonzero(weights), np.sort(used))
        np.testing.assert_allclose(weights[used], jax.nn.softmax(scores[used]), rtol=1e-6)
        assert np.all(np.isfinite(slope))
        if "straight_through" in options and np.ptp(scores) > 0:
            assert np.all(np.any(slope != 0, axis=0))


@pytest.mark.parametrize("options", [{}, {"epsilon": 0}, {"straight_through": True}])
def test_gates_without_some_experts(options):
    """An expert that is left out has weight 0, however large its score is. If all are left out, so has every expert."""

    def gate(where):
        found = nn.TopKGate(4, 4, 2, key=jax.random.key(0), where=where, **options)
        return eqx.tree_at(lambda gate: gate.router.weight, found, jnp.eye(4))

    scores = jnp.array([0.5, 200.0, 0.0, -1.0])
    others = nn.TopKGate(3, 3, 2, key=jax.random.key(0), **options)
    others = eqx.tree_at(lambda gate: gate.router.weight, others, jnp.eye(3))
    weights = gate([True, False, True, True])(scores)
    assert weights[1] == 0
    np.testing.assert_allclose(np.delete(weights, 1), others(jnp.delete(scores, 1)), atol=1e-6)
    np.testing.assert_array_equal(gate([False] * 4)(scores), 0)
    slope = jax.jacobian(gate([True, False, True, True]))(scores)
    assert np.all(np.isfinite(slope))
    np.testing.assert_array_equal(slope[:, 1], 0)


def test_gates_train_unless_told_otherwise():
    """Random routers have a gradient at the default epsilon; at the operators' own many have none."""

    def share(**options):
        def slope(key):
            first, second = jax.random.split(key)
            gate, token = nn.TopKGate(6, 4, 1, key=first, **options), jax.random.normal(second, (6,))
            return eqx.filter_grad(lambda gate: gate(token)[0])(gate).router.weight

        slopes = jax.jit(jax.vmap(slope))(jax.random.split(jax.random.key(0), 40))
        return np.mean(np.linalg.norm(slopes, axis=(1, 2)) > 1e-6)

    assert share() == share(epsilon=None, solver=None) == share(epsilon=0.1) == 1
    assert share(epsilon=0.01) == share(solver=otsort.Newton(0.01)) < 0.9


def test_straight_through_teaches_unused_experts():
    scores = jnp.array([3.0, 2.9, 2.5, 0.0])

    def slopes(**options):
        gate = nn.TopKGate(4, 4, 2, key=jax.random.key(0), **options)
        gate = eqx.tree_at(lambda gate: gate.router.weight, gate, jnp.eye(4))
        return jax.grad(lambda scores: gate(scores)[0])(scores)[2:]

    assert np.all(slopes(epsilon=0) == 0)
    assert np.all(slopes(straight_through=True, epsilon=0.05) != 0)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_in_parameters_and_inputs(name):
    make, x = LAYERS[name]
    layer = random_like(make(solver=otsort.Newton(0.05, tol=1e-12)))
    probe = RNG.normal(size=layer(jnp.asarray(x)).shape)
    parameters, static = eqx.partition((layer, jnp.asarray(x)), eqx.is_inexact_array)
    flat, unravel = jax.flatten_util.ravel_pytree(parameters)

    def loss(flat):
        layer, x = eqx.combine(unravel(flat), static)
        return jnp.vdot(probe, layer(x))

    direction = RNG.normal(size=flat.shape)
    expected = problems.finite_difference(jax.jit(loss), flat, direction)
    np.testing.assert_allclose(problems.directional(loss, flat, direction), expected, rtol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("options", [{}, {"epsilon": 0.05}, {"solver": otsort.Newton(0.05)}])
def test_they_are_hashable(name, options):
    """Without their arrays, so that `jax.jit` takes what remains as a static argument."""
    make, x = LAYERS[name]
    (arrays, static), (_, again) = (eqx.partition(make(**options), eqx.is_array) for _ in range(2))
    assert hash(static) == hash(again)
    assert static == again
    apply = jax.jit(lambda arrays, static: eqx.combine(arrays, static)(jnp.asarray(x)), static_argnames="static")
    np.testing.assert_allclose(apply(arrays, static), make(**options)(jnp.asarray(x)), rtol=1e-6)
    apply(arrays, again)
    assert apply._cache_size() == 1


@pytest.mark.parametrize("name", LAYERS)
def test_they_are_modules(name, caplog):
    """Batches, training, serialisation, sequences, and one compilation."""
    make, x = LAYERS[name]
    batch = jnp.asarray(np.stack([x, -x, 2 * x]))
    layer = random_like(make(epsilon=0.05))
    apply = eqx.filter_jit(lambda layer, x: jax.vmap(layer)(x))
    answers = apply(layer, batch)
    np.testing.assert_allclose(answers[1], layer(batch[1]), atol=1e-6)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        apply(random_like(layer), batch)
    assert "ompil" not in caplog.text

    gradient = eqx.filter_grad(lambda layer: jnp.sum(apply(layer, batch) ** 2))(layer)
    trained = eqx.apply_updates(layer, jax.tree.map(lambda leaf: -0.01 * leaf, gradient))
    losses = [float(jnp.sum(apply(layer, batch) ** 2)) for layer in (layer, trained)]
    assert losses[1] < losses[0]

    file = io.BytesIO()
    eqx.tree_serialise_leaves(file, layer)
    file.seek(0)
    np.testing.assert_array_equal(apply(eqx.tree_deserialise_leaves(file, make(epsilon=0.05)), batch), answers)
    sequence = eqx.nn.Sequential([layer, eqx.nn.Lambda(jnp.square)])
    np.testing.assert_allclose(sequence(batch[0]), layer(batch[0]) ** 2)


def test_float32(without_x64):
    for name, (make, x) in LAYERS.items():
        for scale in (1e3, 1e-3):
            layer, x = make(), jnp.asarray(scale * x, jnp.float32)
            gradient = eqx.filter_grad(lambda layer, x=x: jnp.sum(layer(x) ** 2))(layer)
            assert layer(x).dtype == jnp.float32, name
            assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradient))


def test_bad_sizes_are_told():
    for m, error in ((0, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="m must be an integer from 1"):
            nn.QuantileNormalization(m)
    for k in (0, 5):
        with pytest.raises(ValueError, match=rf"k must be an integer from 1 to 4 .* got {k}"):
            nn.TopKGate(6, 4, k, key=jax.random.key(0))
