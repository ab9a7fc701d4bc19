"""Sources of data: a folder that the user names, an installed package, or OpenML."""

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

#: Environment variable that names the folder, where no option does.
FOLDER = "OTSORT_DATA"

_OF_ARCHIVES = zipfile.BadZipFile, zlib.error, NotImplementedError  # the last: an unknown way of compression


def find(folder: Path | None, name: str) -> Path | None:
    """The file of this name in the folder or below it.

    Raises:
        InputError: there is no such folder.
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
    """Tells in one line that data cannot be read, or are not what they should be."""
    try:
        yield
    except (OSError, EOFError, ValueError, LookupError, *_OF_ARCHIVES, PolarsError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{where} is damaged, or another file than it should be: {said}") from None


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file, whose checksums are verified on the way."""
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
    """A data set of OpenML, by scikit-learn, which keeps it.

    Args:
        data_id: its number there.
        missing: name of the file that was looked for in the folder.
        **options: of `sklearn.datasets.fetch_openml`.

    Raises:
        InputError: it cannot be had.
    """
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings(action="ignore"):  # of every retry
            return fetch_openml(data_id=data_id, **options)
    except Exception as error:  # of the network, of the server, or of a package that parsing needs
        said = " ".join(str(error).split())
        raise InputError(f"{unfound(missing)}, and OpenML's data set {data_id} cannot be had: {said}") from None


def unfound(missing: str) -> str:
    """That a file is in no folder."""
    return f"there is no {missing} in a folder that --data or {FOLDER} names"
