"""The command line. Only the commands that measure import JAX."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .cli import installed
from .common.column import example, load
from .common.errors import InputError
from .common.folder import REPORT, read_config
from .common.learning.sources import FOLDER
from .common.learning.study import AbstractLearning
from .common.lock import locked
from .common.report import Report, render
from .common.study import AbstractStudy
from .compare.study import EPSILONS, Compare, chosen
from .studies import STUDIES

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
study = typer.Typer(
    help="Run a study. If a run was interrupted, the same command finishes it.",
    pretty_exceptions_enable=False,
)
app.add_typer(study, name="study")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(installed())
        raise typer.Exit


@app.callback()
def _otsort(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run reproducible experiments with differentiable sorting by optimal transport."""


@app.command()
def compare(
    data: Annotated[Path | None, typer.Option(help="A .csv or .npy file. Default: an example.")] = None,
    column: Annotated[str | None, typer.Option(help="Name of the column (.csv), or its index (.npy).")] = None,
    epsilon: Annotated[list[float] | None, typer.Option(help="Epsilon of the solvers, > 0. May be repeated.")] = None,
    solvers: Annotated[
        list[str] | None, typer.Option(help="Name of a solver, such as Newton. Default: all. May be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("otsort-compare"),
) -> None:
    """Compare the accuracy, time and memory of all solvers and ways of differentiating them.

    Solvers run in float32 and are compared with a converged solution in float64. The report is printed.

    If a run was interrupted, the same command finishes it.
    """
    with _told():
        if data is None and column is not None:
            raise InputError("--column names a column of a file: give --data too")
        found = example() if data is None else load(data, column)
        values = tuple(found.values.tolist())
        asked = Compare(found.source, found.name, values, chosen(solvers or ()), _decreasing(epsilon or EPSILONS))
        print(_run(asked, out).text, end="\n\n")
        _say_where(out)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Folder of a finished run of compare or study.")]) -> None:
    """Write the report of a run again from its stored measurements; this does not need JAX."""
    with _told():
        read_config(folder)  # before the lock, which would create a missing folder
        with locked(folder):
            render(folder)
        _say_where(folder)


@study.command("list")
def list_studies() -> None:
    """List all studies, with the rough time of a full run on two CPU cores, and their titles."""
    for name, kind in STUDIES.items():
        print(textwrap.fill(kind.title, 80, initial_indent=f"{name:16}{kind.full_time:8}", subsequent_indent=" " * 24))
    print(f"{'':16}(rough times of runs with --full, on two CPU cores)")


_Full = Annotated[
    bool,
    typer.Option(
        "--full/--quick",
        help="Full size, as in the documentation, or a version of a minute or two. `otsort study list` shows times.",
    ),
]
_Paper = Annotated[bool, typer.Option("--paper", help="Size of the paper, which needs a GPU.")]
_Data = Annotated[
    Path | None, typer.Option(envvar=FOLDER, help="Folder with data. It is searched before installed packages.")
]
_Out = Annotated[
    Path | None, typer.Option(help="Folder for the results. Default: otsort-NAME, with -full or -paper at its end.")
]


def _add(kind: type[AbstractStudy]) -> None:
    @study.command(kind.name, help=_sentence(kind.title))
    def run_one(full: _Full = False, out: _Out = None) -> None:
        _study(*_sized(kind, full), out)


def _add_learning(kind: type[AbstractLearning]) -> None:
    @study.command(kind.name, help=_sentence(kind.title))
    def run_one(full: _Full = False, paper: _Paper = False, data: _Data = None, out: _Out = None) -> None:
        _study(*((kind.paper(), "-paper") if paper else _sized(kind, full)), out, data)


def _sentence(title: str) -> str:
    return title if title.endswith("?") else f"{title}."


def _sized(kind: type[AbstractStudy], full: bool) -> tuple[AbstractStudy, str]:
    """Returns the study and the suffix of the name of its folder."""
    return (kind(), "-full") if full else (kind.quick(), "")


def _study(study: AbstractStudy, size: str, out: Path | None, data: Path | None = None) -> None:
    with _told():
        folder = out or Path(f"otsort-{study.name}{size}")
        _run(study, folder, data)
        _say_where(folder)


for _kind in STUDIES.values():
    _add_learning(_kind) if issubclass(_kind, AbstractLearning) else _add(_kind)


def _run(study: AbstractStudy, folder: Path, data: Path | None = None) -> Report:
    from .common.run import run  # imports JAX

    return run(study, folder, data)


def _say_where(folder: Path) -> None:
    print(f"Written to {folder}: read {folder / REPORT} first")


@contextmanager
def _told() -> Iterator[None]:
    """Prints errors that the user can correct in one line, and exits with status 2."""
    try:
        yield
    except InputError as error:
        print(f"otsort: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print("otsort: interrupted: what was written is kept, and the same command continues", file=sys.stderr)
        raise typer.Exit(130) from None


def _decreasing(epsilons: Sequence[float]) -> tuple[float, ...]:
    """Sorts epsilons from the largest to the smallest and removes repetitions.

    Raises:
        InputError: one of them is not a positive float32 number.
    """
    for epsilon in epsilons:
        with np.errstate(over="ignore"):
            if not 0 < np.float32(epsilon) < np.inf:
                raise InputError(f"epsilon must be a positive float32 number, got {epsilon:g}")
    return tuple(sorted(set(epsilons), reverse=True))
