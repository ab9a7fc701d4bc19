"""What the answers on gradients are taken from: medians, and pairs of an unrolled and an implicit gradient."""

import numpy as np
import polars as pl

from ..common.data import REFERENCE_TOL
from ..common.report import number
from .study import MAIN

FLOOR = 10 * REFERENCE_TOL  # errors below it may be those of the reference
COLD = ("zero", "exact")  # the starts that do not know the solution


def pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Points at which one of the main methods can be told from the reference: start, list, epsilon and budget.

    Returns:
        A row each: the columns of the unrolled gradient, those of the implicit one ending in `_implicit`, and `ratio`,
        the error of the first over that of the second.
    """
    unrolled, implicit = (rows.filter(method=method) for method in MAIN)
    point = ["n", "m", "dtype", "start", "data", "epsilon", "sweeps"]
    errors = "gradient_error", "gradient_error_implicit"
    return (
        unrolled.join(implicit, on=point, suffix="_implicit", maintain_order="left")
        .filter(pl.max_horizontal(*errors) > FLOOR)
        .with_columns(ratio=pl.col(errors[0]) / pl.col(errors[1]))
    )


def median(numbers: pl.Series) -> float:
    """Of the numbers that exist; NaN if there are none."""
    found = numbers.drop_nulls().to_numpy()
    return float(np.median(found)) if found.size else np.nan


def median_cell(rows: pl.DataFrame, column: str, scale: float = 1.0) -> str:
    """A cell of a table: a median in units of 1 / scale; an error below the floor says no more than that."""
    value = scale * median(rows[column])
    if column.endswith("error"):
        return f"< {FLOOR:.0e}" if value <= FLOOR else number(value)
    return number(value, ".0f" if value >= 1000 else ".3g")


def spread_cell(numbers: pl.Series) -> str:
    """A cell of a table: median and range."""
    found = numbers.drop_nulls()
    return f"{median(found):.2g} [{found.min():.2g}, {found.max():.2g}]" if found.len() else number(None)
