"""Arrays on explicit meshes, current or not, with options that are sharded or not.

Argument: `all` combinations, or `some`.
"""

import contextlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import otsort

x, weights = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 4, 8)), jnp.float32)
where, exact = weights > 0.2, {"epsilon": 0}


def program(x, weights, where):
    """Returns the answers that are sharded as x, and those that are not."""
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


def place(array, spec, mesh):
    return array if spec is None else jax.device_put(array, NamedSharding(mesh, spec))


COMBINATIONS = [
    (outside, line, program, P("i"), P("i"), P("i")),
    (outside, line, and_gradient, P("i"), P("i"), P("i")),
    (outside, line, compiled, P(None, "i"), P(None, "i"), P()),
    (outside, line, compiled, P("i"), None, None),
    (outside, line, compiled, None, P("i"), P("i")),
    (inside, square, compiled, P("i", "j"), P("i", "j"), P("i")),
    (outside, mixed, compiled, P("j"), P("j"), P("j")),
]
for known, mesh, function, *specs in COMBINATIONS if sys.argv[1] == "all" else COMBINATIONS[3::3]:
    with known(mesh):
        like_x, others = function(*(place(*each, mesh) for each in zip((x, weights, where), specs, strict=True)))
    for answer, expected in zip(like_x + others, right[0][-len(like_x) :] + right[1], strict=True):
        np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4, err_msg=f"{mesh} {specs}")
    if specs[0] is not None:
        assert all(answer.sharding.is_equivalent_to(NamedSharding(mesh, specs[0]), 2) for answer in like_x)
