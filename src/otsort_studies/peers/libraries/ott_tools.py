"""Wraps ott.tools.soft_sort with its defaults."""

from typing import Any

import jax
from ott.tools import soft_sort

from ..frameworks import Jax, Operator

FRAMEWORK = Jax()


def operators(variant: str) -> dict[str, Operator]:
    del variant
    return {
        "rank": lambda x, epsilon, **options: 1 + soft_sort.ranks(x, epsilon=epsilon, **options),
        "sort": lambda x, epsilon, **options: soft_sort.sort(x, epsilon=epsilon, **options),
        "sort_by": _sort_by,
        "quantile": lambda x, epsilon, q, **options: soft_sort.quantile(x, q, epsilon=epsilon, **options),
        "top_k": lambda x, epsilon, k, **options: soft_sort.sort(x, topk=k, epsilon=epsilon, **options)[..., ::-1],
        "top_k_mask": lambda x, epsilon, k, **options: soft_sort.topk_mask(x, k=k, epsilon=epsilon, **options),
    }


def _sort_by(key: Any, epsilon: Any, values: Any, **options: Any) -> Any:
    def one(values: Any, key: Any) -> Any:
        return soft_sort.sort_with(values[:, None], key[:, None], epsilon=epsilon, **options)[:, 0]

    return jax.vmap(one)(values, key)
