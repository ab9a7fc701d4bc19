"""The layout of arrays: one list, or many lists in one more last axis.

Arrays of one list have axes of inputs and targets, such as `(n, m)`. Short lists that are solved together stand in one
more last axis, `(n, m, lists)`, which is written `*lists` in types. All loops then run over lists and fill the vector
units, for which n and m are too short. Linear algebra consists of a few such loops, instead of a call for each list.

XLA: with the lists first, gradients of ranks of 1000 x 10 take 2.4 times as long, and of 1024 x 16 1.8 times, on a CPU
with 2 cores (`benchmarks/scripts/plain.py`).
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num, Shaped

Tree = TypeVar("Tree")

# XLA: up to these bounds, lists take less time together than one by one on a CPU: `benchmarks/scripts/short_lists.py`.
_MAX_INPUTS = 128
_MAX_TARGETS = 24  # it bounds the program too, because the code of an inverse factor grows with the targets
_MAX_PAIRS = 1024  # of inputs and targets


def lists_last(n: int, m: int) -> bool:
    """Returns whether lists of n inputs with m targets are solved together, in a last axis of all arrays."""
    return n <= _MAX_INPUTS and m <= _MAX_TARGETS and n * m <= _MAX_PAIRS


def with_axes(array: Shaped[Array, "*d"], ndim: int) -> Shaped[Array, "..."]:
    """Returns an array with axes of length 1 after its own, so that it has `ndim` dimensions."""
    return array.reshape(*array.shape, *[1] * (ndim - array.ndim))


def per_target(array: Num[Array, "m *lists"], like: Float[Array, "k *lists"]) -> Num[Array, "m *lists"]:
    """Returns numbers along the first axis in a shape that broadcasts against `like`.

    An array with numbers for each list is returned as it is. An array with numbers for all lists gets further axes.
    """
    return array if array.ndim == like.ndim else with_axes(array, like.ndim)


def select_lists(condition: Bool[Array, "*lists"], new: Tree, old: Tree) -> Tree:
    """Returns the new arrays for lists where the condition holds and the old arrays for the others.

    The arrays may have any axes before that of the lists.
    """
    before = lambda array: tuple(range(array.ndim - condition.ndim)) if condition.ndim else ()
    return jax.tree.map(lambda new, old: jnp.where(jnp.expand_dims(condition, before(new)), new, old), new, old)
