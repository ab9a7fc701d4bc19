"""Loads small labelled data sets by name, and splits them for training, validation and testing."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.stats


class Split(NamedTuple):
    """Features and targets for training, validation and testing."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, features: np.ndarray, target: np.ndarray, order: np.ndarray, ends: Sequence[int]) -> Self:
        """Splits examples in the given order: up to the first end for training, up to the second for validation."""
        return cls(*((features[part], target[part]) for part in np.split(order, ends)))

    @classmethod
    def half(cls, features: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> Self:
        """Splits at random: half for training, a fifth for validation, the rest for testing."""
        return cls.of(features, target, rng.permutation(target.size), (target.size // 2, 7 * target.size // 10))


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # imported late, because the import takes a second

    data: Any = load_digits()
    return data.data.astype(np.float32) / 16, data.target


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes()
    features, target = (np.asarray(scipy.stats.zscore(part), np.float32) for part in (data.data, data.target))
    return features, target


#: Name -> loader of features and targets: the labels of digits, or the standardised progress of diabetes.
LABELLED: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"digits": _digits, "diabetes": _diabetes}
