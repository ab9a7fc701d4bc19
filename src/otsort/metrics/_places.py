"""The places at which the scores of a list are ranked."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._call import OneList, Transport
from .._transport.plan import AbstractPlan
from .._transport.target import AbstractTarget, uniform_atoms
from .._xla import per_target

# A soft plan to more places of unequal weight takes O(n^3) time.
_MOST_OWN_PLACES = 1024


class Places(NamedTuple):
    """Places from the lowest score to the highest, and the plan that sends the scores there."""

    plan: AbstractPlan
    weights: Float[Array, "m *ones"]


def typical_places(n: int, weighted: bool, dtype: jnp.dtype) -> AbstractTarget | None:
    """Returns a target of the type and size of the places; None means a uniform point for each value."""
    return uniform_atoms(n, dtype) if weighted and n <= _MOST_OWN_PLACES else None


def places(one_list: OneList, transport: Transport, weighted: bool) -> Places:
    """Returns a place for each score, which has the weight of that score.

    Metrics with weights are then exact for the exact solver. A longer list with weights has equal places for a smooth
    solver, which is faster: levels then have the resolution 1/n.
    """
    target = one_list.target_per_weighted_value(None)
    if weighted and (transport.solver.order_only or len(one_list.x) <= _MOST_OWN_PLACES):
        target = _own_places(one_list, transport)
    return Places(transport.plan_to(target), per_target(target.weights, one_list.x))


def _own_places(one_list: OneList, transport: Transport) -> AbstractTarget:
    """Returns the target of the sorted weights, each at the level of the middle of its mass, scaled to [0, 1]."""
    weights = jnp.take_along_axis(one_list.weights, jnp.argsort(transport.keys, axis=0), axis=0)
    middle = jnp.cumsum(weights, axis=0) - weights / 2
    first = jnp.min(jnp.where(weights > 0, middle, 1), axis=0, keepdims=True)
    width = jnp.max(jnp.where(weights > 0, middle, 0), axis=0, keepdims=True) - first
    points = jnp.clip((middle - first) / jnp.where(width > 0, width, 1), 0, 1)
    target = uniform_atoms(len(weights), weights.dtype)
    return eqx.tree_at(lambda target: (target.points, target.weights), target, (points, weights))


def tied_mass(masses: Float[Array, "n *lists"], transport: Transport) -> Float[Array, "n *lists"]:
    """Returns for each score the mass of all scores that are equal to it.

    For a smooth solver it is the mass of the score alone, so that a metric is continuous where scores become equal.

    Args:
        masses: of the scores.
        transport: of the scores.
    """
    if not transport.solver.order_only:
        return masses
    order = jnp.argsort(transport.keys)
    keys = transport.keys[order]
    sums = jnp.concatenate([jnp.zeros_like(masses[:1]), jnp.cumsum(masses[order])])
    first, last = (jnp.searchsorted(keys, transport.keys, side) for side in ("left", "right"))
    return sums[last] - sums[first]
