"""The layout of arrays: one list, or many lists in one more last axis.

Arrays of one list have axes of inputs and targets, such as `(n, m)`. Short lists that are solved together stand in a
last axis, `(n, m, lists)`, which is written `*lists` in types. All loops then run over lists and fill the vector units,
for which n and m are too short. Linear algebra is a few such loops instead of a call for every list.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

Tree = TypeVar("Tree")

# Up to these bounds, lists take less time together than one by one on a CPU (`benchmarks/scripts/short_lists.py`).
_MAX_INPUTS = 128
_MAX_TARGETS = 24  # also bounds the program: the code of an inverse factor grows with the targets
_MAX_PAIRS = 1024  # of inputs and targets


def lists_last(n: int, m: int) -> bool:
    """Returns whether lists of n inputs with m targets are solved together, in a last axis of all arrays."""
    return n <= _MAX_INPUTS and m <= _MAX_TARGETS and n * m <= _MAX_PAIRS


def per_target(array: Num[Array, "m *lists"], like: Float[Array, "k *lists"]) -> Num[Array, "m *lists"]:
    """Returns numbers along the first axis that broadcast against `like`.

    Numbers that each list has for itself are returned as they are; numbers for all lists get the further axes.
    """
    return array if array.ndim == like.ndim else array.reshape(-1, *[1] * (like.ndim - 1))


def select_lists(condition: Bool[Array, "*lists"], new: Tree, old: Tree) -> Tree:
    """Returns the new arrays for lists where the condition holds and the old arrays for the others.

    The arrays may have any axes before that of the lists.
    """
    before = lambda array: tuple(range(array.ndim - condition.ndim)) if condition.ndim else ()
    return jax.tree.map(lambda new, old: jnp.where(jnp.expand_dims(condition, before(new)), new, old), new, old)
