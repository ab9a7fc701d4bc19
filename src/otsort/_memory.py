"""Where the compiler's fusions end."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from ._layout import anywhere

_Arrays = TypeVar("_Arrays")


def in_memory(arrays: _Arrays) -> _Arrays:
    """The same arrays, computed once and stored.

    XLA:CPU would else fuse their computation into every loop over pairs that uses them, and compute them anew for each
    pair: 256 lists of 100 or of 1000 then take 1.4 times as long, with gradient 1.5 times. A condition that is decided
    when the program runs ends a fusion; `jax.lax.optimization_barrier` does not, as it is gone before fusion.
    """
    numbers = [leaf for leaf in jax.tree.leaves(arrays) if eqx.is_inexact_array(leaf)]
    broken = lambda arrays: jax.tree.map(lambda a: a * jnp.nan if eqx.is_inexact_array(a) else a, arrays)
    # False only if all of the first array, of all lists, is NaN.
    return jax.lax.cond(anywhere(jnp.any(numbers[0] > -jnp.inf)), lambda arrays: arrays, broken, arrays)
