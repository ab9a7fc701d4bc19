"""The report."""

import polars as pl
from matplotlib.figure import Figure

from otsort_studies.common.report import Report, markdown_table, number

from .study import Toy


def report(study: Toy, frames: dict[str, pl.DataFrame]) -> Report:
    figure = Figure()
    figure.subplots().plot(frames["half"]["number"], frames["half"]["half"])
    lines = [[f"{row['number']}", number(row["half"], ".2f")] for row in frames["half"].iter_rows(named=True)]
    text = markdown_table(lines, ["number", "half"])
    return Report(f"{len(study.numbers)} halves:\n\n{text}", {"halves": (figure, "Halves.")})
