"""A batch over four devices: every solver gives the answers of one device.

Argument: `all` ways of splitting for each solver, or `some`: one way each for every other solver.
"""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import otsort

x = jnp.asarray(np.random.default_rng(0).normal(size=(8, 20)), jnp.float32)
solvers = {
    "sparse": otsort.SparseNewton(0.1),
    "quadrature": otsort.Quadrature(),
    "sparse mask": otsort.SparseNewton(0.1),  # two targets take another path
    "newton": otsort.Newton(),
    "log_sinkhorn": otsort.LogSinkhorn(),
    "schedule": otsort.LogSinkhorn(otsort.EpsilonSchedule(0.05)),
    "anderson": otsort.AndersonSinkhorn(),
    "sinkhorn": otsort.Sinkhorn(0.05),
    "checkpointed": otsort.Sinkhorn(0.05, max_steps=20, differentiation=otsort.Checkpointed()),
    "unrolled": otsort.LogSinkhorn(0.05, max_steps=50, differentiation=otsort.Unrolled()),
    "one_step": otsort.LogSinkhorn(0.05, differentiation=otsort.OneStep()),
    "exact": otsort.NorthWestCorner(),
}


def shard_map(function):
    mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Auto,))
    return jax.shard_map(function, mesh=mesh, in_specs=P("i"), out_specs=P("i"))(x)


def automatic(function):
    return on_a_mesh(function, P("i"))


def each_list_split(function):
    return on_a_mesh(function, P(None, "i"))


def on_a_mesh(function, spec):
    mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Auto,))
    return function(jax.device_put(x, NamedSharding(mesh, spec)))


def explicit(function):
    mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Explicit,))
    with (jax.set_mesh if hasattr(jax, "set_mesh") else jax.sharding.use_mesh)(mesh):
        answers = function(jax.device_put(x, NamedSharding(mesh, P("i"))))
    assert all(answer.sharding.spec[0] == "i" for answer in answers)
    return answers


def pmap(function):
    return [answer.reshape(x.shape) for answer in jax.pmap(function)(x.reshape(4, 2, 20))]


WAYS = [shard_map, automatic, each_list_split, explicit, pmap]

every = 1 if sys.argv[1] == "all" else 2
for place, (name, solver) in enumerate(list(solvers.items())[::every]):

    @jax.jit
    @functools.partial(jax.grad, has_aux=True)
    def both(x, solver=solver, name=name):
        """Returns the gradient, and the ranks or masks."""
        answers = otsort.top_k_mask(x, 3, solver=solver) if "mask" in name else otsort.rank(x, solver=solver)
        return jnp.sum(jnp.cos(answers)), answers

    right = both(x)
    for how in WAYS if sys.argv[1] == "all" else {WAYS[place % 5], *([shard_map] if "mask" in name else [])}:
        for answer, expected in zip(how(both), right, strict=True):
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=3e-4, err_msg=f"{name} {how.__name__}")
