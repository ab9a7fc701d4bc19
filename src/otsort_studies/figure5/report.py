"""Writes the report on Figure 5."""

import math

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.learning.comparison import OPEN, end_of_range, explained, in_points, verdict
from ..common.learning.summary import (
    ENDED_BY_A_MISS,
    MISSES,
    at_end,
    curves,
    differences,
    draw,
    failures,
    misses,
    seconds,
    sources,
    spread,
)
from ..common.report import Report, markdown_table, number
from ..common.significance import interval
from .study import NEURAL_SORT, PAPER_EPSILON, RANKS, SORT, SPARSE_SORT, STRAIGHT_THROUGH, Figure5

_PAR = 5.0  # largest difference, in percentage points of sorted lists, of methods that are called on par

#: Name and setting of a method.
Method = tuple[str, float]


def report(study: Figure5, frames: dict[str, pl.DataFrame]) -> Report:
    """Says whether S-sort is on par with NeuralSort, and how much epsilon matters."""
    trainings = frames["training"]
    found = {method: trainings.filter(method=method[0], setting=method[1]) for method in study.methods()}
    sorted_ = {method: at_end(rows, "test_all") for method, rows in found.items()}
    parts = [
        _answer(study, sorted_),
        *_details(study, sorted_, found),
        _differences(study, trainings),
        _table(study, found),
        failures(trainings),
    ]
    return Report("\n\n".join(parts), {"figure5": _draw(study, found)})


def _mean(sample: np.ndarray) -> float:
    """Returns the mean over seeds; NaN if a seed has no value."""
    return float(np.mean(sample))


def _best(sorted_: dict[Method, np.ndarray], name: str) -> Method | None:
    """Returns the setting of a method with the largest mean share of sorted lists; None if there is none."""
    known = [method for method in sorted_ if method[0] == name and np.isfinite(_mean(sorted_[method]))]
    return max(known, key=lambda method: _mean(sorted_[method]), default=None)


def _answer(study: Figure5, sorted_: dict[Method, np.ndarray]) -> str:
    baseline, best = _best(sorted_, NEURAL_SORT), _best(sorted_, SORT)
    paper = SORT, PAPER_EPSILON
    if baseline is None or best is None or not np.isfinite(_mean(sorted_[paper])):
        return "**Open.** Training with one of the methods failed for some seed."
    behind, nearest = (100 * (sorted_[baseline] - sorted_[method]) for method in (paper, best))
    at_paper, at_best = verdict(behind, _PAR), verdict(nearest, _PAR)
    word = f"{at_paper} with the paper's epsilon"
    if best != paper:
        word += " and with the best one" if at_best == at_paper else f"; {at_best.lower()} with the best one"
    said = (
        f"**{word}.** The paper finds S-sort on par with NeuralSort. After {study.steps} steps, S-sort with the "
        f"paper's epsilon = {PAPER_EPSILON:g} is behind NeuralSort at its better temperature, {baseline[1]:g}"
        f"{end_of_range(baseline[1], study.temperatures)}, by {in_points(behind)}."
    )
    if best != paper:
        said += f" With its best epsilon, {_epsilon(best)}, S-sort is behind by {in_points(nearest)}."
    if OPEN in (at_paper, at_best) and all(interval(points, 1)[0] > 0 for points in (behind, nearest)):
        said += f" So S-sort is behind NeuralSort. Whether it is behind by more than {_PAR:g} points is open."
    return (
        f"{said}\n\nPoints are percentage points of sorted test lists. {explained(study.seeds, _PAR)} The better "
        "temperature and the best epsilon are those with the largest mean share of sorted test lists."
    )


def _before_last(study: Figure5) -> int:
    """Returns the number of the checkpoint after four fifths of the training."""
    return max(1, study.checkpoints * 4 // 5)


def _last_gain(study: Figure5, rows: pl.DataFrame) -> float:
    """Returns by how much the mean share of sorted lists grows in the last fifth of the training."""
    share = np.mean(curves(rows, "test_all", study.checkpoints), axis=0)
    return float(share[-1] - share[_before_last(study) - 1])


def _epsilon(method: Method) -> str:
    return f"{method[1]:g}" if method[1] else "the value from `suggest_epsilon`"


def _details(study: Figure5, sorted_: dict[Method, np.ndarray], found: dict[Method, pl.DataFrame]) -> list[str]:
    """Describes the effects of epsilon, zeros, the length, and exact ranks with the derivative of soft ranks."""
    details = [_effect_of_epsilon(study, sorted_, found)]
    best, sparse = _best(sorted_, SORT), _best(sorted_, SPARSE_SORT)
    if best and sparse:
        shares = (
            f"{spread(100 * sorted_[SPARSE_SORT, epsilon], '.1f')} % of the lists with epsilon = {epsilon:g}"
            for epsilon in study.sparse_epsilons
        )
        details.append(
            f"**Sparse permutations.** Sparse sort sorts {' and '.join(shares)}. An entry that is zero has no "
            "derivative, so a small epsilon leaves little to learn from. With its best epsilon, sparse sort is behind "
            f"S-sort with its best epsilon by {in_points(100 * (sorted_[best] - sorted_[sparse]))}."
        )
    gains: dict[str, float] = {}
    for method, rows in found.items():
        if np.all(np.isfinite(sorted_[method])):
            gains[method[0]] = max(_last_gain(study, rows), gains.get(method[0], -np.inf))
    if gains:
        listed = ", ".join(f"{100 * gain:.1f} with {name}" for name, gain in gains.items())
        details.append(
            f"**Length.** From step {study.stride * _before_last(study)} to {study.steps}, the mean share of sorted "
            f"lists still grows by these numbers of points, the largest over the settings of a method: {listed}. The "
            "learning rate is nearly 0 by then, so longer trainings may still be better."
        )
    exact, ranks = (sorted_[name, PAPER_EPSILON] for name in (STRAIGHT_THROUGH, RANKS))
    if np.all(np.isfinite(exact - ranks)):
        details.append(
            "**Straight-through.** Training with exact ranks and the derivative of soft ranks is behind training with "
            f"soft ranks in the same loss by {in_points(100 * (ranks - exact))}."
        )
    return details


def _effect_of_epsilon(study: Figure5, sorted_: dict[Method, np.ndarray], found: dict[Method, pl.DataFrame]) -> str:
    finite = {method: share for method, share in sorted_.items() if method[0] == SORT and np.all(np.isfinite(share))}
    if not finite:
        return "**Effect of epsilon.** It is unknown, because trainings failed."
    used = {method: number(found[method]["epsilon"].max(), ".3g") for method in finite}
    ends = (
        min(finite, key=lambda method: _mean(finite[method])),
        max(finite, key=lambda method: _mean(finite[method])),
    )
    between = " and ".join(f"{100 * _mean(finite[end]):.1f} % (epsilon = {used[end]})" for end in ends)
    said = (
        f"**Effect of epsilon.** With S-sort, the mean share of sorted lists is between {between}. Its standard "
        f"deviation over the seeds is up to {100 * max(np.std(share, ddof=1) for share in finite.values()):.1f} points."
    )
    if (SORT, 0.0) in finite:
        said += (
            f" The epsilon {used[SORT, 0.0]} is that of `suggest_epsilon` for {study.neighbours} neighbours, which are "
            f"the other scores that a rank responds to, among {study.length} normal scores."
        )
    return said


def _differences(study: Figure5, trainings: pl.DataFrame) -> str:
    sizes = f"{study.kernel} x {study.kernel} convolutions, {study.sizes}"
    steps = f"{study.steps} steps of {study.batch} lists, Adam at {study.rate:g}, falling to 0"
    lines = [
        ["data", "MNIST", f"{study.data} ({sources(trainings)}), averaged to {study.size} x {study.size}"],
        ["a list", "5 numbers of 4 digits", f"{study.length} numbers of {study.digits} digits"],
        ["network", "of NeuralSort: 5 x 5 convolutions, 32, 64 channels, 64 dense units", sizes],
        ["training", "100 epochs", steps],
        ["seeds", "12", str(study.seeds)],
        ["transport solver", "100 Sinkhorn iterations", ENDED_BY_A_MISS],
    ]
    return differences(lines)


def _table(study: Figure5, found: dict[Method, pl.DataFrame]) -> str:
    lines = []
    for (name, setting), rows in found.items():
        shares = [spread(100 * at_end(rows, column), ".1f") for column in ("test_all", "test_each")]
        said = f"{setting:g}" if setting else f"{number(rows['epsilon'].max(), '.3g')}, suggested"
        lines.append([name, said, *shares, seconds(rows), misses(rows)])
    headers = ["method", "epsilon or temperature", "sorted lists (%)", "right positions (%)", "seconds"]
    return (
        "Results on test lists after the last step: mean and standard deviation over seeds. By chance, "
        f"{100 / math.factorial(study.length):.1g} % of the lists are sorted, and {100 / study.length:.2g} % of the "
        "positions are right. *Seconds* is the median time of a training, with compilation; other programs may have "
        "run at the same time.\n\n" + markdown_table(lines, [*headers, MISSES])
    )


def _draw(study: Figure5, found: dict[Method, pl.DataFrame]) -> tuple[Figure, str]:
    styles = {SORT: "-", SPARSE_SORT: (0, (5, 1)), NEURAL_SORT: "--", RANKS: "-.", STRAIGHT_THROUGH: ":"}
    looks = [
        {"color": f"C{i}", "linestyle": styles[name], "label": f"{name}, {f'{setting:g}' if setting else 'suggested'}"}
        for i, (name, setting) in enumerate(found)
    ]
    titles = {"test_all": "share of sorted test lists", "test_each": "share of positions with the right number"}
    panels = {
        title: [(rows, column, look) for rows, look in zip(found.values(), looks, strict=True)]
        for column, title in titles.items()
    }
    return draw(study, panels, (13, 4.5)), (
        f"Results on test lists during training: means over {study.seeds} seeds. Error bars show one standard "
        "deviation. The number after a method is its epsilon, or the temperature of NeuralSort."
    )
