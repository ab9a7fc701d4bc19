"""Computes medians, pairs of gradients, parts of errors, and the rates at which errors fall, for the report."""

import numpy as np
import polars as pl

from ..common.data import REFERENCE_TOL
from ..common.report import markdown_table, number
from .study import MAIN, STARTS

FLOOR = 10 * REFERENCE_TOL  # smaller errors may be due to the reference
COLD = ("zero", "exact")  # starts that do not use the solution


def pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs the unrolled with the implicit gradient where at least one of their errors is above the floor.

    Returns:
        A row for each start, list, epsilon and number of sweeps, with the columns of the unrolled gradient, the columns
        of the implicit gradient with the suffix `_implicit`, and `ratio`, the unrolled error over the implicit error.
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
    """Returns the median of the numbers that exist; NaN if there are none."""
    found = numbers.drop_nulls().to_numpy()
    return float(np.median(found)) if found.size else np.nan


def median_cell(rows: pl.DataFrame, column: str, scale: float = 1.0) -> str:
    """Formats a median, in units of 1 / scale, for a table. An error below the floor is shown as such."""
    value = scale * median(rows[column])
    if column.endswith("error"):
        return f"< {FLOOR:.0e}" if value <= FLOOR else number(value)
    return number(value, ".0f" if value >= 1000 else ".3g")


def spread_cell(numbers: pl.Series) -> str:
    """Formats median and range for a table."""
    found = numbers.drop_nulls()
    return f"{median(found):.2g} [{found.min():.2g}, {found.max():.2g}]" if found.len() else number(None)


def reason(points: pl.DataFrame) -> str:
    """Says which parts of the error the two methods share, and which they do not."""
    lines = []
    for start in COLD:
        here = points.filter(start=start)
        smaller = here.filter(pl.col("derivative_error") < pl.col("derivative_error_implicit")).height
        lines.append(
            f"- With the start *{start}*, the point error is "
            f"{_share(here, 'point_error_implicit', 'gradient_error_implicit')} times the error of the implicit "
            f"gradient and {_share(here, 'point_error', 'gradient_error')} times that of the unrolled one. The "
            "linearisation error is "
            f"{_share(here, 'derivative_error_implicit', 'point_error_implicit')} times the point error and "
            f"{_share(here, 'derivative_error_implicit', 'marginal_error_implicit')} times the marginal error. The "
            f"truncation error is {_share(here, 'derivative_error', 'point_error')} times the point error. It is "
            f"smaller than the linearisation error in {smaller} of {here.height} cases."
        )
    falls = _falls(points)
    return (
        "**Why.** The error has two parts. The point error is the same for both methods, because neither can repair a "
        "potential that has not converged. The other part is the linearisation error of implicit differentiation, or "
        "the truncation error of unrolling. With the start *exact* instead of *zero* and "
        f"everything else equal, the marginal error is smaller by a factor of {falls['marginal_error']} in the median, "
        f"the linearisation error of implicit differentiation by {falls['derivative_error_implicit']}, and the "
        f"truncation error of unrolling by {falls['derivative_error']}. The following numbers are medians over the "
        "cases:\n\n" + "\n".join(lines)
    )


def _falls(points: pl.DataFrame) -> dict[str, str]:
    """Returns the median factors by which errors are smaller with the exact start than with the zero start."""
    names = "marginal_error", "derivative_error", "derivative_error_implicit"
    zero, exact = (points.filter(start=start) for start in COLD)
    both = zero.join(exact, on=["data", "epsilon", "sweeps"], suffix="_exact")
    return {name: number(median(both[name] / both[f"{name}_exact"]), ".3g") for name in names}


def _share(points: pl.DataFrame, part: str, whole: str) -> str:
    return number(median(points[part] / points[whole]), ".2f")


FEWEST = 3  # smallest number of points of a fit
_VISIBLE = 0.5  # powers of l above it are closer to 1 than to 0
_LATE = pl.col("sweeps") * (1 - pl.col("rate")) >= 1

#: Name of an error -> column, method, and the starts for which it is fitted.
_ERRORS = {
    "marginal": ("marginal_error", MAIN[1], COLD),
    "point": ("point_error", MAIN[1], COLD),
    "linearisation": ("derivative_error", MAIN[1], COLD),
    "truncation": ("derivative_error", MAIN[0], STARTS),
}
_FITTED = ("slope", "p", "C")


def law(curve: pl.DataFrame, column: str) -> tuple[float, float, float] | None:
    """Fits the errors of one list after the first 1 / (1 - rho) sweeps.

    Args:
        curve: rows that differ in their number l of sweeps.
        column: name of the error.

    Returns:
        The slope of the logarithm divided by log rho, and the numbers p and C of the fit C l^p rho^l; None for fewer
        than three errors above the floor.
    """
    points = curve.filter(_LATE, pl.col(column) > FLOOR)
    if points.height < FEWEST:
        return None
    sweeps, logs, rate = points["sweeps"].to_numpy(), np.log(points[column].to_numpy()), np.log(points["rate"][0])
    slope, _ = np.polyfit(sweeps, logs, 1)
    power, constant = np.polyfit(np.log(sweeps), logs - sweeps * rate, 1)
    return float(slope / rate), float(power), float(np.exp(constant))


def speed(rows: pl.DataFrame) -> str:
    """Describes the fits of all errors, and says whether unrolling loses a factor l."""
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
        "**How fast the errors fall.** A sweep multiplies a small error of the potential by rho, the second largest "
        "eigenvalue of the derivative of a sweep. In theory, every error falls like rho^l after l sweeps. The "
        "truncation error may fall more slowly, like l rho^l, because the derivatives of the earlier sweeps are also "
        "wrong, by rho, rho^2, and so on. This does not apply to the start *solution*. The table shows fits of C l^p "
        f"rho^l with this eigenvalue. They use the errors after at least 1 / (1 - rho) sweeps, if at least {FEWEST} of "
        f"them are above {FLOOR:g}. {_factor(rows, fits)} *Slope* is the slope of the logarithm of the error, divided "
        "by log rho. It is 1 if the eigenvalue explains how fast the error falls. Cells give the median and the range "
        f"over the curves.\n\n{markdown_table(table, ['error', 'start', 'curves', *_FITTED])}"
    )


def _fits(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Returns the fits of all lists and epsilons that have enough errors."""
    found = [law(curve, column) for _, curve in rows.group_by("data", "epsilon", maintain_order=True)]
    return pl.DataFrame([fit for fit in found if fit], dict.fromkeys(_FITTED, pl.Float64), orient="row")


def _factor(rows: pl.DataFrame, fits: dict[tuple[str, str], pl.DataFrame]) -> str:
    powers = {start: median(fits["truncation", start]["p"]) for start in COLD}
    if np.isnan([*powers.values()]).any():
        return "There are too few numbers of sweeps for these fits."
    if max(powers.values()) > _VISIBLE:
        seen = "The factor l is visible, so the difference between the two methods grows with the number of sweeps"
    else:
        seen = "The factor l is not visible, so both methods converge equally fast, up to a constant factor"
    late = pairs(rows).filter(_LATE).with_columns(over=pl.col("derivative_error") / pl.col("derivative_error_implicit"))
    over = {start: number(median(late.filter(start=start)["over"]), ".2g") for start in COLD}
    said = " and ".join(f"{power:.2f} (start {start})" for start, power in powers.items())
    return (
        f"The median p of the truncation error is {said}. {seen}. After these numbers of sweeps, the median truncation "
        f"error is {' and '.join(f'{times} times (start {start})' for start, times in over.items())} the linearisation "
        "error."
    )
