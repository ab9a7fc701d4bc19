"""Arrays that are computed once and stored."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching

from .primitive import compiled_once, primitive

_Arrays = TypeVar("_Arrays")


def materialised(arrays: _Arrays) -> _Arrays:
    """Returns the same arrays, computed once and stored.

    XLA: the compiler for CPUs would fuse their computation into every loop over pairs that uses them, and compute them
    anew for each pair. The call of a function ends a fusion. `jax.lax.optimization_barrier` does not, because the
    compiler removes it before it fuses.
    """
    return jax.tree.map(lambda leaf: _stored.bind(leaf) if eqx.is_inexact_array(leaf) else leaf, arrays)


_stored = primitive("stored", lambda array: array, compiled_once(jnp.copy))
# XLA: changes are stored too, because the loops of a derivative would repeat their computation in the same way.
ad.deflinear2(_stored, lambda change, _: [_stored.bind(change)])
batching.primitive_batchers[_stored] = lambda arrays, dims: (_stored.bind(arrays[0]), dims[0])
