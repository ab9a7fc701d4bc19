"""The report on Figure 5."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.summary import TOLERANCE, curves, differences, draw_curves, failures, sources, spread
from ..common.outcome import TRAINED
from ..common.report import Report, markdown_table, number
from .study import NEURAL_SORT, PAPER_EPSILON, RANKS, SORT, STRAIGHT_THROUGH, Figure5

_PAR = 0.05  # share of lists within which two methods are called on par

#: Method and setting.
Method = tuple[str, float]


def report(study: Figure5, frames: dict[str, pl.DataFrame]) -> Report:
    """Whether S-sort is on par with NeuralSort, and how much epsilon matters."""
    trainings = frames["training"]
    found = {method: trainings.filter(method=method[0], setting=method[1]) for method in study.methods()}
    at_end = {method: curves(rows, "test_all", study.checkpoints)[:, -1] for method, rows in found.items()}
    parts = [
        _answer(study, at_end),
        *_details(study, at_end, found),
        _differences(study, trainings),
        _table(study, found),
        failures(trainings, TRAINED),
    ]
    return Report("\n\n".join(parts), {"figure5": _draw(study, found)})


def _mean(sample: np.ndarray) -> float:
    """Over seeds; NaN if one has none."""
    return float(np.mean(sample))


def _best(at_end: dict[Method, np.ndarray], name: str) -> Method | None:
    """The setting of a method with the largest mean share of sorted lists."""
    known = [method for method in at_end if method[0] == name and np.isfinite(_mean(at_end[method]))]
    return max(known, key=lambda method: _mean(at_end[method]), default=None)


def _answer(study: Figure5, at_end: dict[Method, np.ndarray]) -> str:
    baseline, best = _best(at_end, NEURAL_SORT), _best(at_end, SORT)
    paper = SORT, PAPER_EPSILON
    if baseline is None or best is None or not np.isfinite(_mean(at_end[paper])):
        return "**Open.** A method did not train with every seed."
    behind = at_end[baseline] - at_end[paper]
    nearest = at_end[baseline] - at_end[best]
    on_par = _mean(behind) <= _PAR
    word = "Reproduced" if on_par else "Reproduced in part" if _mean(nearest) <= _PAR else "Not reproduced"
    said = (
        f"**{word}.** The paper finds S-sort on par with NeuralSort, which is called so here up to {100 * _PAR:g} "
        f"points of sorted lists behind it. After {study.checkpoints * study.stride} steps S-sort with the "
        f"paper's epsilon = {PAPER_EPSILON:g} is {spread(100 * behind, '.1f')} points behind NeuralSort at its "
        f"better temperature, {baseline[1]:g} (means over {study.seeds} seeds and standard deviation of the "
        "differences with equal seeds)"
    )
    if best != paper:
        said += f"; with the best epsilon, {_epsilon(best)}, {spread(100 * nearest, '.1f')} points"
    return f"{said}."


def _epsilon(method: Method) -> str:
    return f"{method[1]:g}" if method[1] else "that of `suggest_epsilon`"


def _details(study: Figure5, at_end: dict[Method, np.ndarray], found: dict[Method, pl.DataFrame]) -> list[str]:
    """What epsilon, exact ranks and their derivative do."""
    soft = {method: _mean(sample) for method, sample in at_end.items() if method[0] == SORT}
    finite = {method: share for method, share in soft.items() if np.isfinite(share)}
    details = []
    if finite:
        best, worst = max(finite, key=finite.__getitem__), min(finite, key=finite.__getitem__)
        details.append(
            f"**Epsilon matters** by {100 * (finite[best] - finite[worst]):.1f} points of sorted lists, between "
            f"{_epsilon(best)} ({100 * finite[best]:.1f} %) and {_epsilon(worst)} ({100 * finite[worst]:.1f} %). "
            f"`suggest_epsilon` for {study.neighbours} neighbours among {study.length} normal scores gives "
            f"{number(found[SORT, 0.0]['epsilon'].max(), '.3g')}, beside the paper's {PAPER_EPSILON:g}; with it "
            f"{number(100 * soft[SORT, 0.0], '.1f')} % of the lists are sorted."
        )
    exact, ranks = ((name, PAPER_EPSILON) for name in (STRAIGHT_THROUGH, RANKS))
    details.append(
        f"**Straight-through**: exact ranks with the derivative of soft ones sort "
        f"{number(100 * _mean(at_end[exact]), '.1f')} % of the lists, soft ranks in the same loss "
        f"{number(100 * _mean(at_end[ranks]), '.1f')} %."
    )
    return details


def _differences(study: Figure5, trainings: pl.DataFrame) -> str:
    sizes = f"{study.kernel} x {study.kernel}, widths {', '.join(map(str, study.widths))}; {study.hidden}"
    steps = f"{study.checkpoints * study.stride} steps of {study.batch} lists, Adam at {study.rate:g}"
    lines = [
        ["data", "MNIST", f"{study.data} ({sources(trainings)})"],
        ["a list", "5 numbers of 4 digits", f"{study.length} numbers of {study.digits} digits"],
        ["network", "5 x 5, widths 32, 64; 64 (NeuralSort's)", sizes],
        ["training", "100 epochs", steps],
        ["runs", "12", str(study.seeds)],
        ["transport", "100 sweeps", TOLERANCE],
    ]
    return differences(lines)


def _table(study: Figure5, found: dict[Method, pl.DataFrame]) -> str:
    lines = []
    for (name, setting), rows in found.items():
        shares = [
            spread(100 * curves(rows, column, study.checkpoints)[:, -1], ".1f") for column in ("test_all", "test_each")
        ]
        said = f"{setting:g}" if setting else f"{number(rows['epsilon'].max(), '.3g')}, suggested"
        seconds = number(rows["seconds"].median() or float("nan"), ".0f")  # pyright: ignore
        lines.append([name, said, *shares, seconds])
    headers = ["method", "epsilon or temperature", "all in place, %", "each in place, %", "seconds a training"]
    return "Test lists after the last step, mean and standard deviation over seeds:\n\n" + markdown_table(
        lines, headers
    )


def _draw(study: Figure5, found: dict[Method, pl.DataFrame]) -> tuple[Figure, str]:
    steps = study.stride * np.arange(1, study.checkpoints + 1)
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    panels = figure.subplots(1, 2)
    lines = {SORT: "-", NEURAL_SORT: "--", RANKS: "-.", STRAIGHT_THROUGH: ":"}
    titles = {"test_all": "all in place", "test_each": "each in place"}
    for axes, (column, title) in zip(panels, titles.items(), strict=True):
        for i, ((name, setting), rows) in enumerate(found.items()):
            label = f"{name}, {setting:g}" if setting else f"{name}, suggested"
            values = curves(rows, column, study.checkpoints)
            draw_curves(axes, steps, values, color=f"C{i}", linestyle=lines[name], label=label)
        axes.set(title=f"share of test lists with {title}", xlabel="training step")
        axes.grid(alpha=0.3)
    panels[1].set_title("share of places with the right number")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, (
        f"Accuracy on test lists over training steps: means over {study.seeds} seeds, bars of a standard deviation; "
        "beside a method its epsilon, or the temperature of NeuralSort."
    )
