"""Second derivatives within loops: of every solver, operator and loss, against those of a Python loop.

Up to JAX 0.11.2 a loop drops the rule of `jax.custom_jvp` for the second derivative.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from . import problems

RNG = np.random.default_rng(0)
#: Lists, and a direction of change.
X, V = (jnp.asarray(RNG.normal(size=(2, 5))) for _ in range(2))
OTHERS = jnp.asarray(RNG.normal(size=5))
LABELS = np.array([0, 1, 0, 1, 1])
NEWTON = {"solver": otsort.Newton(0.05, tol=1e-10)}

OPERATORS = {
    "rank": otsort.rank,
    "rank at": functools.partial(otsort.rank, at=jnp.asarray([0.1, 0.7])),
    "cdf": otsort.cdf,
    "sort": otsort.sort,
    "sort_by": lambda x, **options: otsort.sort_by(x**2, x, **options),
    "permutation": otsort.permutation,
    "quantile": functools.partial(otsort.quantile, q=jnp.asarray([0.2, 0.6])),
    "top_k": functools.partial(otsort.top_k, k=2),
    "top_k_mask": functools.partial(otsort.top_k_mask, k=2),
    "selection": functools.partial(otsort.selection, k=2),
    "quantile_normalize": functools.partial(otsort.quantile_normalize, reference=jnp.asarray([0.0, 1.0, 5.0])),
    "quantile_transform": functools.partial(otsort.quantile_transform, quantile_function=jnp.sin),
    "quantize": functools.partial(otsort.quantize, levels=2),
    "straight_through": otsort.straight_through(otsort.rank),
    "top_k_error": lambda x, **options: otsort.losses.top_k_error(x, 1, penalty=jnp.square, **options),
    "top_k_cross_entropy": lambda x, **options: otsort.losses.top_k_cross_entropy(x, 1, k=2, **options),
    "spearman_distance": lambda x, **options: otsort.losses.spearman_distance(x, OTHERS, **options),
    "quantile_error": lambda x, **options: otsort.losses.quantile_error(x, 0.4, **options),
    "trimmed_mean": lambda x, **options: otsort.losses.trimmed_mean(x, 0.1, 0.8, **options),
    "permutation_cross_entropy": lambda x, **options: otsort.losses.permutation_cross_entropy(x, OTHERS, **options),
    "roc_auc": lambda x, **options: otsort.metrics.roc_auc(x, LABELS, **options),
    "average_precision": lambda x, **options: otsort.metrics.average_precision(x, LABELS, **options),
    "ndcg": lambda x, **options: otsort.metrics.ndcg(x, jnp.abs(OTHERS), **options),
    "kendall_tau": lambda x, **options: otsort.metrics.kendall_tau(x, OTHERS, **options),
    "expected_shortfall": lambda x, **options: otsort.losses.expected_shortfall(x, 0.3, **options),
}
# Each has its own potential, whose derivative is implicit or that of all steps.
SOLVERS = {
    **{name: problems.SOLVERS[name] for name in ("LogSinkhorn", "AndersonSinkhorn", "Newton", "Quadrature")},
    "Sinkhorn": functools.partial(otsort.Sinkhorn, max_steps=60),
    "checkpointed": lambda epsilon: otsort.Sinkhorn(epsilon, max_steps=60, differentiation=otsort.Checkpointed()),
    "one at a time": lambda epsilon: otsort.Newton(epsilon, tol=1e-9, start=otsort.ExactStart().__call__),
}


def scan(function, x):
    return jax.lax.scan(lambda carry, x: (carry, function(x)), None, x)[1]


def remat(function, x):
    return jnp.stack([jax.checkpoint(function)(row) for row in x])


def accumulated(function, x):
    """The sum of answers so far, as a loop of training steps has it."""
    body = lambda i, total: total.at[i].set(function(x[i]))
    return jax.lax.fori_loop(0, len(x), body, jnp.zeros((len(x), *jax.eval_shape(function, x[0]).shape)))


def branches(function, x):
    return jnp.stack([jax.lax.cond(row[0] < 9, function, lambda row: 0 * function(row), row) for row in x])


LOOPS = {f.__name__: f for f in (scan, remat, accumulated, branches)}


#: The product of the Hessian with a vector, by each order of the two modes.
MODES = {
    "jvp of grad": lambda loss, x, v: jax.jvp(jax.grad(loss), (x,), (v,))[1],
    "grad of grad": lambda loss, x, v: jax.grad(lambda x: jnp.vdot(v, jax.grad(loss)(x)))(x),
    "grad of jvp": lambda loss, x, v: jax.grad(lambda x: jax.jvp(loss, (x,), (v,))[1])(x),
}


#: Operators of different kinds; those that are made of the same parts are tried with the slow tests.
QUICK = {"rank", "permutation", "straight_through", "top_k_cross_entropy"}


def each_with_one_mode(names, quick=QUICK):
    """Every name with every mode; all but one of the modes, and names that are not quick, are slow tests."""
    modes = list(MODES)
    is_quick = lambda place, name, mode: name in quick and modes.index(mode) == place % len(modes)
    return [
        pytest.param(name, mode, marks=[] if is_quick(place, name, mode) else pytest.mark.slow)
        for place, name in enumerate(names)
        for mode in modes
    ]


def check(function, loop, mode):
    probe = jnp.cos(jnp.arange(jax.eval_shape(function, X[0]).size))
    loss = lambda answer: jnp.sum(probe * answer.ravel() ** 2)
    of_one = jax.jit(lambda x, v: MODES[mode](lambda x: loss(function(x)), x, v))
    expected = jnp.stack([of_one(x, v) for x, v in zip(X, V, strict=True)])
    found = jax.jit(lambda x: MODES[mode](lambda x: sum(map(loss, loop(function, x))), x, V))(X)
    assert jnp.max(jnp.abs(expected)) > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-6 * float(jnp.max(jnp.abs(expected))))


@pytest.mark.parametrize(("name", "mode"), each_with_one_mode(OPERATORS))
def test_operators_in_a_map(name, mode):
    check(functools.partial(OPERATORS[name], **NEWTON), jax.lax.map, mode)


@pytest.mark.parametrize(
    ("name", "mode"), each_with_one_mode(SOLVERS, ("LogSinkhorn", "Quadrature", "Sinkhorn", "one at a time"))
)
@pytest.mark.ci
def test_solvers_in_a_map(name, mode):
    check(functools.partial(otsort.rank, solver=SOLVERS[name](0.1)), jax.lax.map, mode)


@pytest.mark.parametrize(("name", "mode"), each_with_one_mode(LOOPS, ("scan", "branches")))
def test_other_loops(name, mode):
    check(functools.partial(otsort.rank, **NEWTON), LOOPS[name], mode)


def test_one_step_refuses_second_derivatives_in_a_map_too():
    solver = otsort.Newton(0.1, differentiation=otsort.OneStep())
    loss = lambda x: jnp.sum(jax.lax.map(functools.partial(otsort.rank, solver=solver), x) ** 3)
    with pytest.raises(NotImplementedError, match="Implicit"):
        jax.jvp(jax.grad(loss), (X,), (V,))
