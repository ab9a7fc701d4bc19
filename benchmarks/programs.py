"""Operators by name and the programs made of them, for benchmarks and for the budget of the tests.

It runs against any version of otsort since 0.1.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort


def _ragged_rank(x: Float[Array, "lists n"], **options: Any) -> Array:
    """Each list ends somewhere."""
    lengths = np.random.default_rng(2).integers(1, x.shape[1], size=len(x), endpoint=True)
    return otsort.rank(x, where=np.arange(x.shape[1]) < lengths[:, None], **options)


def _segment_rank(x: Float[Array, "lists n"], **options: Any) -> Array:
    """As many groups as there are lists, of unequal lengths, from one list of all values."""
    ids = np.random.default_rng(2).integers(len(x), size=x.size)
    lists, where = otsort.segments.pack(x.ravel(), ids, len(x), int(np.bincount(ids).max()))
    return otsort.segments.unpack(otsort.rank(lists, where=where, **options), ids).reshape(x.shape)


#: Name -> `(x, **options) -> answer`, of lists along the last axis. A new operator is a line here.
OPERATORS: dict[str, Callable[..., Array]] = {
    "rank": otsort.rank,
    "cdf": otsort.cdf,
    "sort": otsort.sort,
    "permutation": otsort.permutation,
    "sort_by": lambda x, **options: otsort.sort_by(jnp.stack([x, -x, x**2], axis=-1), x, **options),
    "quantile": lambda x, **options: otsort.quantile(x, np.asarray([0.1, 0.5, 0.9], x.dtype), **options),
    "median": otsort.median,
    "top_k": lambda x, **options: otsort.top_k(x, 5, **options),
    "top_k_mask": lambda x, **options: otsort.top_k_mask(x, 5, **options),
    "selection": lambda x, **options: otsort.selection(x, 5, **options),
    "rank of ragged lists": _ragged_rank,
    "rank of segments": _segment_rank,
    "quantile_normalize": lambda x, **options: otsort.quantile_normalize(
        x, np.linspace(0, 1, x.shape[-1], dtype=x.dtype), **options
    ),
    "quantile_transform": lambda x, **options: otsort.quantile_transform(x, jnp.square, **options),
    "quantize": lambda x, **options: otsort.quantize(x, 4, **options),
}


def _forward(operator: Callable[..., Array], options: dict[str, Any], x: Float[Array, "*lists n"]) -> Array:
    return operator(x, **options)


def _gradient(operator: Callable[..., Array], options: dict[str, Any], x: Float[Array, "*lists n"]) -> Array:
    def combination(x: Float[Array, "*lists n"]) -> Float[Array, ""]:
        answer = operator(x, **options).ravel()
        return jnp.vdot(jnp.cos(jnp.arange(answer.size, dtype=answer.dtype)), answer)

    return jax.grad(combination)(x)


#: Name -> what is made of an operator: its answer, and the gradient of a fixed combination of its answer's entries.
PROGRAMS: dict[str, Callable[..., Array]] = {"forward": _forward, "gradient": _gradient}


def function(operator: str, program: str, **options: Any) -> Callable[[Array], Array]:
    """The function of x that is compiled."""
    return functools.partial(PROGRAMS[program], OPERATORS[operator], options)
