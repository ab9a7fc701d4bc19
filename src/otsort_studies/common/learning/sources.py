"""Finds data in a folder of the user, in an installed package, or at OpenML."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from polars.exceptions import PolarsError

from ..errors import InputError

#: Environment variable that names the folder if no option does.
FOLDER = "OTSORT_DATA"

_OF_ARCHIVES = zipfile.BadZipFile, zlib.error, NotImplementedError  # the last one: an unknown compression


def find(folder: Path | None, name: str) -> Path | None:
    """Returns the path of a file of this name in the folder or its subfolders; None if there is none.

    Raises:
        InputError: the folder does not exist.
    """
    if folder is None:
        return None
    if not folder.is_dir():
        lack = "is no folder" if folder.exists() else "does not exist"
        raise InputError(
            f"--data (or {FOLDER}) must be a folder with data, got {folder}, which {lack}: give another, or none"
        )
    return next(iter(sorted(folder.rglob(name))), None)


@contextmanager
def reading(where: Path | str) -> Iterator[None]:
    """Reports in one line that data cannot be read or are not the expected data."""
    try:
        yield
    except (OSError, EOFError, ValueError, LookupError, *_OF_ARCHIVES, PolarsError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{where} is damaged, or another file than it should be: {said}") from None


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Reads all arrays of a file, which verifies their checksums."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def demand(condition: Any, what: str) -> None:
    """Raises an error unless a condition on data holds.

    Raises:
        ValueError: it does not hold.
    """
    if not condition:
        raise ValueError(what)


def openml(data_id: int, missing: str, **options: Any) -> Any:
    """Loads a data set from OpenML with scikit-learn, which caches it.

    Args:
        data_id: number of the data set at OpenML.
        missing: name of the file that was not found in the folder.
        **options: options of `sklearn.datasets.fetch_openml`.

    Raises:
        InputError: the data set is not available.
    """
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings(action="ignore"):  # one for every retry
            return fetch_openml(data_id=data_id, **options)
    except Exception as error:  # from the network, the server, or a package that is needed for parsing
        said = " ".join(str(error).split())
        raise InputError(f"{unfound(missing)}, and OpenML's data set {data_id} cannot be loaded: {said}") from None


def unfound(missing: str) -> str:
    """Says that a file was not found in a folder."""
    return f"there is no {missing} in a folder that --data or {FOLDER} names"
