"""Wraps otsort with its default solver at an epsilon."""

from typing import Any

import jax.numpy as jnp

import otsort

from ..frameworks import Jax, Operator

FRAMEWORK = Jax()


def operators(variant: str) -> dict[str, Operator]:
    del variant

    def with_epsilon(operator: Operator, *order: str) -> Operator:
        def function(x: Any, temperature: Any, **options: Any) -> Any:
            return operator(x, *(options.pop(name) for name in order), epsilon=temperature, **options)

        return function

    return {
        "rank": with_epsilon(otsort.rank),
        "sort": with_epsilon(otsort.sort),
        "sort_by": lambda key, temperature, values, **options: otsort.sort_by(
            values, key, epsilon=temperature, **options
        ),
        "quantile": lambda x, temperature, **options: jnp.moveaxis(
            with_epsilon(otsort.quantile, "q")(x, temperature, **options), 0, -1
        ),
        "top_k": with_epsilon(otsort.top_k, "k"),
        "top_k_mask": with_epsilon(otsort.top_k_mask, "k"),
    }
