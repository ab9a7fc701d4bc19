"""Norm and support against theory, on families without ties."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.report import markdown_table
from .study import OWN, SUPPORT

# Name, column, power of the density in theory, exponent of n that the column is divided by, and those of theory.
_NORMS = (
    ("norm of a row", "row", 1, 1, (0, 1)),
    ("Frobenius norm", "frobenius", 1, 1.5, (0, 1.5)),
    ("spectral norm", "spectral", 1, 1, (0, 1)),
)
_SUPPORT = ("support", "support", 0.5, 0, (0.5, 1))
_WIDE = ("norm of a row, epsilon >= 1", "row", 0, 1, (-1, 1))


def with_theory(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `deviation` of the kernel in ranks, `predicted` support and `norm` of a row over n density."""
    deviation = pl.col("n") * (pl.col("epsilon") * pl.col("density") / 2).sqrt()
    return rows.with_columns(
        deviation=deviation, predicted=SUPPORT * deviation - OWN, norm=pl.col("row") / pl.col("density")
    )


def scaling(smooth: pl.DataFrame) -> str:
    """How norm and support grow."""
    middle = smooth.filter(pl.col("predicted").is_between(5, pl.col("n") / 4))
    wide = smooth.filter(pl.col("epsilon") >= 1)
    table = [*(_exponents(middle, *one) for one in (_SUPPORT, *_NORMS)), _exponents(wide, *_WIDE)]
    table = [line for line in table if line]
    if middle.is_empty() or not table:
        return "There are too few rows for the exponents of norm and support."
    ratio = (middle["support"] / middle["predicted"]).to_numpy()
    constant = ((middle["support"] + OWN) / middle["deviation"]).median()
    headers = ["", "exponent of epsilon", "theory", "exponent of n", "theory", "fits"]
    return (
        "**Norm and support.** In theory, where values lie densely, J is n rho (1 - a kernel), with rho the density of "
        "the positions and a kernel of deviation n sqrt(epsilon rho / 2) ranks, which sees "
        f"{SUPPORT:.2f} deviations less {OWN:.2f} for the value itself. So the support grows as n sqrt(epsilon), while "
        "the norm does not depend on epsilon: epsilon says *whose* moves a rank feels, not how much. On random "
        f"families without ties, where between 5 and n/4 neighbours are predicted: it sees {constant:.2f} deviations "
        f"less {OWN:.2f} in the median, {np.median(ratio):.2f} times the predicted support (90 % between "
        f"{np.quantile(ratio, 0.05):.2f} and {np.quantile(ratio, 0.95):.2f}), and the norm of a row is "
        f"{middle['norm'].median():.2f} times n rho. Exponents by family and squash with the density divided out, "
        "median and range; theory is that of even spacing, and the spectral norm follows the densest place instead "
        "that the kernel still resolves:\n\n"
        + markdown_table(table, headers)
        + "\n\nThe ratio with j = i says little: a row sums to about zero, half of it in absolute value on the "
        f"diagonal, so that it tends to 4; it is {middle['whole_support'].median():.2f} here."
    )


def _exponents(
    rows: pl.DataFrame, name: str, column: str, power: float, unit: float, theory: tuple[float, float]
) -> list[str]:
    """A line of the table; empty if there is no fit."""
    found = [_fit(group, column, power) for _, group in rows.group_by("data", "squash", maintain_order=True)]
    fits = np.array([np.add(fit, (0, unit)) for fit in found if fit is not None])
    if not fits.size:
        return []
    epsilon, n = (f"{np.median(fit):.2f} ({fit.min():.2f} to {fit.max():.2f})" for fit in fits.T)
    return [name, epsilon, f"{theory[0]:g}", n, f"{theory[1]:g}", str(len(fits))]


def _fit(rows: pl.DataFrame, column: str, power: float) -> np.ndarray | None:
    """Exponents of epsilon and n in column / density^power, by least squares on logarithms, if both vary."""
    if rows["epsilon"].n_unique() < 2 or rows["n"].n_unique() < 2:
        return None
    logs = np.log(rows.select("epsilon", "n", pl.col(column) / pl.col("density").pow(power)).to_numpy())
    columns = np.column_stack([logs[:, :2], np.ones(len(logs))])
    return np.linalg.lstsq(columns, logs[:, 2])[0][:2]


def fading(smooth: pl.DataFrame) -> str:
    """Where the gradient vanishes; empty if no kernel is so narrow."""
    parts = []
    for low, high in ((1, 2), (0.5, 1), (0.25, 0.5), (0, 0.25)):
        here = smooth.filter(pl.col("deviation").is_between(low, high, closed="left"))
        if not here.is_empty():
            norm, silent = here["norm"].median(), here["silent"].median()
            parts.append(f"{norm:.2g} times n rho with {silent:.0%} silent at {low:g} to {high:g}")
    if not parts:
        return ""
    return (
        "**When the gradient vanishes.** It does where the kernel gets much narrower than the gap between two values. "
        "By the deviation in ranks the norm of a row is, in medians, " + "; ".join(parts) + "."
    )


def draw(smooth: pl.DataFrame) -> tuple[Figure, str]:
    """Support and norm against the deviation of the kernel, and the caption."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    supports, norms = figure.subplots(1, 2)
    for (n,), here in smooth.sort("n").group_by("n", maintain_order=True):
        supports.plot(here["deviation"], here["support"], ".", label=f"n = {n}")
        norms.plot(here["deviation"], here["norm"], ".", label=f"n = {n}")
    deviations = np.geomspace(0.5, smooth["deviation"].to_numpy().max(initial=1), 50)
    supports.plot(deviations, np.maximum(SUPPORT * deviations - OWN, 1), "k", lw=0.8, label="theory")
    norms.axhline(1, color="k", lw=0.8, label="theory")
    supports.set(ylabel="median support, values", ylim=(0.8, 2 * smooth["n"].to_numpy().max(initial=1)))
    norms.set(ylabel="median norm of a row / (n density)", ylim=(1e-4, 3))
    for place in (supports, norms):
        place.set(xscale="log", yscale="log", xlabel="n sqrt(epsilon density / 2), ranks")
        place.legend(fontsize="small")
    return figure, "Support and norm of the gradient of ranks, random families without ties, all epsilon and squashes."
