"""Runs a study: measures the missing rows, then writes the report."""

import functools
import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import jax
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

import otsort

from . import rows
from .errors import InputError
from .execution import failure
from .folder import CHECKPOINT, ROWS, claim, writing
from .learning.bench import Workbench
from .learning.study import AbstractLearning
from .lock import locked
from .programs import drop_programs
from .report import Report, render
from .study import AbstractCase, AbstractStudy, Row

#: A function from some of the cases of a study to their rows.
Measure: TypeAlias = Callable[[Sequence[AbstractCase]], Iterator[Row]]

_SPEED = 3600.0  # seconds of past work from which the remaining time is estimated, because some cases take minutes


def run(study: AbstractStudy, folder: Path, data: Path | None = None) -> Report:
    """Measures all missing rows of a study, writes its report, and keeps the rows that the folder already holds.

    Args:
        study: the study with its configuration.
        folder: created if it does not exist.
        data: folder in which a study that trains networks looks for data first.

    Returns:
        The report that was written.

    Raises:
        InputError: the folder holds other files or is in use, or data are not available; nothing was written. Or a
            file cannot be written; all earlier rows are kept.
    """
    times = TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    columns = TextColumn(study.name), BarColumn(), MofNCompleteColumn(), *times, TextColumn("{task.description}")
    bar = Progress(*columns, console=Console(stderr=True), speed_estimate_period=_SPEED)
    task = bar.add_task("", start=False)
    path, checkpoint = folder / ROWS, folder / CHECKPOINT
    done: dict[AbstractCase, Row] = {}

    def tell(cases: float, score: str) -> None:
        bar.update(task, completed=len(done) + cases, description=score)

    measure = measurement(study, data, Workbench(checkpoint, tell))
    configuration = {"study": study.name, "configuration": asdict(study), "dtype": study.dtype, "lapack_threads": 1}
    with locked(folder):
        claim(folder, {**configuration, **environment()})
        done.update(rows.resume(path, study.parts))
        jax.config.update("jax_enable_x64", True)  # for the references; solvers compute in the dtype of the data

        cases = study.cases()
        missing = [case for case in cases if case not in done]
        # LAPACK's threads wait for each other in a busy loop. With other load, a factorisation takes ten times as long
        # as on one thread, and without other load it is not faster.
        with threadpool_limits(1, "blas"), bar:
            bar.start_task(task)
            bar.update(task, total=len(cases), completed=len(done))
            for case, row in zip(missing, measured(study, missing, measure), strict=True):
                rows.append(path, row)
                done[case] = row
                bar.update(task, completed=len(done))
                drop_programs()
        with writing(checkpoint):
            checkpoint.unlink(missing_ok=True)
        return render(folder)


def measurement(study: AbstractStudy, data: Path | None, bench: Workbench) -> Measure:
    """Returns the function that measures cases of a study, together with the data that it needs.

    Raises:
        InputError: data are not available.
    """
    module = study.module("measure")
    if isinstance(study, AbstractLearning):
        return functools.partial(module.measure, study, data=module.load(study, data), bench=bench)
    return functools.partial(module.measure, study)


def measured(study: AbstractStudy, cases: Sequence[AbstractCase], measure: Measure | None = None) -> Iterator[Row]:
    """Yields a row for each case. If measuring a case raises an exception, the exception becomes its outcome.

    Raises:
        InputError: a training cannot write its checkpoint; this is not the outcome of a case.
        RuntimeError: a row does not belong to the next case.
    """
    measure = measure or measurement(study, None, Workbench())
    found: Iterator[Row] | None = None
    for place, case in enumerate(cases):
        try:
            found = found or measure(tuple(cases[place:]))
            row = next(found)
        except InputError:
            raise
        except Exception:  # it may come from a later case, for example if a program cannot be compiled
            row, found = _alone(measure, case), None
        if type(case).of(row) != case:
            raise RuntimeError(f"{study.name} measured {row} in place of {case}")
        yield row


def _alone(measure: Measure, case: AbstractCase) -> Row:
    try:
        return next(measure((case,)))
    except InputError:
        raise
    except Exception as error:  # any exception is an outcome
        return case.row(failure(error))


PACKAGES = ("jax", "jaxlib", "equinox", "jaxopt", "numpy", "scipy", "scikit-learn", "optax", "ott-jax")


def environment() -> dict[str, Any]:
    """Returns the versions of the packages and the device."""
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
