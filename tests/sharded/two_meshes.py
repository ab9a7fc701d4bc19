"""Two meshes one after the other: what the library keeps belongs to none of them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import otsort

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
