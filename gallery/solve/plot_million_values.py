"""
Rank a million values, or more than fit in memory
=================================================

Long lists take time and memory in proportion to their length.

A few thousand numbers are enough to describe the soft plan of a long list. Values that do not fit in memory go
through :mod:`otsort.streaming` in two passes. Values that are spread over several devices are ranked where they are.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import otsort

values = np.random.default_rng(0).lognormal(size=1_000_000).astype(np.float32)


@jax.jit
def ranks_and_gradient(x):
    ranks, pull_back = jax.vjp(lambda x: otsort.rank(x, epsilon=1e-3), x)
    return ranks, pull_back(ranks)[0]


lengths, memory = (10_000, 1_000_000), []
for n in lengths:
    compiled = ranks_and_gradient.lower(jax.ShapeDtypeStruct((n,), jnp.float32)).compile()
    memory.append(compiled.memory_analysis().temp_size_in_bytes / 2**20)
    print(f"{n:9,} ranks and their gradient: {memory[-1]:.2f} MiB of scratch memory")

ranks, _ = compiled(values)

# %%
# Values in chunks
# ----------------
#
# The first pass computes the mean and the standard deviation. The second pass computes a few thousand *moments*, which
# are sums of powers of the values in small cells. The stream can then be asked for the rank of any value. A
# memory-mapped file is read in the same way.

stream = otsort.streaming.fit(otsort.streaming.Chunks(values, size=2**17), epsilon=1e-3)
worst = jnp.max(jnp.abs(stream.rank(values) - ranks)) / len(values)
print(f"largest difference from the ranks in memory: {worst:.0e} of the length")
levels = np.array([0.01, 0.5, 0.99])
print("quantiles of the stream", stream.quantile(levels), "and of NumPy", np.quantile(values, levels))

# %%
# Values on several devices
# -------------------------
#
# An array that is split over devices stays split: the devices only exchange sums. The script uses all devices that it
# finds, even if there is only one.

mesh = jax.make_mesh((jax.device_count(),), ("devices",), axis_types=(AxisType.Auto,))
split = jax.device_put(values, NamedSharding(mesh, PartitionSpec("devices")))
of_split, gradient = ranks_and_gradient(split)
kept = of_split.sharding == gradient.sharding == split.sharding
print(f"devices: {jax.device_count()}; ranks and gradient lie where the values do: {kept}")

# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
axes[0].plot(lengths, memory, "o-", label="ranks and their gradient")
axes[0].plot(lengths, [4 * n**2 / 2**20 for n in lengths], "--", label="one matrix of pairs")
axes[0].set(xscale="log", yscale="log", xlabel="values", ylabel="MiB", title="Scratch memory")
axes[0].legend()
asked = np.geomspace(0.02, 50, 200).astype(np.float32)
ordered = np.sort(values)
axes[1].plot(asked, np.searchsorted(ordered, asked) / len(values), color="0.7", linewidth=4, label="exact")
axes[1].plot(asked, stream.cdf(asked), label="stream, epsilon = 0.001")
axes[1].set(xscale="log", xlabel="value", ylabel="level", title="Distribution of a million values")
axes[1].legend()
