"""Ranks of one list that several processes hold together.

`python two_processes.py ADDRESS PROCESSES ID [VALUES]`
"""

import sys

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import otsort


@jax.jit
def ranks_and_gradient(x: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Ranks, and the gradient of their weighted sum."""
    ranks, pull_back = jax.vjp(otsort.rank, x)
    return ranks, pull_back(weights)[0]


def main(address: str, processes: int, process: int, values: int = 2**14) -> None:
    # Between CPUs; GPUs have their own.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, processes, process)
    mesh = jax.make_mesh((jax.device_count(),), ("devices",), axis_types=(AxisType.Auto,))
    sharding = NamedSharding(mesh, PartitionSpec("devices"))

    # What this process holds: here made, elsewhere read.
    own = np.random.default_rng(process).standard_normal((2, values // processes), np.float32)
    x, weights = (jax.make_array_from_process_local_data(sharding, part) for part in own)

    answers = ranks_and_gradient(x, weights)  # as sharded as x: values stay where they are
    own_ranks, own_gradient = (
        np.concatenate([shard.data for shard in answer.addressable_shards]) for answer in answers
    )
    np.save(f"answers-{process}.npy", [own_ranks, own_gradient])
    print(f"process {process} of {jax.process_count()}:")
    print(f"ranks {own_ranks[:3]}, gradient {own_gradient[:3]}")


if __name__ == "__main__":
    address, *numbers = sys.argv[1:]
    main(address, *map(int, numbers))
