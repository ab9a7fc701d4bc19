"""Adds measurements to a finished run: `python -m otsort_studies.peers FOLDER [METHOD ...]`.

Use it for packages that need another version of Python or JAX. Run it on the same computer as the first run, in an
environment with `otsort[studies]` and the package. It measures the methods that were not installed, and again all
methods that are named. Then it writes the report again.
"""

import sys
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from ..common import rows
from ..common.errors import InputError
from ..common.folder import ROWS
from ..common.lock import locked
from ..common.outcome import NOT_INSTALLED
from ..common.report import load, render
from ..common.run import measured


def main(folder: Path, *again: str) -> None:
    """Measures the missing rows and appends them to the file; of two rows of a case, the later one counts.

    Raises:
        InputError: the folder is not the folder of a finished run, or the run has no such method.
    """
    _, study, _ = load(folder)
    with locked(folder):
        found = rows.resume(folder / ROWS, study.parts)
        cases: list[Any] = study.cases()
        if unknown := set(again) - {case.method for case in cases}:
            raise InputError(f"the run in {folder} has no method {', '.join(sorted(unknown))}")
        lacked = [case for case in cases if case.method in again or found[case]["outcome"] == NOT_INSTALLED]
        with threadpool_limits(1, "blas"):
            for row in measured(study, lacked):
                if row["outcome"] != NOT_INSTALLED:
                    print(*(value for value in row.values() if isinstance(value, str | int)), file=sys.stderr)
                    rows.append(folder / ROWS, row)
        render(folder)


if __name__ == "__main__":
    try:
        main(Path(*sys.argv[1:2]), *sys.argv[2:])
    except InputError as error:
        raise SystemExit(f"otsort: {error}") from None
