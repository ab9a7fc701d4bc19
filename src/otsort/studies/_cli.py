"""The command line: what the user typed, checked."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ._compare import compare as run_compare
from ._data import example, load
from ._errors import InputError
from ._methods import select

EPSILONS = (1e-1, 1e-2, 1e-3)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


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
    try:
        if data is None and column is not None:
            raise InputError("--column names a column of a file: give --data too")
        methods = select(solvers or ())
        epsilons = _epsilons(epsilon or EPSILONS)
        run_compare(example() if data is None else load(data, column), methods, epsilons, out)
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
