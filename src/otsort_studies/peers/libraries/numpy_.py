"""Wraps the exact operators of NumPy and SciPy."""

import numpy as np
import scipy.stats

from ..frameworks import NumPy, Operator

FRAMEWORK = NumPy()


def operators(variant: str) -> dict[str, Operator]:
    del variant
    return {
        "rank": lambda x, _, **options: scipy.stats.rankdata(x, **{"axis": -1, **options}).astype(x.dtype),
        "sort": lambda x, _, **options: np.sort(x, **options),
        "sort_by": lambda key, _, values: np.take_along_axis(values, np.argsort(key), axis=-1),
        "quantile": lambda x, _, q, **options: np.moveaxis(np.quantile(x, q, **{"axis": -1, **options}), 0, -1),
        "top_k": lambda x, _, k: np.sort(x)[..., ::-1][..., :k],
        "top_k_mask": lambda x, _, k: (x >= np.sort(x)[..., -k, None]).astype(x.dtype),
    }
