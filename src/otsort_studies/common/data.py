"""Lists of values by name: real ones, bundled with scikit-learn, and seeded random families; and weights of ranks."""

from collections.abc import Callable
from typing import Any

import numpy as np

#: Marginal error of the references in float64 that errors are measured against.
REFERENCE_TOL = 1e-10
WEIGHTS_SEED = 1905  # not 0, that of many data: weights equal to the values make a gradient that almost vanishes


def _column(load: str, feature: str) -> Callable[[], np.ndarray]:
    def values() -> np.ndarray:
        import sklearn.datasets  # takes a second, which other commands need not wait for

        data: Any = getattr(sklearn.datasets, load)(**({"scaled": False} if load == "load_diabetes" else {}))
        return data.data[:, list(data.feature_names).index(feature)]

    return values


def _ink() -> np.ndarray:
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return np.log1p(data.data.sum(axis=1))


#: Name -> all values: 442, 442, 569, 569, 178 and 1797 of them.
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
    """Values in float64, each of them a float32 number, so that both precisions see the same data.

    Args:
        name: in `REAL` or `FAMILIES`.
        n: how many; of real data a random choice without repetition, or all of them for None.
        seed: of the choice or of the family.

    Raises:
        KeyError: there is no such name.
        ValueError: n is more than the real data have, or is None for a family.
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
    """Of the sum of ranks that is differentiated: seeded normal numbers in float64, each of them a float32 number."""
    return np.random.default_rng(WEIGHTS_SEED).normal(size=n).astype(np.float32).astype(np.float64)
