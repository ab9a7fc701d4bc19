"""Metrics of scores for binary labels."""

from typing import Unpack

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_list
from .._checks import as_array
from .._operator.top_k import top_mass
from .._transport.averages import within
from .._transport.target import AbstractTarget, TargetMeasure, uniform_atoms
from .._types import Scalar
from ._inputs import answer_dtype, binary, check_unweighted
from ._places import places, tied_mass


def roc_auc(
    scores: ArrayLike, labels: ArrayLike, *, max_fpr: Scalar | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes the area under the ROC curve: how often a positive has a higher score than a negative.

    It is 1/2, plus the mean level (rank / n) of the positives, minus the mean level of the negatives. This is the
    Mann-Whitney statistic (Hanley and McNeil, 1982). With `epsilon=0` it is `sklearn.metrics.roc_auc_score`, where a
    tie of a positive and a negative counts half. It takes as long as `otsort.rank`.

    Args:
        scores: any shape.
        labels: 0 or 1, or booleans, of the same shape. Labels of scores that take no part may be anything.
        max_fpr: the largest false positive rate that counts, in (0, 1]: one number for all lists, or an array of the
            shape of the answer. The answer is then the partial area, standardised so that a random order has the value
            1/2 (McClish, 1989). None means 1.
        **options: see `otsort.Options`. Weights are scikit-learn's `sample_weight`. With weights and a positive
            epsilon, levels are accurate only to about 1/n, because the targets have equal weights.

    Returns:
        Areas in [0, 1], in the shape of the scores without the axis; 1/2 if only one class takes part, where
        scikit-learn returns NaN.

    Raises:
        ValueError: labels have another shape or other values, or max_fpr is out of range (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 0, 1, 0, 1])
        >>> auc = otsort.metrics.roc_auc
        >>> print(f"{auc(scores, labels):.2f} {auc(scores, labels, epsilon=0):.2f}")
        0.69 0.67
        >>> print(100 * jax.grad(auc)(scores, labels))
        [-0.46 -3.85  4.02 -0.05  0.34]
    """
    scores = as_array(scores, "scores")
    batch = Batch(scores, options, binary(scores, labels, "labels", options), name="scores")
    weighted = options.get("weights") is not None
    if max_fpr is None:
        return batch.read(_Area(None, weighted)).astype(answer_dtype(scores))
    most = batch.number(max_fpr, lambda most: (most > 0) & (most <= 1), "max_fpr", "must lie above 0 and up to 1")
    return batch.read(_PartialArea(None, weighted), numbers=(most,)).astype(answer_dtype(scores))


class _Area(AbstractReading):
    target: AbstractTarget | None
    weighted: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        levels = places(one_list, transport, self.weighted).plan.level(0.5)
        weights, labels = one_list.weights, one_list.at_inputs(one_list.values)
        positive, negative = _mean(levels, weights * labels), _mean(levels, weights * (1 - labels))
        area = within(0.5 + positive - negative, 0.0, 1.0)
        return jnp.where(_has_both(weights, labels), area, 0.5)

    dims = of_each_list


class _PartialArea(AbstractReading):
    target: AbstractTarget | None
    weighted: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        (most,) = one_list.numbers
        labels = one_list.at_inputs(one_list.values)
        plan, weights = places(one_list, transport, self.weighted)
        positives = weights * plan.push(labels)
        negatives = weights - positives
        true, false = (masses / _or_one(jnp.sum(masses, axis=0, keepdims=True)) for masses in (positives, negatives))
        # Over each place, the ROC curve is a straight line; it begins at the highest place. `share` is the part of the
        # line that counts.
        true_before, false_before = (_after(rates) for rates in (true, false))
        share = jnp.clip((most[None] - false_before) / _or_one(false), 0, 1)
        area = jnp.sum(share * false * (true_before + share * true / 2), axis=0)
        least = most**2 / 2
        standardised = within((1 + (area - least) / (most - least)) / 2, 0.0, 1.0)
        return jnp.where(_has_both(one_list.weights, labels), standardised, 0.5)

    dims = of_each_list


def average_precision(scores: ArrayLike, labels: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes the average precision: the mean, over the positives, of the precision at each.

    The precision at a positive is its rank among the positives divided by its rank among all scores. Both ranks are
    counted from the highest score, as in Brown et al. (2020), and read from one plan of all scores. With `epsilon=0` it
    is `sklearn.metrics.average_precision_score`, where equal scores have the rank of the last of them. At a positive
    epsilon they share their average rank, so that the metric is continuous.

    Args:
        scores: any shape.
        labels: 0 or 1, or booleans, of the same shape. Labels of scores that take no part may be anything.
        **options: see `otsort.Options`; for weights, see `roc_auc`.

    Returns:
        Numbers in [0, 1], in the shape of the scores without the axis; 0 if no positive takes part, as in scikit-learn.

    Raises:
        ValueError: labels have another shape or other values (RuntimeError when traced).
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 0, 1, 0, 1])
        >>> precision = otsort.metrics.average_precision
        >>> print(f"{precision(scores, labels):.2f} {precision(scores, labels, epsilon=0):.2f}")
        0.76 0.75
    """
    scores = as_array(scores, "scores")
    batch = Batch(scores, options, binary(scores, labels, "labels", options), name="scores")
    reading = _AveragePrecision(None, options.get("weights") is not None)
    return batch.read(reading).astype(answer_dtype(scores))


class _AveragePrecision(AbstractReading):
    target: AbstractTarget | None
    weighted: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        weights, labels = one_list.weights, one_list.at_inputs(one_list.values)
        plan, masses = places(one_list, transport, self.weighted)
        positives = masses * plan.push(labels)
        # The masses above each score, of the positives and of all. Half of a place counts as above it.
        positives_above, all_above = plan.pull(_after(positives) + positives / 2), 1 - plan.level(0.5)
        # A rank includes the score itself and its equals. One half of them counts as above already.
        among_positives = jnp.maximum(positives_above, 0) + tied_mass(weights * labels, transport) / 2
        among_all = jnp.maximum(all_above, 0) + tied_mass(weights, transport) / 2
        return within(_mean(among_positives / _or_one(among_all), weights * labels), 0.0, 1.0)

    dims = of_each_list


def precision_at_k(
    scores: ArrayLike, labels: ArrayLike, k: ArrayLike, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Computes the share of positives among the k highest scores, by `otsort.top_k_mask`.

    With `epsilon=0` it is the precision of rax with `topn=k`, except that equal scores at the k-th place share that
    place.

    Args:
        scores: any shape.
        labels: 0 or 1, or booleans, of the same shape. Labels of scores that take no part may be anything.
        k: number of scores, a real number above 0 and up to n: one number for all lists, or an array of the shape of
            the answer. In a list with fewer scores, all of them count.
        **options: see `otsort.Options`, without weights.

    Returns:
        Numbers in [0, 1], in the shape of the scores without the axis; 0 if no score takes part.

    Raises:
        ValueError: k is out of range or labels have other values (RuntimeError when traced); either has another shape.
        TypeError: weights are given.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 0, 1, 0, 1])
        >>> precision = otsort.metrics.precision_at_k
        >>> print(f"{precision(scores, labels, 2, epsilon=0.1):.2f} {precision(scores, labels, 2, epsilon=0):.2f}")
        0.51 0.50
    """
    return _at_k(scores, labels, k, options, "precision_at_k", of_positives=False)


def recall_at_k(scores: ArrayLike, labels: ArrayLike, k: ArrayLike, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Computes the share of the positives that are among the k highest scores, by `otsort.top_k_mask`.

    With `epsilon=0` it is the recall of rax with `topn=k`, except that equal scores at the k-th place share that place.

    Args:
        scores: any shape.
        labels: see `precision_at_k`.
        k: see `precision_at_k`.
        **options: see `otsort.Options`, without weights.

    Returns:
        Numbers in [0, 1], in the shape of the scores without the axis; 0 if no positive takes part.

    Raises:
        ValueError, TypeError, RuntimeError: see `precision_at_k`.

    Example:
        >>> scores, labels = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0]), jnp.array([0, 0, 1, 0, 1])
        >>> recall = otsort.metrics.recall_at_k
        >>> print(f"{recall(scores, labels, 3, epsilon=0.1):.2f} {recall(scores, labels, 3, epsilon=0):.2f}")
        0.67 0.50
    """
    return _at_k(scores, labels, k, options, "recall_at_k", of_positives=True)


def _at_k(
    scores: ArrayLike, labels: ArrayLike, k: ArrayLike, options: Options, metric: str, of_positives: bool
) -> Float[Array, "..."]:
    check_unweighted(options, metric)
    scores = as_array(scores, "scores")
    batch = Batch(scores, options, binary(scores, labels, "labels", options), name="scores")
    allowed = f"must be above 0 and at most {batch.n} (the list length)"
    k = batch.number(k, lambda k: (k > 0) & (k <= batch.n), "k", allowed)
    answer = batch.read(_AtK(uniform_atoms(2, batch.dtype), of_positives), numbers=(k,))
    return answer.astype(answer_dtype(scores))


class _AtK(AbstractReading):
    target: TargetMeasure
    of_positives: bool = eqx.field(static=True)

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "*lists"]:
        (k,) = one_list.numbers
        target = top_mass(one_list, self.target, k)
        mask, labels = transport.plan_to(target).pull(target.points), one_list.at_inputs(one_list.values)
        chosen = jnp.minimum(k[None], one_list.count)[0]
        found = jnp.sum(mask * labels, axis=0) / _or_one(jnp.sum(labels, axis=0) if self.of_positives else chosen)
        return within(found, 0.0, 1.0)

    dims = of_each_list


def _has_both(weights: Float[Array, "n *lists"], labels: Float[Array, "n *lists"]) -> Bool[Array, "*lists"]:
    """Returns whether both classes have weight."""
    return (jnp.sum(weights * labels, axis=0) != 0) & (jnp.sum(weights * (1 - labels), axis=0) != 0)


def _mean(values: Float[Array, "n *lists"], weights: Float[Array, "n *lists"]) -> Float[Array, "*lists"]:
    """Returns the weighted mean; 0 if there is no weight."""
    return jnp.sum(weights * values, axis=0) / _or_one(jnp.sum(weights, axis=0))


def _after(masses: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
    """Returns the sum of the masses at higher places."""
    return jnp.cumsum(masses[::-1], axis=0)[::-1] - masses


def _or_one(numbers: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the numbers, with 1 in place of 0, to divide by them."""
    return jnp.where(numbers == 0, 1, numbers)
