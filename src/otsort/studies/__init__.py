"""Reproducible experiments behind the command line `otsort`."""

import importlib.util
import sys


def main() -> None:
    """The command `otsort`; says what to install if the extra `studies` is missing."""
    needed = ("typer", "rich", "matplotlib", "sklearn", "threadpoolctl", "tabulate", "optax")
    if any(importlib.util.find_spec(name) is None for name in needed):
        print('otsort: the command line needs more packages: python -m pip install "otsort[studies]"', file=sys.stderr)
        raise SystemExit(2)
    from ._cli import app  # only now, as it imports those packages

    app()
