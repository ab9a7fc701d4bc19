"""Defines data by name: columns bundled with scikit-learn, random families, and weights for sums of ranks."""

from collections.abc import Callable
from typing import Any

import numpy as np

#: Marginal error to which the float64 references converge. All errors are measured against them.
REFERENCE_TOL = 1e-10
# Not 0, the seed of many data sets: with weights equal to the values, the gradient would almost vanish.
WEIGHTS_SEED = 1905


def _column(load: str, feature: str) -> Callable[[], np.ndarray]:
    def values() -> np.ndarray:
        import sklearn.datasets  # imported late, because the import takes a second

        data: Any = getattr(sklearn.datasets, load)(**({"scaled": False} if load == "load_diabetes" else {}))
        return data.data[:, list(data.feature_names).index(feature)]

    return values


def _ink() -> np.ndarray:
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return np.log1p(data.data.sum(axis=1))


#: Name -> all values. The columns have 442, 442, 569, 569, 178 and 1797 values.
REAL: dict[str, Callable[[], np.ndarray]] = {
    "diabetes s2": _column("load_diabetes", "s2"),
    "diabetes bmi": _column("load_diabetes", "bmi"),
    "cancer mean radius": _column("load_breast_cancer", "mean radius"),
    "cancer area error": _column("load_breast_cancer", "area error"),
    "wine proline": _column("load_wine", "proline"),
    "digits ink": _ink,
}

#: Name -> (generator, n) -> values.
FAMILIES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "cauchy": lambda rng, n: rng.standard_cauchy(size=n),
    "two clusters": lambda rng, n: rng.normal(size=n) + 10 * (np.arange(n) % 2),
    "rounded": lambda rng, n: np.round(3 * rng.normal(size=n)),
}


def values(name: str, n: int | None, seed: int) -> np.ndarray:
    """Returns values in float64 that are rounded to float32 numbers, so that both precisions use the same data.

    Args:
        name: a name in `REAL` or `FAMILIES`.
        n: number of values. Of real data, n values are chosen at random without repetition; None takes all of them.
        seed: seed of the choice or of the family.

    Raises:
        KeyError: the name is unknown.
        ValueError: n is larger than the number of real values, or is None for a family.
    """
    rng = np.random.default_rng(seed)
    if name in FAMILIES:
        if n is None:
            raise ValueError(f"the family {name} has no size of its own: give n")
        chosen = FAMILIES[name](rng, n)
    else:
        every = REAL[name]()
        if n is not None and n > every.size:
            raise ValueError(f"{name} has {every.size} values, fewer than {n}")
        chosen = every if n is None else rng.choice(every, n, replace=False)
    return chosen.astype(np.float32).astype(np.float64)


def rank_weights(n: int) -> np.ndarray:
    """Returns weights for a sum of ranks: random normal numbers in float64, rounded to float32 numbers."""
    return np.random.default_rng(WEIGHTS_SEED).normal(size=n).astype(np.float32).astype(np.float64)
