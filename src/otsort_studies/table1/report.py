"""The report on Table 1."""

import itertools
from typing import Any

import numpy as np
import polars as pl
import scipy.stats
from matplotlib.figure import Figure

from ..common.learning.summary import TOLERANCE, differences, failures, spread
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from .study import CANDIDATES, LOGISTIC, MIN_MAX, PAPER, PAPER_EPSILON, PAPER_T, PINBALL, Table1

_EQUAL = 1.1  # factor within which two losses are called equal
_WORDS = {1: "worse", 0: "equal", -1: "better"}

#: (data, tau) -> a number.
Cells = dict[tuple[str, float], float]


def report(study: Table1, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which formula gives the paper's pattern, and what epsilon, t, squash and outliers do."""
    fits, settings = _scored(frames["fits"]), _scored(frames["settings"])
    losses = {method: _cells(fits.filter(method=method)) for method in (PINBALL, *study.methods)}
    ratios = {method: _ratios(losses[method], losses[PINBALL]) for method in study.methods}
    paper = {(data, tau): PAPER[data][tau][1] / PAPER[data][tau][0] for data, tau in losses[PINBALL]}
    parts = [
        _answer(study, ratios, paper),
        _constants(study, frames["constants"]),
        _differences(study, fits),
        _table(study, fits, frames["constants"]),
        _pattern(study, ratios, paper),
        _settings(study, settings),
        failures(pl.concat([fits.select("outcome"), settings.select("outcome")])),
    ]
    figures = {"table1-ratios": _draw(study, ratios, paper), "table1-settings": _draw_settings(study, settings)}
    return Report("\n\n".join(parts), figures)


def _scored(rows: pl.DataFrame) -> pl.DataFrame:
    """With the test loss `test` at the checkpoint that the validation rows choose; none where a training failed."""
    chosen = pl.col("test_pinball").list.get(pl.col("validation_pinball").list.arg_min())
    return rows.with_columns(test=pl.when(outcome=TRAINED).then(chosen))


def _cells(fits: pl.DataFrame) -> Cells:
    """The mean test loss over seeds; NaN where there is none."""
    means = fits.group_by("data", "tau", maintain_order=True).agg(pl.col("test").mean().fill_null(np.nan))
    return {(data, tau): test for data, tau, test in means.iter_rows()}


def _ratios(losses: Cells, pinball: Cells) -> Cells:
    return {cell: loss / pinball[cell] for cell, loss in losses.items()}


def _verdict(ratio: float) -> int:
    """1 for worse, 0 for equal, -1 for better."""
    return int(ratio > _EQUAL) - int(ratio < 1 / _EQUAL)


def _agreement(ratios: Cells, paper: Cells) -> tuple[int, float]:
    """Cells with the paper's verdict, and the rank correlation with its ratios."""
    cells = [cell for cell in paper if np.isfinite(ratios[cell])]
    same = sum(_verdict(ratios[cell]) == _verdict(paper[cell]) for cell in cells)
    ours, theirs = ([of[cell] for cell in cells] for of in (ratios, paper))
    varies = len(set(ours)) > 1 and len(set(theirs)) > 1
    correlation: Any = scipy.stats.spearmanr(ours, theirs) if varies else None
    return same, float(correlation.statistic) if varies else 0.0


def _mean(ratios: Cells) -> float:
    """Geometric."""
    return float(np.exp(np.mean(np.log(list(ratios.values())))))


def _answer(study: Table1, ratios: dict[str, Cells], paper: Cells) -> str:
    agreements = {method: _agreement(ratios[method], paper) for method in study.methods}
    nearest = max(agreements, key=lambda method: agreements[method])
    finite = [method for method in study.methods if np.isfinite(_mean(ratios[method]))]
    same, correlation = agreements[nearest]
    whole = "Reproduced" if same == len(paper) else "Reproduced in part" if 2 * same > len(paper) else "Not reproduced"
    said = (
        f"**{whole}.** A test loss is called equal to that of pinball training within a factor of {_EQUAL:g}. Of the "
        f"formulas, *{nearest}*, {CANDIDATES[nearest]}, is nearest to the paper: its verdict (worse, equal or better "
        f"than pinball) in {same} of {len(paper)} cells, rank correlation of the ratios "
        f"{number(correlation, '.2f')}. "
    )
    if finite:
        best = min(finite, key=lambda method: _mean(ratios[method]))
        equal = sum(_verdict(ratio) <= 0 for ratio in ratios[best].values())
        said += (
            f"The best for its users is *{best}*, {CANDIDATES[best]}: {number(_mean(ratios[best]), '.2f')} times the "
            f"loss of pinball training (geometric mean), no worse in {equal} of {len(paper)} cells. "
        )
    beats = [f"*{method}*" for method in finite if _mean(ratios[method]) < 1]
    return said + f"Better than pinball training on the whole: {', '.join(beats) or 'none'}."


def _differences(study: Table1, fits: pl.DataFrame) -> str:
    sources = ", ".join(
        f"{data} from {source}"
        for data, source in fits.select("data", "source").unique(maintain_order=True).drop_nulls().iter_rows()
    )
    lines = [
        ["data", f"{', '.join(PAPER)}, facebook", f"{sources}; facebook cannot be had"],
        ["features of star", "39, the number of the row among them", "39, another one in its place"],
        ["what is minimised", "not said", "see the table above"],
        ["runs", "12", str(study.seeds)],
        ["training", "not said, Adam at 1e-4", f"{study.steps} steps, Adam at {study.rate:g}"],
        ["transport", "100 sweeps", TOLERANCE],
        ["unit of the loss", "not said", "deviation of the target"],
    ]
    return differences(lines)


def _table(study: Table1, fits: pl.DataFrame, constants: pl.DataFrame) -> str:
    lines = []
    for data, tau in itertools.product(study.data, study.taus):
        here = fits.filter(data=data, tau=tau)
        ours = [spread(here.filter(method=method)["test"].to_numpy(), ".3f") for method in (PINBALL, *study.methods)]
        constant = spread(constants.filter(data=data, tau=tau)["standardised"].to_numpy(), ".3f")
        lines.append([data, f"{tau:g}", *(f"{loss:.3f}" for loss in PAPER[data][tau]), *ours, constant])
    headers = ["data", "tau", "paper: pinball", "paper: S-quantile", PINBALL, *study.methods, "a constant"]
    return (
        "Pinball loss on the test rows in deviations of the target, mean and standard deviation over seeds; beside it "
        f"the paper's and that of the best constant:\n\n{markdown_table(lines, headers)}"
    )


def _pattern(study: Table1, ratios: dict[str, Cells], paper: Cells) -> str:
    def cell(ratio: float) -> str:
        return f"{number(ratio, '.2f')} {_WORDS[_verdict(ratio)] if np.isfinite(ratio) else ''}".strip()

    lines = [
        [data, f"{tau:g}", cell(ratio), *(cell(ratios[method][data, tau]) for method in study.methods)]
        for (data, tau), ratio in paper.items()
    ]
    return f"Loss over that of pinball training:\n\n{markdown_table(lines, ['data', 'tau', 'paper', *study.methods])}"


def _constants(study: Table1, constants: pl.DataFrame) -> str:
    mean = constants.group_by("data", "tau", maintain_order=True).agg(
        pl.col("standardised", "scaled").mean().fill_null(np.nan)
    )
    ratios = {
        scale: [PAPER[data][tau][0] / loss for data, tau, loss in mean.select("data", "tau", scale).iter_rows()]
        for scale in ("standardised", "scaled")
    }
    near = {scale: sum(abs(np.log(ratio)) < np.log(_EQUAL) for ratio in of) for scale, of in ratios.items()}
    less = sum(ratio < 1 / _EQUAL for ratio in ratios["standardised"])
    return (
        f"The paper does not say in which unit its losses are. After *pinball* training they are equal to those of a "
        f"constant in {near['standardised']} of {mean.height} cells in units of the deviation of the target, and in "
        f"{near['scaled']} in units of its mean absolute value, which is the unit of the recipe. In deviations, its "
        f"networks are better than a constant in {less} cells."
    )


def _settings(study: Table1, settings: pl.DataFrame) -> str:
    places = [*itertools.product(study.setting_taus, study.outliers)]
    grid = itertools.product(study.setting_methods, (LOGISTIC, MIN_MAX), study.settings())
    kinds = [(method, squash, epsilon, t) for method, squash, (epsilon, t) in grid]
    lines = []
    for method, squash, epsilon, t in [(PINBALL, "", 0.0, 0.0), *kinds]:
        here = settings.filter(method=method, squash=squash, epsilon=epsilon, t=t)
        numbers = [f"{epsilon:g}", f"{t:g}"] if squash else ["", ""]
        cells = [spread(here.filter(tau=tau, outliers=share)["test"].to_numpy(), ".3f") for tau, share in places]
        lines.append([method, squash, *numbers, *cells])
    headers = [f"tau = {tau:g}, {100 * share:g} % outliers" for tau, share in places]
    said = "\n".join(f"- {line}" for line in _claims(study, settings))
    return (
        f"**Outliers and epsilon** ({study.setting_data}; outliers are training targets times {study.factor:g}, the "
        f"test rows have none):\n\n{said}\n\n" + markdown_table(lines, ["method", "squash", "epsilon", "t", *headers])
    )


def _claims(study: Table1, settings: pl.DataFrame) -> list[str]:
    def ratio(tau: float, outliers: float, **fields: Any) -> float:
        """Of mean losses, to pinball training without outliers."""
        clean = settings.filter(tau=tau, outliers=0.0, method=PINBALL)["test"].mean()
        here = settings.filter(tau=tau, outliers=outliers, **fields)["test"].mean()
        return np.nan if clean is None or here is None else here / clean  # pyright: ignore

    def words(ratios: dict[str, float]) -> str:
        return ", ".join(f"{name}: {number(value, '.2f')}" for name, value in ratios.items())

    claims = []
    for tau in study.setting_taus:
        for outliers in study.outliers:
            where = f"tau = {tau:g}, {100 * outliers:g} % outliers, relative to pinball training without any"
            claims.append(f"*{where}*: {PINBALL} {number(ratio(tau, outliers, method=PINBALL), '.2f')}.")
            for method in study.setting_methods:
                of = {
                    (squash, epsilon, t): ratio(tau, outliers, method=method, squash=squash, epsilon=epsilon, t=t)
                    for squash, (epsilon, t) in itertools.product((LOGISTIC, MIN_MAX), study.settings())
                }
                at_paper = {squash: of[squash, PAPER_EPSILON, PAPER_T] for squash in (LOGISTIC, MIN_MAX)}
                by_epsilon = {f"{epsilon:g}": of[LOGISTIC, epsilon, PAPER_T] for epsilon in study.epsilons}
                by_t = {f"{t:g}": of[LOGISTIC, PAPER_EPSILON, t] for t in study.ts}
                claims.append(
                    f"{method}: by squash at the paper's epsilon and t, {words(at_paper)}; by epsilon (logistic), "
                    f"{words(by_epsilon)}; by t (logistic), {words(by_t)}."
                )
    return claims


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
    panels[0].set_ylabel("here: the same ratio")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        "Test loss of each formula over that of pinball training, against the paper's ratio: circles, triangles and "
        f"squares for tau = {', '.join(f'{tau:g}' for tau in study.taus)}; on the line both agree."
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
    return figure, f"Test loss against epsilon on {study.setting_data}, t = {PAPER_T:g}: means over seeds."
