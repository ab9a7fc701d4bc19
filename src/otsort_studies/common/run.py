"""Runs a study: measures what is missing, then writes the report."""

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

import otsort

from . import rows
from .execution import failure
from .folder import ROWS, claim
from .report import Report, render
from .study import AbstractCase, AbstractStudy, Row


def run(study: AbstractStudy, folder: Path) -> Report:
    """Fills the folder; what it holds of the same study already is kept.

    Args:
        study: with its configuration.
        folder: made if it does not exist.

    Returns:
        The report that was written.

    Raises:
        InputError: the folder holds anything else; nothing was written.
    """
    configuration = {"study": study.name, "configuration": asdict(study), "dtype": study.dtype, "lapack_threads": 1}
    claim(folder, {**configuration, **environment()})
    path = folder / ROWS
    done, size = rows.read(path, study.parts)
    if path.exists():
        os.truncate(path, size)
    jax.config.update("jax_enable_x64", True)  # for references: solvers compute in the dtype of the data

    cases = study.cases()
    missing = [case for case in cases if case not in done]
    times = TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    bar = Progress(TextColumn(study.name), BarColumn(), MofNCompleteColumn(), *times, console=Console(stderr=True))
    # LAPACK's threads wait for each other in a busy loop: with any other load on the machine a factorisation takes ten
    # times as long as on one thread, and no less without.
    with threadpool_limits(1, "blas"), bar:
        task = bar.add_task("", total=len(cases), completed=len(cases) - len(missing))
        for row in measured(study, missing):
            rows.append(path, row)
            bar.advance(task)
    return render(folder)


def measured(study: AbstractStudy, cases: Sequence[AbstractCase]) -> Iterator[Row]:
    """A row of each case; where measuring it alone raises, that is its outcome, and the rest goes on.

    Raises:
        RuntimeError: a row is not that of the next case.
    """
    measure: Callable[..., Iterator[Row]] = study.module("measure").measure
    found: Iterator[Row] | None = None
    for place, case in enumerate(cases):
        try:
            found = found or measure(study, tuple(cases[place:]))
            row = next(found)
        except Exception:  # whatever it is, and maybe of a later case, such as one whose program cannot be compiled
            row, found = _alone(measure, study, case), None
        if type(case).of(row) != case:
            raise RuntimeError(f"{study.name} measured {row} in place of {case}")
        yield row


def _alone(measure: Callable[..., Iterator[Row]], study: AbstractStudy, case: AbstractCase) -> Row:
    try:
        return next(measure(study, (case,)))
    except Exception as error:  # whatever it is
        return case.row(failure(error))


PACKAGES = ("jax", "jaxlib", "equinox", "jaxopt", "numpy", "scipy", "scikit-learn", "optax", "ott-jax")


def environment() -> dict[str, Any]:
    """Versions and device."""
    versions = {"otsort": otsort.__version__, **{package: _version(package) for package in PACKAGES}}
    device = jax.devices()[0]
    return {
        "versions": {**versions, "python": platform.python_version()},
        "device": {"platform": device.platform, "kind": device.device_kind, "machine": platform.machine()},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
