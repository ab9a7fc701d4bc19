"""Sums over all pairs of values of a list, ordered by a key, without a loop over the pairs."""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from .._call import OneList, Transport
from .._transport.plan import AbstractPlan
from .._transport.target import UniformTarget
from .._xla import matmul, transposed, varying_as, with_axes

#: The largest number of places at which soft values are compared; each takes O(n) time. A finer grid hardly changes a
#: comparison unless the plan is sharper than 1/256.
MOST_PLACES = 256
_MAX_ENTRIES = 2**21  # of the shares of all values at some of the places


class Pairs(NamedTuple):
    """Numbers of pairs of values of a list. Each is an array with one entry for each list.

    Attributes:
        compared: the number of pairs (i, j) with different keys. The value with the lower key counts as the earlier
            one.
        reverse: the number of compared pairs in which the earlier value i has x_i above x_j; equal values count half.
        unequal: the number of all pairs with different x; for a soft solver, the number of all pairs.
    """

    compared: Float[Array, "*lists"]
    reverse: Float[Array, "*lists"]
    unequal: Float[Array, "*lists"]


def compared_pairs(one_list: OneList, transport: Transport, most_places: int) -> Pairs:
    """Returns how many pairs of a list are compared, and how many of these are in the reverse order.

    Args:
        one_list: the list. Its `values` are two numbers for each entry: its key, and whether it may be the earlier of a
            pair (1 or 0). Entries with equal keys have equal second numbers.
        transport: transport of the list.
        most_places: number of points of the uniform target of a soft solver.
    """
    keys, earlier = one_list.values[:, 0], one_list.values[:, 1]
    later = jnp.ones_like(keys)
    if one_list.where is not None:
        later = one_list.where.astype(keys.dtype)
        keys, earlier = jnp.where(one_list.where, keys, jnp.inf), earlier * later
    members = _Members(*map(stop_gradient, (keys, earlier, later)))
    if transport.solver.order_only:
        pairs = _exact(members, transport.keys)
    else:
        pairs = _soft(members, one_list, transport, most_places)
    missing = jnp.any(jnp.isnan(keys) | jnp.isnan(one_list.x), axis=0)
    return Pairs(pairs.compared, jnp.where(missing, jnp.nan, pairs.reverse), pairs.unequal)


def peak_entries(n: int) -> int:
    """Returns how many shares are in memory at once for a list of n values."""
    places = min(n, MOST_PLACES)
    return n * _width(n, places)


def _width(n: int, places: int) -> int:
    """Returns the number of places whose shares are in memory at once, for n values."""
    return max(1, min(places, _MAX_ENTRIES // n))


class _Members(NamedTuple):
    """The key of each value, and whether the value may be the earlier or the later one of a pair.

    Attributes:
        keys: infinite for a value that takes no part.
        earlier: 1 for a value that may be the earlier of a pair, otherwise 0.
        later: 1 for a value that may be the later.
    """

    keys: Float[Array, "n *lists"]
    earlier: Float[Array, "n *lists"]
    later: Float[Array, "n *lists"]

    def at(self, places: Int[Array, "n *lists"]) -> "_Members":
        """Returns the values at some places."""
        return _Members(*(jnp.take_along_axis(array, places, axis=0) for array in self))


def _soft(members: _Members, one_list: OneList, transport: Transport, most_places: int) -> Pairs:
    """Returns the expected numbers for values at places that are drawn independently from the plan.

    Let P_il be the share of value i at place l, and A_il its share above l plus half of P_il. The pair (i, j) is in the
    reverse order with the probability sum_l A_il P_jl. A cumulative sum over the values in the order of the keys adds
    up A_il for all i before j.
    """
    order = jnp.argsort(members.keys, axis=0)
    members = members.at(order)
    keys, earlier, later = members
    sorted_ = dataclasses.replace(
        transport,
        positions=jnp.take_along_axis(transport.positions, order, axis=0),
        weights=jnp.take_along_axis(transport.weights, order, axis=0),
    )
    count = None if one_list.weighted is None else jnp.minimum(jnp.asarray(one_list.count)[0], most_places)
    plan = sorted_.plan_to(UniformTarget(most_places, one_list.x.dtype, count))
    first = _starts(keys)
    compared = jnp.sum(later * _before(earlier, first), axis=0)
    number = jnp.sum(later, axis=0)
    return Pairs(compared, _reverse(plan, members, first, most_places), number * (number - 1) / 2)


def _reverse(plan: AbstractPlan, members: _Members, first: Int[Array, "n *lists"], size: int) -> Float[Array, "*lists"]:
    """Returns the sum of A_il P_jl over all places l and all i before j, computed for some places at a time.

    Args:
        plan: of the values in the order of their keys.
        members: in the order of their keys.
        first: for each value, the index of the first value with the same key.
        size: number of places.
    """
    _, earlier, later = members
    width = _width(earlier.size, size)
    blocks = -(-size // width)
    places = jnp.eye(size, blocks * width, dtype=earlier.dtype).reshape(size, blocks, width)
    half = jnp.eye(width, dtype=earlier.dtype) / 2
    higher = with_axes(jnp.triu(jnp.ones_like(half), 1) + half, 1 + earlier.ndim)

    def add(carry, block):
        below, total = carry
        shares = plan.pull(with_axes(block, 1 + earlier.ndim))
        in_block = jnp.sum(shares, axis=1)
        below = below + in_block
        # The part of A_il that lies within the block is summed by a product of matrices over the values j.
        earlier_shares = _before(earlier[:, None] * shares, first[:, None])
        within_block = jnp.sum(higher * matmul(transposed(later[:, None] * shares), earlier_shares), axis=(0, 1))
        beyond = jnp.sum(later * in_block * _before(earlier * (1 - below), first), axis=0)
        return (below, total + within_block + beyond), None

    zero = varying_as((jnp.zeros_like(earlier), jnp.zeros_like(earlier[0])), (plan, earlier))
    # The derivative computes the shares again, so that memory is linear in the number of values.
    (_, total), _ = jax.lax.scan(jax.checkpoint(add), zero, jnp.moveaxis(places, 1, 0))
    return total


def _exact(members: _Members, exact_order: Array) -> Pairs:
    """Returns the numbers of exactly ordered values, by counting the inversions of the list sorted by its keys.

    This is the method of Knight (1966), with a sort for each level of the merge sort.

    Args:
        members: of one list.
        exact_order: numbers that are ordered as x is.
    """
    x = jnp.searchsorted(jnp.sort(exact_order), exact_order)  # equal for equal values
    order = jnp.lexsort((x, members.keys))
    x, (keys, earlier, later) = x[order], members.at(order)
    group, both = _starts(keys), _starts(keys, x)
    # Stable: within a run of equal x, the order of the keys remains.
    by_x = jnp.argsort(x)
    run = _starts(x[by_x])
    ties = lambda numbers: jnp.sum(later[by_x] * _before_within(numbers[by_x], run))  # of pairs with equal x
    # Pairs that are tied in the key as well are not compared.
    tied = ties(earlier) - jnp.sum(later * _before_within(earlier, both))
    number = jnp.sum(later)
    compared = jnp.sum(later * _before(earlier, group))
    reverse = _inversions(x, earlier, later) + tied / 2
    return Pairs(compared, reverse, number * (number - 1) / 2 - ties(later))


def _inversions(x: Int[Array, " n"], earlier: Float[Array, " n"], later: Float[Array, " n"]) -> Float[Array, ""]:
    """Returns the sum of earlier_i later_j over all i before j with x_i > x_j.

    At each level, the list is cut into blocks of two halves and sorted within its blocks. This shows, for each value of
    a second half, how many values of the first half are larger.
    """
    n = len(x)
    places = jnp.arange(n, dtype=jnp.int32)

    def level(bit, total):
        block, half = places >> (bit + 1), (places >> bit) & 1
        firsts, seconds = jnp.where(half == 0, earlier, 0), jnp.where(half == 0, 0, later)
        block, _, _, firsts, seconds = jax.lax.sort((block, x, half, firsts, seconds), num_keys=3)
        up_to = jnp.cumsum(firsts)
        last = jnp.minimum((block + 1) << (bit + 1), n) - 1
        return total + jnp.sum(seconds * (up_to[last] - up_to))

    zero = varying_as(jnp.zeros((), earlier.dtype), (x, earlier))
    return jax.lax.fori_loop(jnp.int32(0), jnp.int32((n - 1).bit_length()), level, zero)


def _starts(*keys: Array) -> Int[Array, "n *lists"]:
    """Returns for each entry of sorted lists the place of the first entry that is equal in all keys."""
    places = with_axes(jnp.arange(len(keys[0])), keys[0].ndim)
    new = jnp.zeros(keys[0].shape, bool).at[0].set(True)
    for key in keys:
        new = new.at[1:].set(new[1:] | (key[1:] != key[:-1]))
    return jax.lax.cummax(jnp.where(new, places, 0), axis=0)


def _before(numbers: Float[Array, "n *d"], first: Int[Array, "n *ones"]) -> Float[Array, "n *d"]:
    """Returns the sums of the numbers before the place `first`."""
    sums = _sums_before(numbers)
    return jnp.take_along_axis(sums, jnp.broadcast_to(first, sums.shape), axis=0)


def _before_within(numbers: Float[Array, " n"], first: Int[Array, " n"]) -> Float[Array, " n"]:
    """Returns for each place the sum of the numbers before it, from the place `first` on."""
    return _sums_before(numbers) - _before(numbers, first)


def _sums_before(numbers: Float[Array, "n *d"]) -> Float[Array, "n *d"]:
    """Returns the cumulative sums along the first axis, without the last number of each.

    XLA: on a CPU, `jnp.cumsum` passes over memory log2(n) times. Here the list is cut into about sqrt(n) runs, which a
    loop sums side by side. The sums of whole runs are added afterwards.
    """
    n, rest = len(numbers), numbers.shape[1:]
    length = math.isqrt(n - 1) + 1
    runs = -(-n // length)
    padded = jnp.pad(numbers, [(0, runs * length - n)] + [(0, 0)] * len(rest))
    apart = jnp.moveaxis(padded.reshape(runs, length, *rest), 1, 0)
    zero = varying_as(jnp.zeros((runs, *rest), numbers.dtype), numbers)
    whole, within = jax.lax.scan(lambda total, number: (total + number, total), zero, apart)
    within = within + (jnp.cumsum(whole, axis=0) - whole)[None]
    return jnp.moveaxis(within, 0, 1).reshape(runs * length, *rest)[:n]
