"""Derivatives: every strategy against float64 finite differences, in every input, both modes, and of second order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

from . import problems
from .cases import some

EPSILON = 0.05
RNG = np.random.default_rng(0)
N, M = 6, 4
INPUTS = {
    "x": jnp.asarray(RNG.normal(size=N)),
    "a": jnp.asarray(RNG.uniform(0.5, 1, N)),
    "b": jnp.asarray(RNG.uniform(0.5, 1, M)),
    "y": jnp.asarray([0.0, 0.25, 0.7, 1.0]),
    "epsilon": jnp.asarray(EPSILON),
}
DIRECTION = {name: jnp.asarray(RNG.normal(size=value.shape)) for name, value in INPUTS.items()}
PULL_PROBE = jnp.asarray(RNG.normal(size=N))
PUSH_PROBE = jnp.asarray(RNG.normal(size=M))

STRATEGIES = {
    "unrolled": lambda e: otsort.LogSinkhorn(e, tol=1e-12, max_steps=400, differentiation=otsort.Unrolled()),
    "checkpointed": lambda e: otsort.LogSinkhorn(e, tol=None, max_steps=300, differentiation=otsort.Checkpointed()),
    "implicit": lambda e: otsort.LogSinkhorn(e, tol=1e-12, differentiation=otsort.Implicit()),
    "one_step": lambda e: otsort.LogSinkhorn(e, tol=1e-12, differentiation=otsort.OneStep(200)),
    "kernel": lambda e: otsort.Sinkhorn(e, max_steps=400),
    "anderson": lambda e: otsort.AndersonSinkhorn(e, tol=1e-12),
    "newton": lambda e: otsort.Newton(e, tol=1e-12),
    "newton_one_step": lambda e: otsort.Newton(e, tol=1e-12, differentiation=otsort.OneStep()),
}


def loss(inputs, solver):
    """A weighted sum of everything a plan says."""
    target = otsort.TargetMeasure(inputs["y"], inputs["b"])
    plan = otsort.solve(inputs["x"], target, weights=inputs["a"], solver=solver(inputs["epsilon"])).plan
    return PULL_PROBE @ plan.pull(target.cumulative) + PUSH_PROBE @ plan.push(inputs["x"])


@pytest.fixture(scope="module")
def differences():
    """Finite differences of the converged loss, input by input."""
    exact = jax.jit(lambda inputs: loss(inputs, STRATEGIES["newton"]))
    step = 1e-4

    def central(name, h):
        up, down = (
            exact({**INPUTS, name: INPUTS[name] + sign * h * step * DIRECTION[name] * _scale(name)}) for sign in (1, -1)
        )
        return (up - down) / (2 * h * step)

    # Richardson's extrapolation: fourth order in the step.
    return {name: (4 * central(name, 1) - central(name, 2)) / 3 for name in INPUTS}


def _scale(name):
    return 0.05 if name == "epsilon" else 1.0


@pytest.mark.parametrize("strategy", some(STRATEGIES, ("unrolled", "implicit", "kernel")))
def test_every_strategy_in_every_input(strategy, differences):
    function = jax.jit(lambda inputs: loss(inputs, STRATEGIES[strategy]))
    gradient = jax.jit(jax.grad(function))(INPUTS)
    tangent = jax.jit(lambda t: jax.jvp(function, (INPUTS,), (t,))[1])
    for name in INPUTS:
        direction = {key: (value * _scale(key) if key == name else 0 * value) for key, value in DIRECTION.items()}
        forward = tangent(direction)
        backward = jnp.vdot(gradient[name], direction[name])
        np.testing.assert_allclose(forward, backward, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(forward, differences[name], rtol=2e-6, err_msg=name)


@pytest.mark.parametrize("strategy", ["unrolled", "newton"])
def test_hessian_vector_products(strategy):
    function = lambda x: loss({**INPUTS, "x": x}, STRATEGIES[strategy])
    x, v = INPUTS["x"], DIRECTION["x"]
    gradient = jax.jit(jax.grad(function))
    expected = (gradient(x + 1e-5 * v) - gradient(x - 1e-5 * v)) / 2e-5
    product = jax.jit(lambda x: jax.jvp(jax.grad(function), (x,), (v,))[1])(x)
    np.testing.assert_allclose(product, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("epsilon", some([1e-2, 1e-1], [1e-2]))
def test_hessian_vector_products_of_the_default(epsilon):
    """Against the unrolled ones in float64; then float32 against float64."""
    rng = np.random.default_rng(4)
    x, v, probe = rng.normal(size=16), rng.normal(size=16), rng.normal(size=16)

    def product(solver, dtype):
        def function(x):
            target = otsort.TargetMeasure.uniform(16)
            plan = otsort.solve(x, target, solver=solver).plan
            return jnp.vdot(jnp.asarray(probe, dtype), plan.pull(target.cumulative.astype(dtype)) + plan.push(x))

        return jax.jit(lambda x, v: jax.jvp(jax.grad(function), (x,), (v,))[1])(
            *(jnp.asarray(u, dtype) for u in (x, v))
        )

    sweeps = otsort.LogSinkhorn(epsilon, tol=None, max_steps=400, differentiation=otsort.Unrolled())
    exact = product(otsort.Newton(epsilon, tol=1e-12), np.float64)
    scale = float(jnp.linalg.norm(exact))
    np.testing.assert_allclose(exact, product(sweeps, np.float64), atol=1e-6 * scale)
    np.testing.assert_allclose(product(otsort.Newton(epsilon), np.float32), exact, atol=1e-3 * scale)


def test_hessian_in_all_inputs_is_symmetric():
    hessian = jax.jit(jax.hessian(lambda inputs: loss(inputs, STRATEGIES["newton"])))(INPUTS)
    for one in INPUTS:
        for other in INPUTS:
            a, b = hessian[one][other], hessian[other][one]
            a = jnp.moveaxis(a, range(INPUTS[one].ndim), range(-INPUTS[one].ndim, 0)) if INPUTS[one].ndim else a
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8 * jnp.max(jnp.abs(b)))


def test_one_step_refuses_second_derivatives():
    function = lambda x: loss({**INPUTS, "x": x}, STRATEGIES["newton_one_step"])
    with pytest.raises(NotImplementedError, match="Implicit"):
        jax.hessian(function)(INPUTS["x"])
    with pytest.raises(NotImplementedError, match="Implicit"):
        jax.grad(lambda x: jnp.sum(jax.grad(function)(x) ** 2))(INPUTS["x"])


def test_unrolled_is_the_derivative_of_what_was_computed():
    """Few sweeps, far from converged: the derivative of the program, which the implicit one is not."""

    def budget(differentiation):
        return lambda e: otsort.LogSinkhorn(
            e, tol=None, max_steps=2, start=otsort.zero_start, differentiation=differentiation
        )

    x, v = INPUTS["x"], DIRECTION["x"]
    values = {}
    for name, differentiation in {"unrolled": otsort.Unrolled(), "implicit": otsort.Implicit()}.items():
        function = lambda x, d=differentiation: loss({**INPUTS, "x": x}, budget(d))
        values[name] = jnp.vdot(jax.grad(function)(x), v)
    truth = problems.finite_difference(lambda x: loss({**INPUTS, "x": x}, budget(otsort.Unrolled())), x, v)
    np.testing.assert_allclose(values["unrolled"], truth, rtol=1e-7)
    assert abs(values["implicit"] - truth) > 1e-3 * abs(truth)


def test_weights_of_zero_have_their_derivative():
    """One-sided in the weights, which may not become negative; in x and y ordinary."""
    zero_a = jnp.asarray([0.3, 0.0, 0.2, 0.1, 0.0, 0.4])
    zero_b = jnp.asarray([0.0, 0.5, 0.0, 0.5])
    inputs = {**INPUTS, "a": zero_a, "b": zero_b}
    for strategy in ("newton", "unrolled"):
        function = jax.jit(lambda inputs, s=strategy: loss(inputs, STRATEGIES[s]))
        gradient = jax.grad(function)(inputs)
        for name in ("a", "b"):
            up = jnp.abs(DIRECTION[name])
            one, two = (function({**inputs, name: inputs[name] + h * up}) for h in (1e-6, 2e-6))
            expected = (4 * one - two - 3 * function(inputs)) / 2e-6
            np.testing.assert_allclose(jnp.vdot(gradient[name], up), expected, rtol=1e-5)
        for name in ("x", "y"):
            expected = problems.finite_difference(
                lambda value, name=name, f=function: f({**inputs, name: value}), inputs[name], DIRECTION[name], 1e-6
            )
            np.testing.assert_allclose(jnp.vdot(gradient[name], DIRECTION[name]), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "operator",
    some(
        ["quantile", "top_k", "top_k_mask", "quantize", "permutation", "sort_by"], ("top_k", "permutation", "sort_by")
    ),
)
def test_other_operators(operator):
    x, v = jnp.asarray([0.3, -1.0, 2.0, 0.9, 0.1, 0.5]), DIRECTION["x"]
    solver = otsort.Newton(epsilon=EPSILON, tol=1e-12)
    function = {
        "quantile": lambda x: otsort.quantile(x, jnp.array([0.1, 0.5]), solver=solver),
        "top_k": lambda x: otsort.top_k(x, 2, solver=solver),
        "top_k_mask": lambda x: otsort.top_k_mask(x, 2, solver=solver),
        "quantize": lambda x: otsort.quantize(x, 3, solver=solver),
        "permutation": lambda x: otsort.permutation(x, num_targets=3, solver=solver),
        "sort_by": lambda x: otsort.sort_by(jnp.stack([x**2, x], 1), x, num_targets=3, solver=solver),
    }[operator]
    scalar = jax.jit(
        lambda x: jnp.vdot(jnp.asarray(np.random.default_rng(5).normal(size=function(x).size)), function(x).ravel())
    )
    expected = problems.finite_difference(scalar, x, v, 1e-5)
    np.testing.assert_allclose(problems.directional(scalar, x, v), expected, rtol=1e-6)


FLOAT32 = [*((family, 7) for family in ("spread", "two_clusters", "tied", "constant", "with_zeros")), ("spread", 1)]


@pytest.mark.parametrize(("family", "n"), some(FLOAT32, [("spread", 7), ("tied", 7), ("with_zeros", 7), ("spread", 1)]))
def test_float32_gradients_are_finite_and_right(family, n):
    rng = np.random.default_rng(3)
    x = problems.FAMILIES[family if family != "with_zeros" else "spread"](rng, n)
    weights = problems.with_zeros(rng, n) if family == "with_zeros" else np.ones(n)
    probe = rng.normal(size=n)

    def function(x, weights):
        return jnp.vdot(jnp.asarray(probe, x.dtype), otsort.rank(x, weights=weights) + otsort.sort(x, weights=weights))

    gradient = jax.jit(jax.grad(function, argnums=(0, 1)))
    single = gradient(jnp.asarray(x, jnp.float32), jnp.asarray(weights, jnp.float32))
    double = gradient(jnp.asarray(x), jnp.asarray(weights))
    for got, expected in zip(single, double, strict=True):
        assert got.dtype == jnp.float32
        assert jnp.all(jnp.isfinite(got))
        scale = max(1.0, float(jnp.linalg.norm(expected)))
        np.testing.assert_allclose(got, expected, atol=1e-3 * scale)


def test_a_constant_input_has_no_squash_gradient():
    x = jnp.full(5, 0.1, jnp.float32)
    for squash in (otsort.squash.logistic, otsort.squash.min_max):
        gradient = jax.jit(jax.jacobian(lambda x, s=squash: otsort.rank(x, squash=s)))(x)
        np.testing.assert_array_equal(gradient, jnp.zeros((5, 5)))


def test_float32_gradient_at_2048():
    rng = np.random.default_rng(0)
    x, probe = rng.normal(size=2048), rng.normal(size=2048)
    solver = otsort.LogSinkhorn(differentiation=otsort.Implicit(), tol=1e-4)

    def function(x):
        return jnp.vdot(jnp.asarray(probe, x.dtype), otsort.rank(x, num_targets=32, solver=solver))

    single = jax.jit(jax.grad(function))(jnp.asarray(x, jnp.float32))
    double = jax.jit(jax.grad(function))(jnp.asarray(x))
    assert jnp.all(jnp.isfinite(single))
    np.testing.assert_allclose(single, double, atol=1e-3 * float(jnp.max(jnp.abs(double))))
