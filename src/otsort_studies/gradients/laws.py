"""Medians, pairs of gradients, and the rates at which errors fall, from which the report takes its answers."""

import numpy as np
import polars as pl

from ..common.data import REFERENCE_TOL
from ..common.report import markdown_table, number
from .study import MAIN, STARTS

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


FEWEST = 3  # points of a fit
_VISIBLE = 0.5  # a power of l that is nearer to 1 than to 0
_LATE = pl.col("sweeps") * (1 - pl.col("rate")) >= 1

#: Name -> column, method, and the starts that it is fitted for.
_ERRORS = {
    "marginal": ("marginal_error", MAIN[1], COLD),
    "point": ("point_error", MAIN[1], COLD),
    "linearisation": ("derivative_error", MAIN[1], COLD),
    "truncation": ("derivative_error", MAIN[0], STARTS),
}
_FITTED = ("slope", "p", "C")


def law(curve: pl.DataFrame, column: str) -> tuple[float, float, float] | None:
    """The law that the errors of one list follow past the first 1 / (1 - rho) sweeps.

    Args:
        curve: rows that differ in their number of sweeps, l.
        column: the error.

    Returns:
        Slope of the logarithm over log rho, p, and C, of C l^p rho^l; None for fewer than three errors above the floor.
    """
    points = curve.filter(_LATE, pl.col(column) > FLOOR)
    if points.height < FEWEST:
        return None
    sweeps, logs, rate = points["sweeps"].to_numpy(), np.log(points[column].to_numpy()), np.log(points["rate"][0])
    slope, _ = np.polyfit(sweeps, logs, 1)
    power, constant = np.polyfit(np.log(sweeps), logs - sweeps * rate, 1)
    return float(slope / rate), float(power), float(np.exp(constant))


def speed(rows: pl.DataFrame) -> str:
    """Fits of all errors, and whether unrolling loses a factor l."""
    fits = {
        (error, start): _fits(rows.filter(method=method, start=start), column)
        for error, (column, method, starts) in _ERRORS.items()
        for start in starts
    }
    table = [
        [error, start, str(fit.height), *(spread_cell(fit[name]) for name in _FITTED)]
        for (error, start), fit in fits.items()
    ]
    return (
        "**How fast.** A sweep multiplies a small error of the potential by rho, the second largest eigenvalue of its "
        "derivative. After l sweeps theory lets every error fall as rho^l, and what unrolling adds as l rho^l unless "
        "it starts from the solution, as the sweeps on the way have derivatives that are off by rho, rho^2, ... too. "
        f"Fitted is C l^p rho^l to budgets l >= 1 / (1 - rho), with that eigenvalue, where at least {FEWEST} of them "
        f"are above {FLOOR:g}. {_factor(rows, fits)} The slope is that of the logarithm of the error, over log rho: 1 "
        f"where the eigenvalue explains it.\n\n{markdown_table(table, ['error', 'start', 'curves', *_FITTED])}"
    )


def _fits(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The law of each list and epsilon that has one."""
    found = [law(curve, column) for _, curve in rows.group_by("data", "epsilon", maintain_order=True)]
    return pl.DataFrame([fit for fit in found if fit], dict.fromkeys(_FITTED, pl.Float64), orient="row")


def _factor(rows: pl.DataFrame, fits: dict[tuple[str, str], pl.DataFrame]) -> str:
    powers = {start: median(fits["truncation", start]["p"]) for start in COLD}
    if np.isnan([*powers.values()]).any():
        return "There are too few budgets for that."
    if max(powers.values()) > _VISIBLE:
        seen = "the factor l shows, and more sweeps part the two ways further"
    else:
        seen = "the factor l does not show, and both ways converge at one rate, with a constant between them"
    late = pairs(rows).filter(_LATE).with_columns(over=pl.col("derivative_error") / pl.col("derivative_error_implicit"))
    over = {start: number(median(late.filter(start=start)["over"]), ".2g") for start in COLD}
    return (
        f"Of truncation p is {', '.join(f'{power:.2f} from {start}' for start, power in powers.items())} in the "
        f"median: {seen}. At such budgets the truncation error is, in the median, "
        f"{' and '.join(f'{times} times (from {start})' for start, times in over.items())} the linearisation error."
    )
