"""The places at which the scores of a list are ranked."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._call import OneList, Transport
from .._transport.plan import AbstractPlan
from .._transport.target import uniform_atoms
from .._xla import per_target


class Places(NamedTuple):
    """Places from the lowest score to the highest, and the plan that sends the scores there."""

    plan: AbstractPlan
    weights: Float[Array, "m *ones"]


def places(one_list: OneList, transport: Transport, weighted: bool) -> Places:
    """Returns as many places as there are scores with weight.

    The places have equal weights, so that a metric is continuous where scores cross. With weights, the exact solver has
    one place for each score, with the weight of the score, so that the metric is exact.
    """
    target = one_list.target_per_weighted_value(None)
    if weighted and transport.solver.order_only:
        weights = one_list.weights[jnp.argsort(transport.keys)]
        target = eqx.tree_at(lambda target: target.weights, uniform_atoms(len(weights), weights.dtype), weights)
    return Places(transport.plan_to(target), per_target(target.weights, one_list.x))


def tied_mass(masses: Float[Array, "n *lists"], transport: Transport) -> Float[Array, "n *lists"]:
    """Returns for each score the mass of all scores that are equal to it.

    For a soft solver it is the mass of the score alone, so that a metric is continuous where scores become equal.

    Args:
        masses: masses of the scores.
        transport: transport of the scores.
    """
    if not transport.solver.order_only:
        return masses
    order = jnp.argsort(transport.keys)
    keys = transport.keys[order]
    sums = jnp.concatenate([jnp.zeros_like(masses[:1]), jnp.cumsum(masses[order])])
    first, last = (jnp.searchsorted(keys, transport.keys, side) for side in ("left", "right"))
    return sums[last] - sums[first]
