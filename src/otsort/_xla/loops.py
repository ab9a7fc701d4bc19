"""Conditions of loops and errors that hold for a whole batch, also under `jax.vmap`."""

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Int


def anywhere(condition: Bool[Array, "*lists"]) -> Bool[Array, ""]:
    """Returns whether a condition holds for any list, including all lists of a `jax.vmap`.

    XLA: under `jax.vmap`, a condition for each list would make `jax.lax.while_loop` select between the old and the new
    value of every array at each step, and would make `jax.lax.cond` compute both branches. With this condition all
    lists go on together.
    """
    return _any(jax.lax.stop_gradient(jnp.any(condition)))


def largest_anywhere(index: Int[Array, "*lists"]) -> Int[Array, ""]:
    """Returns the largest of nonnegative numbers, including those of all lists of a `jax.vmap`; 0 for no list."""
    return _max(jax.lax.stop_gradient(jnp.max(index, initial=0)))


@custom_vmap
def _any(condition: Bool[Array, "*batch"]) -> Bool[Array, ""]:
    return jnp.any(condition)


# The rules return one answer for the batch, which is not batched. They call the function again, so that an outer
# `jax.vmap` finds the same rule.
@_any.def_vmap
def _any_of_batch(axis_size, in_batched, condition):
    del axis_size, in_batched
    return _any(condition), False


@custom_vmap
def _max(index: Int[Array, "*batch"]) -> Int[Array, ""]:
    return jnp.max(index, initial=0)


@_max.def_vmap
def _max_of_batch(axis_size, in_batched, index):
    del axis_size, in_batched
    return _max(index), False
