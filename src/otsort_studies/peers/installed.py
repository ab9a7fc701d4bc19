"""Words and a table on the installed packages, for reports."""

import polars as pl

from ..common.outcome import NOT_INSTALLED
from ..common.report import markdown_table


def absent(installed: pl.DataFrame) -> list[str]:
    """Returns a sentence on the packages that are not installed, if there are any."""
    names = installed.filter(outcome=NOT_INSTALLED)["method"].to_list()
    return [f"Not installed, and therefore not measured: {', '.join(names)}."] if names else []


def versions(installed: pl.DataFrame) -> str:
    """Returns a table of the versions."""
    lines = [
        [row["method"], row["version"] or row["outcome"], row["environment"] or ""]
        for row in installed.iter_rows(named=True)
    ]
    return markdown_table(lines, ["method", "version", "environment"])
