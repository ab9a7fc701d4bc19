"""Wraps softjax: all its methods in the mode `smooth`."""
# pyright: reportMissingImports=false

from typing import Any

import jax.numpy as jnp
import softjax

from ..frameworks import Jax, Operator

FRAMEWORK = Jax()
_WITH_INDICES = ("ot", "softsort", "neuralsort")  # the other methods return no soft indices of the largest values


def operators(variant: str) -> dict[str, Operator]:
    def called(function: Operator) -> Operator:
        def operator(x: Any, softness: Any, *arguments: Any, axis: int = -1, **options: Any) -> Any:
            return function(x, *arguments, axis=axis, softness=softness, method=variant, **options)

        return operator

    def sort_by(key: Any, softness: Any, values: Any, **options: Any) -> Any:
        return jnp.einsum("...mn,...n->...m", called(softjax.argsort)(key, softness, **options), values)

    def top_k_mask(x: Any, softness: Any, k: int, axis: int = -1, **options: Any) -> Any:
        indices = called(softjax.top_k)(x, softness, k, axis=axis, **options)[1]
        return indices.sum(axis if axis >= 0 else axis - 1)

    return {
        "rank": lambda x, softness, **options: called(softjax.rank)(x, softness, descending=False, **options),
        "sort": called(softjax.sort),
        "sort_by": sort_by,
        "quantile": lambda x, softness, q, **options: jnp.moveaxis(
            called(softjax.quantile)(x, softness, q, **options), 0, -1
        ),
        "top_k": lambda x, softness, k, **options: called(softjax.top_k)(x, softness, k, **options)[0],
        **({"top_k_mask": top_k_mask} if variant in _WITH_INDICES else {}),
    }
