"""Writes the report that compares trainings through different relaxations."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import MISSES, misses
from ..common.outcome import NOT_INSTALLED, NOT_OFFERED, TOO_SLOW, TRAINED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL, interval
from ..peers.installed import absent, versions
from ..peers.methods import OURS, SPARSE
from .study import NEVER_RETURNS, USUAL, Relaxations


def report(study: Relaxations, frames: dict[str, pl.DataFrame]) -> Report:
    """Says which relaxation trains clearly better or worse than otsort, and where the choice makes no difference."""
    chosen = {task: _chosen(study, frames["training"].filter(task=task)) for task in study.tasks}
    comparisons = sum(len(of) - 1 for of in chosen.values() if OURS in of)
    differences = {task: _differences(of, comparisons) for task, of in chosen.items()}
    parts = [
        _summary(chosen, differences),
        "\n".join(_answers(study, frames, chosen, differences)),
        _scores(study, chosen, frames["training"]),
        f"The next table shows the difference from {OURS}, and in brackets its confidence interval. The intervals are "
        f"those of Student's t-distribution over the seeds. They hold for all {comparisons} comparisons together, "
        f"those with the usual loss included, with a confidence of {100 * (1 - LEVEL):g} % (Bonferroni's correction). "
        "They cover the choice of split, initial weights and batches, but not the choice of the data set. Test data of "
        "different seeds overlap, so the intervals may be too narrow. An asterisk marks a difference "
        "whose interval does not contain 0, which we call *clear*. *Equal* means that both have the same score for "
        "every seed.\n\n" + _difference_table(study, differences),
        "The next table shows the operator and the factor with the best mean validation score. An asterisk marks a "
        "factor at an end of the range, so that a temperature outside of the range may be better.\n\n"
        + _choices(study, chosen),
        _failures(study, frames["training"]),
        f"Versions, and the environment in which each method ran:\n\n{versions(frames['installed'])}",
    ]
    return Report("\n\n".join(filter(None, parts)), {"relaxations": _draw(differences)})


class _Chosen(NamedTuple):
    """The trainings of a method for a task, with the operator and factor that are best in validation.

    Attributes:
        operator, factor: the best ones.
        validation: mean score.
        test: score of each seed.
        failed: share of the operators and factors that could not be chosen.
    """

    operator: str
    factor: float
    validation: float
    test: Float[np.ndarray, " seeds"]
    failed: float


class _Difference(NamedTuple):
    """The mean difference of a method from otsort, and its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def clear(self) -> int:
        """Returns 1 if the method is clearly better, -1 if it is clearly worse, otherwise 0."""
        return int(self.low > 0) - int(self.high < 0)


def _chosen(study: Relaxations, trainings: pl.DataFrame) -> dict[str, _Chosen]:
    """Chooses operator and factor of each method. Those at which a training failed are not chosen."""
    found: dict[str, _Chosen] = {}
    for method in study.methods:
        of = trainings.filter(pl.col("method") == method, pl.col("outcome") != NOT_OFFERED)
        each = dict(of.group_by("operator", "factor", maintain_order=True))
        whole = {kind: rows for kind, rows in each.items() if set(rows["outcome"]) == {TRAINED}}
        if whole:
            validation = {kind: float(np.mean(rows["validation"].to_numpy())) for kind, rows in whole.items()}
            best = max(validation, key=lambda kind: validation[kind])
            operator, factor = best
            failed = 1 - len(whole) / len(each)
            found[method] = _Chosen(operator, factor, validation[best], whole[best]["test"].to_numpy(), failed)
    return found


def _differences(of: dict[str, _Chosen], comparisons: int) -> dict[str, _Difference]:
    if OURS not in of:
        return {}
    apart = {name: one.test - of[OURS].test for name, one in of.items() if name != OURS}
    return {name: _Difference(float(one.mean()), *interval(one, comparisons)) for name, one in apart.items()}


def _summary(chosen: dict[str, dict[str, _Chosen]], differences: dict[str, dict[str, _Difference]]) -> str:
    relaxations = {
        task: {name: one for name, one in of.items() if name != USUAL} for task, of in differences.items() if of
    }
    if not relaxations:
        return ""
    every = [one for of in relaxations.values() for one in of.values()]
    better, worse = (sum(one.clear == sign for one in every) for sign in (1, -1))
    limited = [
        chosen[task][name].failed > 0 for task, of in relaxations.items() for name, one in of.items() if one.clear == -1
    ]
    equal = len(every) - better - worse
    said = [
        f"**In {equal} of {len(every)} comparisons of a relaxation with {OURS}, there is no clear difference.** The "
        f"other relaxation is clearly better in {better} comparisons, and {OURS} in {worse}."
    ]
    if any(limited):
        these = "each of these" if all(limited) else f"{sum(limited)} of these {worse}"
        said.append(f"In {these}, the other method failed at some of its temperatures, so it had fewer to choose from.")
    said.append(
        "No clear difference does not mean that two methods are equally good: with so many comparisons, only large "
        "differences count as clear."
    )
    useful = [task for task, of in differences.items() if USUAL in of and of[USUAL].clear == -1]
    useless = [task for task, of in differences.items() if USUAL in of and of[USUAL].clear == 1]
    plain = [task for task, of in differences.items() if USUAL in of and of[USUAL].clear == 0]
    said += [
        f"{what}: {', '.join(tasks)}."
        for what, tasks in (
            (f"Training through {OURS} is clearly better than the usual loss of the task in", useful),
            ("The usual loss is clearly better in", useless),
            ("There is no clear difference from the usual loss in", plain),
        )
        if tasks
    ]
    return " ".join(said)


def _answers(
    study: Relaxations,
    frames: dict[str, pl.DataFrame],
    chosen: dict[str, dict[str, _Chosen]],
    differences: dict[str, dict[str, _Difference]],
) -> Iterator[str]:
    yield from (f"- {sentence}" for sentence in absent(frames["installed"]))
    for task in study.tasks:
        relaxed = {name: one for name, one in chosen[task].items() if name != USUAL}
        if not relaxed:
            yield f"- *{task}*: no method was trained with every seed."
            continue
        means = {name: f"{one.test.mean():.3f}" for name, one in relaxed.items()}
        best = max(means.values())
        first = ", ".join(name for name, mean in means.items() if mean == best)
        said = [f"- *{task}*: The best mean score of {len(relaxed)} relaxations is {best} ({first})."]
        known = {name: one for name, one in differences[task].items() if name != USUAL}
        if known:
            if OURS not in first.split(", "):
                said.append(f"That of {OURS} is {means[OURS]}.")
            clear = {
                word: [
                    f"{name} ({one.mean:+.3f}{_limits(relaxed[name])})"
                    for name, one in known.items()
                    if one.clear == sign
                ]
                for word, sign in (("better", 1), ("worse", -1))
            }
            said += [f"Clearly {word} than {OURS}: {', '.join(named)}." for word, named in clear.items() if named]
            if not any(clear.values()):
                said.append(f"None is clearly better or worse than {OURS}.")
        if USUAL in differences[task]:
            said.append(f"The usual loss differs from {OURS} by {_told(differences[task][USUAL])}.")
        yield " ".join(said)


def _limits(one: _Chosen) -> str:
    return f"; it failed at {100 * one.failed:.0f} % of its settings" if one.failed else ""


def _scores(study: Relaxations, chosen: dict[str, dict[str, _Chosen]], trainings: pl.DataFrame) -> str:
    cell = lambda one: number(one and one.test.mean(), ".3f")
    cells = {(name, task): cell(one) for task, of in chosen.items() for name, one in of.items()}
    missed = {(name, MISSES): misses(trainings.filter(method=name)) for name in (OURS, SPARSE)}
    return (
        f"Test scores are means over {study.seeds} seeds. The column *{MISSES}* counts the trainings of {OURS} that "
        "ended because a solve missed its tolerance, at all temperatures. Other packages do not report this.\n\n"
        + _by_task(study, cells | missed, MISSES)
    )


def _difference_table(study: Relaxations, differences: dict[str, dict[str, _Difference]]) -> str:
    cells = {(name, task): _told(one) for task, of in differences.items() for name, one in of.items()}
    return _by_task(study, cells)


def _told(one: _Difference) -> str:
    if one.low == one.high:
        return "equal" if one.mean == 0 else f"{one.mean:+.4f} *"
    return f"{one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}){' *' if one.clear else ''}"


def _choices(study: Relaxations, chosen: dict[str, dict[str, _Chosen]]) -> str:
    ends = (min(study.factors), max(study.factors))
    cells = {
        (name, task): f"{one.operator}, {one.factor:g}{' *' if one.factor in ends else ''}"
        for task, of in chosen.items()
        for name, one in of.items()
        if name != USUAL
    }
    return _by_task(study, cells)


def _failures(study: Relaxations, trainings: pl.DataFrame) -> str:
    """Lists what was not trained, and why."""
    failed = trainings.filter(~pl.col("outcome").is_in([TRAINED, NOT_INSTALLED, NOT_OFFERED]))
    counts = failed.group_by("method", "task", "operator", "outcome", maintain_order=True).len()
    lines = [
        [method, task, operator, outcome, f"{count} of {study.seeds * len(study.factors)}"]
        for method, task, operator, outcome, count in counts.iter_rows()
    ]
    if not lines:
        return "No training failed."
    headers = ["method", "task", "operator", "outcome", "trainings"]
    return (
        "This table lists the trainings that gave no score. Operators that a package does not offer are not listed. "
        "*Raised* and a name: the package raised this error. *Not finite*: the weights became NaN or infinite. The "
        f"others were not started. *{NEVER_RETURNS.capitalize()}*: the operator has been seen to run without end if "
        f"two values are nearly equal. *{TOO_SLOW.capitalize()}*: one such training took more than ten minutes.\n\n"
        + markdown_table(lines, headers)
    )


def _by_task(study: Relaxations, cells: dict[tuple[str, str], str], *more: str) -> str:
    """Returns a table with a line for each method, a column for each task, and more columns."""
    columns = *study.tasks, *more
    lines = [[name, *(cells.get((name, column), number(None)) for column in columns)] for name in study.methods]
    return markdown_table([line for line in lines if set(line[1:]) != {number(None)}], ["method", *columns])


def _draw(differences: dict[str, dict[str, _Difference]]) -> tuple[Figure, str]:
    """Draws all differences with their intervals."""
    names = list(dict.fromkeys(name for of in differences.values() for name in of))
    figure = Figure(figsize=(12, 1.5 + 0.25 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(differences), sharey=True, squeeze=False)[0]
    for axes, (task, of) in zip(panels, differences.items(), strict=True):
        for name, one in of.items():
            color = {1: "C2", 0: "0.5", -1: "C3"}[one.clear]
            axes.plot([one.low, one.high], 2 * [names.index(name)], color=color)
            axes.plot(one.mean, names.index(name), "o", color=color, markersize=4)
        axes.axvline(0, color="k", linewidth=0.8)
        axes.set_title(task)
        axes.grid(alpha=0.3)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    return figure, (
        f"Difference of the test score from {OURS}, with its confidence interval. Green: clearly better than {OURS}; "
        "red: clearly worse; grey: no clear difference."
    )
