"""A squash, cost or penalty that closes over a traced value: as a module that has it as a field."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

#: Lists of a length that is solved with the lists in the last axis, and one of another.
SHORT = jnp.asarray(np.random.default_rng(0).normal(size=6))
LONG = jnp.asarray(np.random.default_rng(0).normal(size=140))


def by_squash(temperature, x=SHORT):
    return otsort.rank(x, squash=lambda values, weights: jax.nn.sigmoid(values / temperature))


def by_cost(power, x=SHORT):
    return otsort.rank(x, cost=lambda displacement: jnp.abs(displacement) ** power, epsilon=0.05)


def by_penalty(margin, x=SHORT):
    return otsort.losses.top_k_error(x, 2, penalty=lambda u: jax.nn.softplus(u / margin))[None]


def by_partial(temperature, x=SHORT):
    squash = functools.partial(lambda t, values, weights: jax.nn.sigmoid(values / t), temperature)
    return otsort.rank(x, squash=squash, at=jnp.asarray([0.1, 0.2]))


FUNCTIONS = {f.__name__: f for f in (by_squash, by_cost, by_penalty, by_partial)}


@pytest.mark.parametrize(
    ("name", "length"),
    [
        pytest.param(*case, marks=() if case in (("by_cost", "short"), ("by_partial", "long")) else pytest.mark.slow)
        for case in itertools.product(FUNCTIONS, ("short", "long"))
    ],
)
def test_traced_values(name, length):
    x = {"short": SHORT, "long": LONG}[length]
    function = lambda value: FUNCTIONS[name](value, x)
    value = 1.7
    expected = function(value)
    np.testing.assert_allclose(jax.jit(function)(value), expected, atol=1e-6)
    values = jnp.asarray([value, 1.3])
    each = jnp.stack([function(1.7), function(1.3)])
    np.testing.assert_allclose(jax.vmap(function)(values), each, atol=1e-6)
    probe = jnp.cos(jnp.arange(expected.size))
    loss = lambda value: probe @ function(value)
    difference = (loss(value + 1e-5) - loss(value - 1e-5)) / 2e-5
    for slope in (jax.grad(loss), jax.jacfwd(loss), jax.jit(jax.grad(loss))):
        np.testing.assert_allclose(slope(value), difference, rtol=1e-4)


def test_within_a_loop_and_of_second_order():
    loss = lambda t: jnp.sum(jnp.sin(by_squash(t)))
    in_a_loop = lambda t: jnp.sum(jax.lax.map(lambda x: jnp.sum(jnp.sin(by_squash(t, x))), SHORT[None]))
    expected = (jax.grad(loss)(1.701) - jax.grad(loss)(1.699)) / 0.002
    np.testing.assert_allclose(jax.grad(jax.grad(loss))(1.7), expected, rtol=1e-4)
    np.testing.assert_allclose(jax.grad(jax.grad(in_a_loop))(1.7), expected, rtol=1e-4)


def test_the_mean_of_a_batch():
    x = jnp.stack([SHORT, 2 * SHORT])
    centred = lambda x: otsort.rank(x, squash=lambda values, weights: jax.nn.sigmoid(values - jnp.mean(x)))
    np.testing.assert_allclose(jax.jit(centred)(x), centred(x), atol=1e-6)
