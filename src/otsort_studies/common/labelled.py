"""Small data with a target, by name, and data that are split for three uses."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.stats


class Split(NamedTuple):
    """Features and target of the examples for each use."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, features: np.ndarray, target: np.ndarray, order: np.ndarray, ends: Sequence[int]) -> Self:
        """Takes examples in an order: those before the first end train, those before the second validate."""
        return cls(*((features[part], target[part]) for part in np.split(order, ends)))

    @classmethod
    def half(cls, features: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> Self:
        """Lets a random half train and a fifth validate."""
        return cls.of(features, target, rng.permutation(target.size), (target.size // 2, 7 * target.size // 10))


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # takes a second, which other commands need not wait for

    data: Any = load_digits()
    return data.data.astype(np.float32) / 16, data.target


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes()
    features, target = (np.asarray(scipy.stats.zscore(part), np.float32) for part in (data.data, data.target))
    return features, target


#: Name -> loader of features and target: labels of digits, or the standardised progress of diabetes.
LABELLED: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"digits": _digits, "diabetes": _diabetes}
