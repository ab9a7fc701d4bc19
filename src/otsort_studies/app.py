"""The command line: what the user typed, checked."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ._compare import compare as run_compare
from ._data import example, load
from ._errors import InputError
from ._methods import select
from ._run import run
from ._study import STUDIES, AbstractStudy

EPSILONS = (1e-1, 1e-2, 1e-3)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
study = typer.Typer(
    help="Answer a question by measurements; a run that was interrupted is finished by the same command.",
    pretty_exceptions_enable=False,
)
app.add_typer(study, name="study")


@app.callback()
def _otsort() -> None:
    """Differentiable sorting by optimal transport: reproducible experiments."""


@app.command()
def compare(
    data: Annotated[Path | None, typer.Option(help="A .csv or .npy file; an example unless given.")] = None,
    column: Annotated[str | None, typer.Option(help="Its column: a name in a .csv, an index in an .npy file.")] = None,
    epsilon: Annotated[list[float] | None, typer.Option(help="Of the solvers, > 0. May be repeated.")] = None,
    solvers: Annotated[
        list[str] | None, typer.Option(help="Such as Newton; all unless given. May be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("otsort-compare"),
) -> None:
    """Compare solvers and differentiations: accuracy, time and memory.

    They run in float32, against a converged reference in float64. The folder receives results.csv, results.json,
    config.json and pictures; a run that was interrupted is finished by the same command.
    """
    with _told():
        if data is None and column is not None:
            raise InputError("--column names a column of a file: give --data too")
        methods = select(solvers or ())
        epsilons = _epsilons(epsilon or EPSILONS)
        run_compare(example() if data is None else load(data, column), methods, epsilons, out)


@study.command("list")
def list_studies() -> None:
    """Name the studies."""
    for name, kind in STUDIES.items():
        print(f"{name:12}{kind.title}")


def _add(name: str, kind: type[AbstractStudy]) -> None:
    @study.command(name, help=f"{kind.title}.")
    def run_one(
        full: Annotated[
            bool, typer.Option("--full/--quick", help="As in the documentation, or in a minute or two.")
        ] = False,
        out: Annotated[Path | None, typer.Option(help=f"Folder for the results: otsort-{name} or -full.")] = None,
    ) -> None:
        with _told():
            folder = out or Path(f"otsort-{name}-full" if full else f"otsort-{name}")
            run(kind() if full else kind.quick(), folder)
            print(f"Written to {folder}: read {folder / 'report.md'} first")


for _name, _kind in STUDIES.items():
    _add(_name, _kind)


@contextmanager
def _told() -> Iterator[None]:
    """Tells what the user can correct in one line."""
    try:
        yield
    except InputError as error:
        print(f"otsort: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _epsilons(values: Sequence[float]) -> list[float]:
    """Without repetitions, the largest first."""
    for value in values:
        with np.errstate(over="ignore"):
            if not 0 < np.float32(value) < np.inf:
                raise InputError(f"epsilon must be a positive float32 number, got {value:g}")
    return sorted(set(values), reverse=True)
