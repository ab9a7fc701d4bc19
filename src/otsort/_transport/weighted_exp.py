"""Weighted sums of exponentials in the rows of a matrix: normalised, as logarithms, and as averages of values.

With values v and weights w, everything is a function of the masses w exp(v) of each row. The largest value of positive
weight is subtracted first, so that nothing overflows.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import matvec, max_along, repeat_along, sum_along
from .averages import centred


def exponentials(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> tuple[Array, Array]:
    """Returns exp(v - top), and top, the largest v of positive weight in each row."""
    top = max_along(jnp.where(weights[None, :] > 0, values, -jnp.inf), 1)[:, None]
    # Numerics: an entry of weight zero may be larger than top, and would overflow: zero times infinity is NaN.
    return jnp.exp(jnp.minimum(values - top, jnp.log(jnp.finfo(values.dtype).max) / 2)), top


# The derivatives below are written by hand, from the results. Through the lines above they would take more passes and
# store more arrays.


@jax.custom_jvp
def normalised_exp(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k l *lists"]:
    """Returns exp(v) / sum w exp(v) in each row."""
    kernel, _ = exponentials(values, weights)
    return kernel * (1 / sum_along(weights[None, :] * kernel, 1))[:, None]


@normalised_exp.defjvp
def _normalised_exp_jvp(primals, tangents):
    result, (values_dot, _) = normalised_exp(*primals), tangents
    return result, result * (values_dot - repeat_along(_sum_change(result, primals, tangents), 1, result.shape[1]))


@jax.custom_jvp
def log_sum_exp(values: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"]) -> Float[Array, "k *lists"]:
    """Returns log sum w exp(v) of each row."""
    kernel, top = exponentials(values, weights)
    return jnp.squeeze(top, 1) + jnp.log(sum_along(weights[None, :] * kernel, 1))


@log_sum_exp.defjvp
def _log_sum_exp_jvp(primals, tangents):
    return log_sum_exp(*primals), _sum_change(normalised_exp(*primals), primals, tangents)


def _sum_change(normalised, primals, tangents):
    """Returns the relative change of sum w exp(v) in each row."""
    (_, weights), (values_dot, weights_dot) = primals, tangents
    return sum_along(normalised * (weights[None, :] * values_dot + weights_dot[None, :]), 1)


def averages(
    exponents: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"], values: Float[Array, "l *d"]
) -> Float[Array, "k *d"]:
    """Returns the averages of values under the masses w exp(v) of each row, v the exponents."""
    return centred(lambda values: _means(exponents, weights, values), values)


@jax.custom_jvp
def _means(
    exponents: Float[Array, "k l *lists"], weights: Float[Array, "l *lists"], values: Float[Array, "l *d"]
) -> Float[Array, "k *d"]:
    return weighted_sums(weights[None, :] * normalised_exp(exponents, weights), values)


@_means.defjvp
def _means_jvp(primals, tangents):
    """Returns the averages and their change.

    It is the average of the change of the values, plus the covariance of the values with the relative change of masses.
    """
    (exponents, weights, values), (exponents_dot, weights_dot, values_dot) = primals, tangents
    density, means = normalised_exp(exponents, weights), _means(exponents, weights, values)
    change = density * (weights[None, :] * exponents_dot + weights_dot[None, :])
    relative = sum_along(change, 1).reshape(means.shape[:1] + (1,) * (means.ndim - change.ndim + 1) + change.shape[2:])
    return means, weighted_sums(weights[None, :] * density, values_dot) + weighted_sums(
        change, values
    ) - relative * means


def weighted_sums(masses: Float[Array, "k l *lists"], values: Float[Array, "l *d"]) -> Float[Array, "k *d"]:
    lists = masses.ndim - 2
    if values.ndim == 1 + lists:
        return matvec(masses, values)
    equation = "kl...,ld...->kd..." if lists else "kl,l...->k..."
    return jnp.einsum(equation, masses, values, precision=jax.lax.Precision.HIGHEST)
