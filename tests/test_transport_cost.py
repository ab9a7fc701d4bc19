"""The transport cost of every plan, and Wasserstein distances with other costs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import otsort

from .cases import some

RNG = np.random.default_rng(4)
HUBER = lambda u: jnp.where(jnp.abs(u) < 0.1, 5 * u**2, jnp.abs(u) - 0.05)


def as_given(x, weights):
    return x


@pytest.mark.parametrize("cost", [None, HUBER])
@pytest.mark.parametrize("epsilon", [0, 0.05])
def test_is_the_sum_over_the_matrix(epsilon, cost):
    x, target = RNG.random(7), otsort.UniformTarget(5)
    solve = lambda x: otsort.solve(x, target, epsilon=epsilon, cost=cost, squash=as_given)
    solution = solve(x)
    displacements = target.points[None] - x[:, None]
    costs = jnp.square(displacements) if cost is None else cost(displacements)
    expected = jnp.sum(solution.plan.as_matrix() * costs)
    np.testing.assert_allclose(solution.transport_cost, expected, rtol=1e-9)
    check_grads(lambda x: solve(x).transport_cost, (x,), order=1, modes=["rev"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", some([100, 600, 2000], quick=[600]))
def test_of_long_lists(n):
    x, target = RNG.normal(size=n), otsort.UniformTarget(n)
    found = otsort.solve(x, target, solver=otsort.Quadrature(1e-3)).transport_cost
    np.testing.assert_allclose(found, otsort.solve(x, target, solver=otsort.Newton(1e-3)).transport_cost, rtol=1e-4)
    costs = jax.vmap(lambda x: otsort.solve(x, target, epsilon=1e-2).transport_cost)(jnp.stack([x, -x]))
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-5)


def test_wasserstein_with_a_cost():
    x, y = RNG.normal(size=(2, 5))
    distance = otsort.losses.wasserstein
    np.testing.assert_allclose(distance(x, y, cost=jnp.square), distance(x, y, p=2) ** 2, rtol=1e-12)
    best = min(np.mean(HUBER(x[list(order)] - y)) for order in itertools.permutations(range(5)))
    np.testing.assert_allclose(distance(x, y, cost=HUBER), best, rtol=1e-9)
    check_grads(lambda x, y: distance(x, y, cost=HUBER), (x, y), order=1, modes=["rev"], rtol=1e-5)
    scaled = lambda scale: distance(x, y, cost=lambda u: scale * u**2)
    np.testing.assert_allclose(jax.jit(jax.grad(scaled))(2.0), distance(x, y, p=2) ** 2, rtol=1e-9)
    far = np.array([0.0, 1000.0])
    np.testing.assert_allclose(distance(far, far + 0.5, cost=jnp.cosh), np.cosh(0.5))
    of_weight = lambda weight: distance(far, far, weights=jnp.stack([1 - weight, weight]), cost=jnp.square)
    np.testing.assert_allclose(abs(jax.grad(of_weight)(0.5)), 1e6)  # one-sided
    with pytest.raises(TypeError, match="give either p or cost"):
        distance(x, y, p=2, cost=jnp.square)
    with pytest.raises(TypeError, match="cost must be a function"):
        distance(x, y, cost=2)
