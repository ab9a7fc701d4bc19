"""One long list over all devices: operators gather no array of its length. Argument: how many of the operators."""

import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import otsort

devices = jax.devices()
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
for name, function in list(functions.items())[: int(sys.argv[1])]:
    program = jax.jit(function).lower(*arguments).compile()
    answer, expected = np.asarray(program(*arguments)), np.asarray(jax.jit(function)(x, probe))
    assert np.max(np.abs(answer - expected)) < 5e-5 * np.max(np.abs(expected)), name
    gathered = re.findall(r"= \w+\[([\d,]*)\]\S* all-(?:gather|to-all)", program.as_text())
    assert all(np.prod([int(size) for size in shape.split(",")]) < n // 4 for shape in gathered if shape), name
