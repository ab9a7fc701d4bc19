"""Sharded arrays: the answers of one device, and x stays where it is."""

import os
import subprocess
import sys
import textwrap

import jax
import pytest

PROGRAM = """
    import re, sys
    import jax, jax.numpy as jnp, numpy as np, otsort
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    devices = jax.devices()
    assert len(devices) == int(sys.argv[1])
    mesh = jax.make_mesh((len(devices),), ("i",), axis_types=(AxisType.Auto,))
    n = 2**14
    x, probe = jnp.asarray(np.random.default_rng(0).normal(size=(2, n)), jnp.float32)
    arguments = jax.device_put((x, probe), NamedSharding(mesh, PartitionSpec("i")))
    functions = {
        "rank": lambda x, probe: otsort.rank(x),
        "gradient of rank": lambda x, probe: jax.grad(lambda x: probe @ otsort.rank(x))(x),
        "quantile": lambda x, probe: otsort.quantile(x, jnp.array([0.1, 0.5])),
        "top_k_mask": lambda x, probe: otsort.top_k_mask(x, 1000),
        "cdf": lambda x, probe: otsort.cdf(x),
        "quantile_normalize": lambda x, probe: otsort.quantile_normalize(x, jnp.linspace(0, 1, n)),
    }
    for name, function in list(functions.items())[: int(sys.argv[2])]:
        program = jax.jit(function).lower(*arguments).compile()
        answer, expected = np.asarray(program(*arguments)), np.asarray(jax.jit(function)(x, probe))
        assert np.max(np.abs(answer - expected)) < 5e-5 * np.max(np.abs(expected)), name
        gathered = re.findall(r"= \\w+\\[([\\d,]*)\\]\\S* all-(?:gather|to-all)", program.as_text())
        assert all(np.prod([int(size) for size in shape.split(",")]) < n // 4 for shape in gathered if shape), name
"""


@pytest.mark.parametrize(
    ("devices", "functions"), [(8, 2), *(pytest.param(devices, 6, marks=pytest.mark.slow) for devices in (4, 8))]
)
def test_sharded_arrays(devices, functions):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    run = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(devices), str(functions)]
    subprocess.run(run, env=os.environ | {"XLA_FLAGS": flags}, check=True)


DATA_PARALLEL = """
    import functools, sys
    import jax, jax.numpy as jnp, numpy as np, otsort
    from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

    x = jnp.asarray(np.random.default_rng(0).normal(size=(8, 20)), jnp.float32)
    solvers = {
        "newton": otsort.Newton(),
        "quadrature": otsort.Quadrature(),
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


    def automatic(function, spec=P("i")):
        mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Auto,))
        return function(jax.device_put(x, NamedSharding(mesh, spec)))


    def each_list_split(function):
        return automatic(function, P(None, "i"))


    def explicit(function):
        mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Explicit,))
        with (jax.set_mesh if hasattr(jax, "set_mesh") else jax.sharding.use_mesh)(mesh):
            answers = function(jax.device_put(x, NamedSharding(mesh, P("i"))))
        assert all(answer.sharding.spec[0] == "i" for answer in answers)
        return answers


    def pmap(function):
        return [answer.reshape(x.shape) for answer in jax.pmap(function)(x.reshape(4, 2, 20))]


    for name, solver in list(solvers.items())[int(sys.argv[1]) :: 2]:
        @jax.jit
        @functools.partial(jax.grad, has_aux=True)
        def both(x, solver=solver):
            ranks = otsort.rank(x, solver=solver)
            return jnp.sum(jnp.cos(ranks)), ranks

        right = both(x)
        for how in (shard_map, automatic, each_list_split, explicit, pmap):
            for answer, expected in zip(how(both), right, strict=True):
                np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=3e-4, err_msg=f"{name} {how.__name__}")
"""


@pytest.mark.skipif(jax.__version_info__ < (0, 7), reason="searchsorted of jax 0.6 does not run within shard_map")
@pytest.mark.parametrize("half", [0, 1])
def test_a_batch_split_over_devices(half):
    """Every solver, within `jax.shard_map`, on both kinds of meshes and under `jax.pmap`."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=4"
    run = [sys.executable, "-W", "error", "-c", textwrap.dedent(DATA_PARALLEL), str(half)]
    subprocess.run(run, env=os.environ | {"XLA_FLAGS": flags}, check=True)


EXPLICIT = """
    import contextlib
    import jax, jax.numpy as jnp, numpy as np, otsort
    from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

    x, weights = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 4, 8)), jnp.float32)
    where, exact = weights > 0.2, {"epsilon": 0}


    def program(x, weights, where):
        \"\"\"What is sharded as x, and what is not.\"\"\"
        like_x = (
            otsort.rank(x, weights=weights, where=where, **exact),
            otsort.top_k_mask(x, jnp.sum(weights, axis=1) / 3, where=where, **exact),
        )
        return like_x, (
            otsort.quantile(x, [0.2, 0.7], weights=weights, **exact),
            otsort.losses.spearman_distance(x, weights, where=where, **exact),
            otsort.losses.top_k_error(x, jnp.argmax(weights, axis=1), where=where, **exact),
        )


    @jax.jit
    def and_gradient(x, weights, where):
        like_x, others = program(x, weights, where)
        ranks, back = jax.vjp(lambda x: otsort.rank(x, weights=weights, where=where), x)
        return (ranks, *back(ranks), *like_x), others


    AUTO, EXPLICIT = AxisType.Auto, AxisType.Explicit
    line = jax.make_mesh((4,), ("i",), axis_types=(EXPLICIT,))
    square = jax.make_mesh((2, 2), ("i", "j"), axis_types=(EXPLICIT, EXPLICIT))
    mixed = jax.make_mesh((2, 2), ("i", "j"), axis_types=(AUTO, EXPLICIT))
    outside = lambda mesh: contextlib.nullcontext()
    inside = jax.set_mesh if hasattr(jax, "set_mesh") else jax.sharding.use_mesh  # jax 0.6
    compiled, right = jax.jit(program), and_gradient(x, weights, where)
    for known, mesh, function, *specs in (
        (outside, line, program, P("i"), P("i"), P("i")),
        (outside, line, and_gradient, P("i"), P("i"), P("i")),
        (outside, line, compiled, P(None, "i"), P(None, "i"), P()),
        (outside, line, compiled, P("i"), None, None),
        (outside, line, compiled, None, P("i"), P("i")),
        (inside, square, compiled, P("i", "j"), P("i", "j"), P("i")),
        (outside, mixed, compiled, P("j"), P("j"), P("j")),
    ):
        with known(mesh):
            place = lambda array, spec: array if spec is None else jax.device_put(array, NamedSharding(mesh, spec))
            like_x, others = function(*map(place, (x, weights, where), specs))
        for answer, expected in zip(like_x + others, right[0][-len(like_x) :] + right[1], strict=True):
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4, err_msg=f"{mesh} {specs}")
        if specs[0] is not None:
            assert all(answer.sharding.is_equivalent_to(NamedSharding(mesh, specs[0]), 2) for answer in like_x)
"""


def test_explicit_meshes_need_not_be_the_current_one():
    """Where `jnp.sort` works, operators do: eager and compiled, with options that are sharded or not."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=4"
    run = [sys.executable, "-W", "error", "-c", textwrap.dedent(EXPLICIT)]
    subprocess.run(run, env=os.environ | {"XLA_FLAGS": flags}, check=True)


TWO_MESHES = """
    import jax, jax.numpy as jnp, numpy as np, otsort
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec as P

    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 20)), jnp.float32)
    operators = (otsort.rank, otsort.median, lambda x: otsort.top_k_mask(x, 2))
    meshes = [Mesh(np.array(jax.devices())[i : i + 2], ("i",), axis_types=(AxisType.Explicit,)) for i in (0, 2)]
    answers = []
    for mesh in meshes:
        with (jax.set_mesh if hasattr(jax, "set_mesh") else jax.sharding.use_mesh)(mesh):
            y = jax.device_put(x, NamedSharding(mesh, P("i")))
            answers.append([np.asarray(operator(y)) for operator in operators])
    answers.append([np.asarray(operator(x)) for operator in operators])
    for other in answers[1:]:
        for answer, expected in zip(other, answers[0], strict=True):
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-6)
"""


@pytest.mark.skipif(jax.__version_info__ < (0, 7), reason="jax 0.6 knows no current mesh of this kind")
def test_what_is_kept_belongs_to_no_mesh():
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=4"
    run = [sys.executable, "-c", textwrap.dedent(TWO_MESHES)]
    subprocess.run(run, env=os.environ | {"XLA_FLAGS": flags}, check=True)
