"""Writes the report on Table 1."""

import itertools
from typing import Any

import numpy as np
import polars as pl
import scipy.stats
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import ENDED_BY_A_MISS, MISSES, differences, failures, misses, spread
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from .study import CANDIDATES, LOGISTIC, MIN_MAX, PAPER, PAPER_EPSILON, PAPER_T, PINBALL, Table1

EQUAL = 1.1  # factor within which two losses are called equal
_WORDS = {1: "worse", 0: "equal", -1: "better"}

#: (data, tau) -> number.
Cells = dict[tuple[str, float], float]
#: (method, squash, epsilon, t).
_Kind = tuple[str, str, float, float]


def report(study: Table1, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which formula is closest to the paper, and describes the effect of epsilon, t, squash and outliers."""
    fits, settings = scored(frames["fits"]), scored(frames["settings"])
    losses = {method: _cells(fits.filter(method=method)) for method in (PINBALL, *study.methods)}
    ratios = {method: _ratios(losses[method], losses[PINBALL]) for method in study.methods}
    paper = {(data, tau): PAPER[data][tau][1] / PAPER[data][tau][0] for data, tau in losses[PINBALL]}
    parts = [
        _answer(study, ratios, paper),
        _constants(losses[PINBALL], frames["constants"]),
        _differences(study, fits),
        _table(study, fits, frames["constants"]),
        _pattern(study, ratios, paper),
        _settings(study, settings),
        failures(pl.concat([fits.select("outcome"), settings.select("outcome")])),
    ]
    figures = {"table1-ratios": _draw(study, ratios, paper), "table1-settings": _draw_settings(study, settings)}
    return Report("\n\n".join(parts), figures)


def scored(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the test loss `test` at the checkpoint with the best validation loss; none where a training failed."""
    chosen = pl.col("test_pinball").list.get(pl.col("validation_pinball").list.arg_min())
    return rows.with_columns(test=pl.when(outcome=TRAINED).then(chosen))


def _cells(fits: pl.DataFrame) -> Cells:
    """Returns the mean test loss over seeds; NaN where there is none."""
    means = fits.group_by("data", "tau", maintain_order=True).agg(pl.col("test").mean().fill_null(np.nan))
    return {(data, tau): test for data, tau, test in means.iter_rows()}


def _ratios(losses: Cells, pinball: Cells) -> Cells:
    return {cell: loss / pinball[cell] for cell, loss in losses.items()}


def _verdict(ratio: float) -> int:
    """Returns 1 for worse, 0 for equal, -1 for better."""
    return int(ratio > EQUAL) - int(ratio < 1 / EQUAL)


def _agreement(ratios: Cells, paper: Cells) -> tuple[int, float]:
    """Returns the number of cells with the verdict of the paper, and the rank correlation with its ratios."""
    cells = [cell for cell in paper if np.isfinite(ratios[cell])]
    same = sum(_verdict(ratios[cell]) == _verdict(paper[cell]) for cell in cells)
    ours, theirs = ([of[cell] for cell in cells] for of in (ratios, paper))
    varies = len(set(ours)) > 1 and len(set(theirs)) > 1
    correlation: Any = scipy.stats.spearmanr(ours, theirs) if varies else None
    return same, float(correlation.statistic) if varies else 0.0


def _mean(ratios: Cells) -> float:
    """Returns the geometric mean."""
    return float(np.exp(np.mean(np.log(list(ratios.values())))))


def _answer(study: Table1, ratios: dict[str, Cells], paper: Cells) -> str:
    agreements = {method: _agreement(ratios[method], paper) for method in study.methods}
    nearest = max(agreements, key=lambda method: agreements[method])
    finite = [method for method in study.methods if np.isfinite(_mean(ratios[method]))]
    same, correlation = agreements[nearest]
    worse = sum(_verdict(ratio) == 1 for ratio in paper.values())
    whole = "Reproduced" if same == len(paper) else "Reproduced in part" if 2 * same > len(paper) else "Not reproduced"
    no_better = " No formula agrees in more." if same <= worse else ""
    said = (
        f"**{whole}.** The formula that is closest to the paper is *{nearest}*, {CANDIDATES[nearest]}. It agrees with "
        f"the paper, on whether the formula is worse than, equal to or better than pinball training, in {same} of "
        f"{len(paper)} cells. A formula that is worse in every cell would agree in {worse}.{no_better} The rank "
        "correlation between its ratios to pinball training and those of the paper is "
        f"{number(correlation, '.2f')}. "
    )
    if finite:
        best = min(finite, key=lambda method: _mean(ratios[method]))
        equal = sum(_verdict(ratio) <= 0 for ratio in ratios[best].values())
        said += (
            f"The formula with the smallest test loss is *{best}*, {CANDIDATES[best]}. Its test loss is "
            f"{number(_mean(ratios[best]), '.2f')} times that of pinball training (geometric mean), and it is equal or "
            f"better in {equal} of {len(paper)} cells. "
        )
    beats = [f"*{method}*" for method in finite if _mean(ratios[method]) < 1]
    return said + (
        f"Formulas that are better than pinball training in the geometric mean: {', '.join(beats) or 'none'}.\n\n"
        "A cell is a combination of data and quantile level tau. Two mean test losses are called equal if the larger "
        f"one is at most {EQUAL:g} times the smaller one."
    )


def _differences(study: Table1, fits: pl.DataFrame) -> str:
    sources = ", ".join(
        f"{data} from {source}"
        for data, source in fits.select("data", "source").unique(maintain_order=True).drop_nulls().iter_rows()
    )
    lines = [
        ["data", f"{', '.join(PAPER)}, facebook", f"{sources}; facebook was not available"],
        ["features of star", "39, including the row number", "39, with another feature instead of the row number"],
        ["loss", "not stated", "four formulas, see above"],
        ["seeds", "12", str(study.seeds)],
        ["training", "Adam at 1e-4, number of steps not stated", f"{study.steps} steps, Adam at {study.rate:g}"],
        ["transport solver", "100 Sinkhorn iterations", ENDED_BY_A_MISS],
        ["unit of the test loss", "not stated", "standard deviation of the target"],
    ]
    return differences(lines)


def _table(study: Table1, fits: pl.DataFrame, constants: pl.DataFrame) -> str:
    lines = []
    for data, tau in itertools.product(study.data, study.taus):
        here = fits.filter(data=data, tau=tau)
        ours = [spread(here.filter(method=method)["test"].to_numpy(), ".3f") for method in (PINBALL, *study.methods)]
        constant = spread(constants.filter(data=data, tau=tau)["standardised"].to_numpy(), ".3f")
        lines.append([data, f"{tau:g}", *(f"{loss:.3f}" for loss in PAPER[data][tau]), *ours, constant, misses(here)])
    headers = ["data", "tau", "paper: pinball", "paper: S-quantile", PINBALL, *study.methods, "constant", MISSES]
    return (
        "Test loss in units of the standard deviation of the training targets: mean and standard deviation over "
        f"seeds. All formulas have the paper's epsilon = {PAPER_EPSILON:g} and t = {PAPER_T:g}, and the logistic "
        "squash. The first columns are the numbers of the paper, and *constant* is the best prediction that does not "
        f"use the features:\n\n{markdown_table(lines, headers)}"
    )


def _pattern(study: Table1, ratios: dict[str, Cells], paper: Cells) -> str:
    def cell(ratio: float) -> str:
        return f"{number(ratio, '.3f')} {_WORDS[_verdict(ratio)] if np.isfinite(ratio) else ''}".strip()

    lines = [
        [data, f"{tau:g}", cell(ratio), *(cell(ratios[method][data, tau]) for method in study.methods)]
        for (data, tau), ratio in paper.items()
    ]
    table = markdown_table(lines, ["data", "tau", "paper", *study.methods])
    return f"Ratio of the test loss to that of pinball training:\n\n{table}"


def _constants(pinball: Cells, constants: pl.DataFrame) -> str:
    mean = constants.group_by("data", "tau", maintain_order=True).agg(
        pl.col("standardised", "scaled").mean().fill_null(np.nan)
    )
    ratios = {
        scale: [PAPER[data][tau][0] / loss for data, tau, loss in mean.select("data", "tau", scale).iter_rows()]
        for scale in ("standardised", "scaled")
    }
    near = {scale: sum(abs(np.log(ratio)) < np.log(EQUAL) for ratio in of) for scale, of in ratios.items()}
    less = sum(ratio < 1 / EQUAL for ratio in ratios["standardised"])
    standardised, scaled = near["standardised"], near["scaled"]
    here = mean.select("data", "tau", "standardised").iter_rows()
    worse = [f"{data} at tau = {tau:g}" for data, tau, loss in here if pinball[data, tau] > loss]
    return (
        "The paper does not state the unit of its losses. If the unit is the standard deviation of the target, the "
        "paper's losses after *pinball* training are equal to those of a constant prediction in "
        f"{standardised} of {mean.height} cells; its networks are better than a constant in {less} cells, and worse in "
        f"{mean.height - standardised - less}. If the unit is the mean absolute value of the target, as in the recipe, "
        f"they are equal in {scaled} cells. In this study, networks after pinball training are worse than a constant "
        f"for: {', '.join(worse) or 'none'}."
    )


def _settings(study: Table1, settings: pl.DataFrame) -> str:
    usual = {tau: settings.filter(tau=tau, outliers=0.0, method=PINBALL)["test"].mean() for tau in study.setting_taus}

    def ratios(kind: _Kind, tau: float, outliers: float) -> Float[np.ndarray, " seeds"]:
        method, squash, epsilon, t = kind
        here = settings.filter(method=method, squash=squash, epsilon=epsilon, t=t, tau=tau, outliers=outliers)["test"]
        return here.cast(pl.Float64).fill_null(np.nan).to_numpy() / (usual[tau] or np.nan)  # pyright: ignore

    grid = itertools.product(study.setting_methods, (LOGISTIC, MIN_MAX), study.settings())
    kinds: list[_Kind] = [(method, squash, epsilon, t) for method, squash, (epsilon, t) in grid]
    places = {
        f"tau = {tau:g}, {100 * outliers:g} % outliers": (tau, outliers)
        for tau, outliers in itertools.product(study.setting_taus, study.outliers)
    }
    said = []
    for name, method in itertools.product(places, study.setting_methods):
        means = {kind: float(np.mean(ratios(kind, *places[name]))) for kind in kinds if kind[0] == method}
        if finite := {kind: mean for kind, mean in means.items() if np.isfinite(mean)}:
            ends = (min(finite, key=finite.__getitem__), max(finite, key=finite.__getitem__))
            words = (f"{finite[kind]:.2f} ({kind[1]}, epsilon = {kind[2]:g}, t = {kind[3]:g})" for kind in ends)
            at_paper = number(means[method, LOGISTIC, PAPER_EPSILON, PAPER_T], ".2f")
            said.append(
                f"- *{method}*, {name}: from {' to '.join(words)}; {at_paper} with the paper's epsilon and t and the "
                "logistic squash."
            )
    lines = []
    for kind in [(PINBALL, "", 0.0, 0.0), *kinds]:
        method, squash, epsilon, t = kind
        numbers = [f"{epsilon:g}", f"{t:g}"] if squash else ["", ""]
        missed = misses(settings.filter(method=method, squash=squash, epsilon=epsilon, t=t))
        cells = [spread(ratios(kind, *place), ".2f") for place in places.values()]
        lines.append([method, squash, *numbers, *cells, missed])
    return (
        f"**Effect of outliers, squash, epsilon and t**, for the data {study.setting_data}. Outliers are training "
        f"targets that are multiplied by {study.factor:g}; the test rows have none. All numbers are test losses, "
        "divided by the mean test loss of pinball training without outliers. Either epsilon varies, and t has the "
        "value of the paper, or t varies, and epsilon has it. The smallest and the largest means are:\n\n"
        + "\n".join(said)
        + "\n\nMean and standard deviation over seeds:\n\n"
        + markdown_table(lines, ["method", "squash", "epsilon", "t", *places, MISSES])
    )


def _draw(study: Table1, ratios: dict[str, Cells], paper: Cells) -> tuple[Figure, str]:
    figure = Figure(figsize=(3.4 * len(study.methods), 3.6), layout="constrained")
    panels = figure.subplots(1, len(study.methods), sharex=True, sharey=True, squeeze=False)[0]
    for axes, method in zip(panels, study.methods, strict=True):
        for i, data in enumerate(study.data):
            for tau, marker in zip(study.taus, "o^s", strict=False):
                label = data if tau == study.taus[0] else None
                axes.plot(paper[data, tau], ratios[method][data, tau], marker, color=f"C{i}", label=label)
        axes.plot([0.5, 6], [0.5, 6], color="0.7", zorder=0)
        axes.axhline(1, color="0.7", linestyle=":", zorder=0)
        axes.set(title=method, xscale="log", yscale="log", xlabel="paper: S-quantile / pinball")
        axes.set_xticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        axes.minorticks_off()
    panels[0].set_ylabel("this study: same ratio")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        "Ratio of the test loss of each formula to that of pinball training, against the ratio in the paper. Circles, "
        f"triangles and squares stand for tau = {', '.join(f'{tau:g}' for tau in study.taus)}. On the diagonal line, "
        "both ratios are equal."
    )


def _draw_settings(study: Table1, settings: pl.DataFrame) -> tuple[Figure, str]:
    shape = len(study.setting_taus), len(study.setting_methods)
    figure = Figure(figsize=(5 * shape[1] + 2, 3.6 * shape[0]), layout="constrained")
    panels = figure.subplots(*shape, sharex=True, squeeze=False)
    for (tau, method), axes in zip(
        itertools.product(study.setting_taus, study.setting_methods), panels.ravel(), strict=True
    ):
        for outliers, color in zip(study.outliers, ("C0", "C3"), strict=False):
            here = settings.filter(tau=tau, outliers=outliers)
            label = f"{100 * outliers:g} % outliers"
            for squash, line in ((LOGISTIC, "o-"), (MIN_MAX, "s--")):
                of = here.filter(method=method, squash=squash, t=PAPER_T)
                means = of.group_by("epsilon").agg(pl.col("test").mean()).sort("epsilon")
                axes.plot(means["epsilon"], means["test"], line, color=color, label=f"{squash}, {label}")
            usual = here.filter(method=PINBALL)["test"].mean()
            if usual is not None:
                axes.axhline(usual, color=color, linestyle=":", label=f"{PINBALL}, {label}")  # pyright: ignore
        axes.set(title=f"{method}, tau = {tau:g}", xscale="log", yscale="log")
    for axes in panels[-1]:
        axes.set_xlabel("epsilon")
    for axes in panels[:, 0]:
        axes.set_ylabel("pinball loss, test")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, f"Test loss as a function of epsilon on {study.setting_data}, for t = {PAPER_T:g}: means over seeds."
