"""Named data families, target measures and solvers, for tests of each against each."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

import otsort
from otsort_studies.common import solvers
from otsort_studies.common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS

#: Numbers of inputs and of targets, few, so that compilation does not dominate.
SIZES = (5, 16)
SHAPES = ((1, 5), (16, 5))


def spread(rng, n):
    return rng.normal(size=n)


def heavy_tailed(rng, n):
    return rng.standard_cauchy(n)


def two_clusters(rng, n):
    return rng.normal(size=n) + 20 * (rng.uniform(size=n) < 0.5)


def tied(rng, n):
    return rng.integers(0, 3, n).astype(float)


def constant(rng, n):
    return np.full(n, rng.normal())


def offset(rng, n):
    return 1e3 + rng.normal(size=n)


FAMILIES = {f.__name__: f for f in (spread, heavy_tailed, two_clusters, tied, constant, offset)}


def flat(rng, n):
    return np.ones(n)


def uneven(rng, n):
    return rng.uniform(0.1, 1, n)


def tiny(rng, n):
    return 10 ** rng.uniform(-8, 0, n)


def with_zeros(rng, n):
    weights = rng.uniform(0.1, 1, n)
    weights[rng.permutation(n)[: n // 3]] = 0
    return weights


WEIGHTS = {f.__name__: f for f in (flat, uneven, tiny, with_zeros)}


def uniform(rng, m):
    return otsort.TargetMeasure.uniform(m)


def irregular(rng, m):
    points = np.cumsum(rng.uniform(0.1, 1, m))
    return otsort.TargetMeasure(points / points[-1], rng.uniform(0.1, 1, m))


def sparse(rng, m):
    return otsort.TargetMeasure(np.linspace(0, 1, m), with_zeros(rng, m))


TARGETS = {f.__name__: f for f in (uniform, irregular, sparse)}

# What hypothesis draws from.
seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from(SIZES)
shapes = st.sampled_from(SHAPES)
families = st.sampled_from(sorted(FAMILIES))
weightings = st.sampled_from(sorted(WEIGHTS))
targets = st.sampled_from(sorted(TARGETS))

#: Every iterative solver, each at an epsilon and a budget at which it converges.
SOLVERS = {
    **{
        name: functools.partial(solvers.SOLVERS[name], tol=1e-9)
        for name in SOLVER_DIFFERENTIATIONS
        if name != EXACT_SOLVER
    },
    "Sinkhorn": functools.partial(otsort.Sinkhorn, max_steps=3000),
    "Sinkhorn to a tolerance": functools.partial(
        otsort.Sinkhorn, tol=1e-9, max_steps=3000, differentiation=otsort.Implicit()
    ),
    "LogSinkhorn from zero": functools.partial(otsort.LogSinkhorn, tol=1e-9, start=otsort.zero_start),
    "LogSinkhorn, scheduled": lambda epsilon: otsort.LogSinkhorn(otsort.EpsilonSchedule(epsilon), tol=1e-9),
    "Quadrature": functools.partial(otsort.Quadrature, accuracy=1e-10, tol=1e-9),
}


def dense_plan(x, a, target, epsilon, *, cost=np.square, sweeps=20_000):
    """The entropic plan by plain log-domain sweeps in float64 NumPy: an independent reference."""
    from scipy.special import logsumexp

    x, y, b = (np.asarray(array, float) for array in (x, target.points, target.weights))
    b = normalised(b)  # weights of float32 do not sum to 1 in float64, and the potentials would drift
    kernel = -cost(y[None] - x[:, None]) / epsilon
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(np.asarray(a)), np.log(b)
    g = np.where(b > 0, 0, -np.inf)
    for _ in range(sweeps):
        f = log_a - logsumexp(kernel + g, axis=1)
        old, g = g, log_b - logsumexp(kernel + f[:, None], axis=0)
        if np.max(np.abs(g[b > 0] - old[b > 0])) < 1e-13:
            break
    f = log_a - logsumexp(kernel + g, axis=1)
    return np.exp(f[:, None] + kernel + g)


def normalised(weights):
    return np.asarray(weights) / np.sum(weights)


def squashed(x, a):
    return np.asarray(otsort.squash.logistic(jnp.asarray(x), jnp.asarray(a)))


def finite_difference(function, x, direction, step=1e-5):
    """Central difference of a scalar function along a direction."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)


def directional(function, x, direction):
    """The same by forward mode, after checking that reverse mode agrees."""
    forward = jax.jit(lambda x: jax.jvp(function, (x,), (direction,))[1])(x)
    backward = jnp.vdot(jax.jit(jax.grad(function))(x), direction)
    np.testing.assert_allclose(forward, backward, rtol=1e-7, atol=1e-10)
    return forward


def close_points(rng, m):
    """Gaps down to 1e-6, weights down to 1e-8."""
    points = np.sort(rng.uniform(size=m)) + 1e-6 * np.arange(m)
    return otsort.TargetMeasure(points / max(1, points[-1]), positive(rng, m))


def positive(rng, n):
    """Weights of any of the kinds without zeros."""
    return (flat, uneven, tiny)[rng.integers(3)](rng, n)


def near_ties(rng, n):
    return np.arange(n) % 3 + 1e-3 * rng.normal(size=n)


def rounded(rng, n):
    return np.round(rng.normal(size=n), 1)


def skewed(rng, n):
    return rng.lognormal(size=n)


def even(rng, n):
    return rng.uniform(size=n)


#: Larger and harder than the above: for the convergence of the default solver.
HARD_FAMILIES = (spread, heavy_tailed, two_clusters, tied, near_ties, rounded, skewed, even)
HARD_SHAPES = tuple((n, m) for n in (3, 20, 80, 150) for m in (2, 5, 30, 80))


def hard_problems(rng, n, m, count):
    """`count` random problems as one batch: x, a, y, b and an epsilon between 1e-6 and 0.3."""
    batch = []
    for _ in range(count):
        x = HARD_FAMILIES[rng.integers(len(HARD_FAMILIES))](rng, n)
        a = positive(rng, n)
        target = (uniform, close_points)[rng.integers(2)](rng, m)
        batch.append((x, normalised(a), target.points, target.weights, 10 ** rng.uniform(-6, np.log10(0.3))))
    return tuple(map(np.stack, zip(*batch, strict=True)))
