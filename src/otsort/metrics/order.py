"""Metrics that count the pairs of values that two lists put in the same order."""

from typing import Unpack

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_list
from .._checks import as_array
from .._operator.ranks import exact_ranks
from .._transport.averages import within
from .._transport.target import AbstractTarget, UniformTarget
from ._inputs import answer_dtype, binary, check_unweighted
from ._pairs import MOST_PLACES, compared_pairs, peak_entries


def kendall_tau(x: ArrayLike, y: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes Kendall's tau-b between the soft order of x and the exact order of y.

    One plan spreads each value of x over places of the order. Two values are compared at places that are drawn
    independently from the plan. Let C be the expected number of pairs in the order of y, and D the expected number of
    pairs in the reverse order. Tau is (C - D) / sqrt(p q), with p the number of pairs that differ in y. With
    `epsilon=0`, q is the number of pairs that differ in x, and tau is `scipy.stats.kendalltau`, ties included. At a
    positive epsilon, q is the number of all pairs, so that tau is continuous where values of x become equal. Values of
    y have no gradient.

    It takes O(n log n) time, or O(n log^2 n) with `epsilon=0`, and O(n) memory. At a positive epsilon, values are
    compared at no more than 256 places. In a long list, values that are closer than about 1/256 of it are therefore
    hardly distinguished, however small epsilon is.

    Args:
        x: any shape.
        y: an array of the same shape.
        **options: see `otsort.Options`, without weights. The options refer to x, and `where` also to y.

    Returns:
        Numbers in [-1, 1], in the shape of x without the axis. They are 0 for a list of one value, and if all values of
        x or all values of y are equal; SciPy then returns NaN.

    Raises:
        ValueError: the shapes differ.
        TypeError: weights are given.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> x, y = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> tau = otsort.metrics.kendall_tau
        >>> print(f"{tau(x, y):.2f} {tau(x, y, epsilon=0):.2f}")
        0.83 0.80
        >>> print(100 * jax.grad(tau)(x, y))
        [-0.52 -4.8   4.85  0.13  0.34]
    """
    check_unweighted(options, "kendall_tau")
    x, y = as_array(x, "x"), as_array(y, "y")
    if x.shape != y.shape:
        raise ValueError(f"x and y must have one shape, got {x.shape} and {y.shape}: broadcast one of them")
    ranks = exact_ranks(y, options)
    return _read(x, "x", ranks, jnp.ones_like(ranks), _Tau, options)


def concordance_index(
    risks: ArrayLike, times: ArrayLike, events: ArrayLike, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes Harrell's C: how often, of two subjects, the one with the higher risk has the earlier event.

    A pair of subjects counts if the earlier of its times is the time of an event (Harrell et al., 1982). At equal
    times, an event counts as earlier than a censoring, and two events are not compared. With `epsilon=0` it is
    `concordance_index_censored` of scikit-survival, where equal risks count half. Soft risks are compared as in
    `kendall_tau`, in the same time and memory. Times have no gradient.

    Args:
        risks: predictions, any shape; a higher risk means an earlier event.
        times: times of the event or of the end of observation, of the same shape.
        events: 1 or true for an event, 0 or false where the observation ended before (censoring), of the same shape.
        **options: see `otsort.Options`, without weights.

    Returns:
        Numbers in [0, 1], in the shape of the risks without the axis; 1/2 if no pair can be compared.

    Raises:
        ValueError: the shapes differ, or events have other values (RuntimeError when traced).
        TypeError: weights are given.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> risks, times = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([9.0, 2.0, 3.0, 4.0, 1.0])
        >>> events = jnp.array([0, 1, 1, 0, 1])
        >>> index = otsort.metrics.concordance_index
        >>> print(f"{index(risks, times, events):.2f} {index(risks, times, events, epsilon=0):.2f}")
        0.76 0.78
    """
    check_unweighted(options, "concordance_index")
    risks, times = as_array(risks, "risks"), as_array(times, "times")
    if risks.shape != times.shape:
        raise ValueError(f"risks and times must have one shape, got {risks.shape} and {times.shape}: broadcast one")
    events = binary(risks, events, "events", options)
    ranks = exact_ranks(times, options)
    # Different ranks are at least 1 apart, so a censoring comes between the events at its own time and the next time.
    keys = ranks + (1 - events.astype(ranks.dtype)) / 4
    return _read(risks, "risks", keys, events, _Concordance, options)


def _read(
    x: Array | np.ndarray,
    name: str,
    keys: Float[Array, "..."],
    earlier: Float[Array, "..."],
    kind: type,
    options: Options,
) -> Float[Array, "..."]:
    """Returns a metric that is computed from pairs of values."""
    carried = jnp.stack([keys, earlier.astype(keys.dtype)], axis=-1)
    batch = Batch(x, options, carried, name=name)
    answer = batch.read(kind(UniformTarget(min(batch.n, MOST_PLACES), batch.dtype)))
    return answer.astype(answer_dtype(x))


class _Tau(AbstractReading):
    target: AbstractTarget

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        pairs = compared_pairs(one_list, transport, self.target.size)
        differ = pairs.compared * pairs.unequal
        tau = (pairs.compared - 2 * pairs.reverse) / jnp.sqrt(jnp.where(differ > 0, differ, 1))
        return within(jnp.where(differ == 0, 0, tau), -1.0, 1.0)

    dims = of_each_list

    def peak_entries(self, n: int) -> int:
        return peak_entries(n)


class _Concordance(AbstractReading):
    target: AbstractTarget

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        pairs = compared_pairs(one_list, transport, self.target.size)
        share = pairs.reverse / jnp.where(pairs.compared == 0, 1, pairs.compared)
        return within(jnp.where(pairs.compared == 0, 0.5, share), 0.0, 1.0)

    dims = of_each_list

    def peak_entries(self, n: int) -> int:
        return peak_entries(n)
