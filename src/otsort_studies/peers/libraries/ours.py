"""Wraps otsort: with its default solver at an epsilon, or with quadratic regularisation."""

from typing import Any

import jax.numpy as jnp

import otsort

from ..frameworks import Jax, Operator

FRAMEWORK = Jax()


def operators(variant: str) -> dict[str, Operator]:
    def with_epsilon(operator: Operator, *order: str) -> Operator:
        def function(x: Any, epsilon: Any, **options: Any) -> Any:
            how = {"solver": otsort.SparseNewton(epsilon)} if variant == "sparse" else {"epsilon": epsilon}
            return operator(x, *(options.pop(name) for name in order), **how, **options)

        return function

    sort_by = with_epsilon(lambda key, values, **options: otsort.sort_by(values, key, **options), "values")
    quantile = with_epsilon(otsort.quantile, "q")
    return {
        "rank": with_epsilon(otsort.rank),
        "sort": with_epsilon(otsort.sort),
        "sort_by": sort_by,
        "quantile": lambda x, epsilon, **options: jnp.moveaxis(quantile(x, epsilon, **options), 0, -1),
        "top_k": with_epsilon(otsort.top_k, "k"),
        "top_k_mask": with_epsilon(otsort.top_k_mask, "k"),
    }
