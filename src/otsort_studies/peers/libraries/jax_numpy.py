"""Wraps the exact operators of JAX."""

import jax
import jax.numpy as jnp

from ..frameworks import Jax, Operator

FRAMEWORK = Jax()


def operators(variant: str) -> dict[str, Operator]:
    del variant
    return {
        "rank": lambda x, _, **options: jax.scipy.stats.rankdata(x, **{"axis": -1, **options}).astype(x.dtype),
        "sort": lambda x, _, **options: jnp.sort(x, **options),
        "sort_by": lambda key, _, values: jnp.take_along_axis(values, jnp.argsort(key), axis=-1),
        "quantile": lambda x, _, q, **options: jnp.moveaxis(jnp.quantile(x, q, **{"axis": -1, **options}), 0, -1),
        "top_k": lambda x, _, k, **options: jax.lax.top_k(x, k, **options)[0],
        "top_k_mask": lambda x, _, k: (x >= jax.lax.top_k(x, k)[0][..., -1:]).astype(x.dtype),
    }
