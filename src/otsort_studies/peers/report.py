"""The report on all packages: losses as plainly as wins."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import MEASURED, NOT_INSTALLED, NOT_OFFERED, TRAINED
from ..common.report import Report, markdown_table, number
from .methods import OURS, PEER_METHODS
from .study import CHECKS, OPERATORS_BY_TASK, Peers

_OPTIONS = ("axis", "weights", "masks")  # an option that a function does not know is simply not there


def report(study: Peers, frames: dict[str, pl.DataFrame]) -> Report:
    """Places of otsort, then all that was measured."""
    costs, scores = frames["cost"], best(frames["training"])
    answers = [*_absent(frames["installed"]), *_speeds(study, costs), *_trainings(scores)]
    parts = [
        "\n".join(f"- {answer}" for answer in answers),
        f"### What was measured\n\n{_installed(frames['installed'])}",
        f"### Operators\n\n{_offered(study, frames['ability'])}",
        *_abilities(study, frames["ability"]),
        "### Time and memory\n\nMilliseconds of ranks / of their gradient, of so many lists of so many values; "
        "the mask of the largest where a package has no ranks.\n\n" + _costs(study, costs, _times),
        "Seconds of the first call for a gradient / MiB of scratch memory of the compiled gradient.\n\n"
        + _costs(study, costs, _firsts),
        "### Training\n\nScore on what was left out, mean and deviation over seeds, through the operator and at the "
        "temperature with the best validation (in brackets, as a factor; an end of the range may not be the best).\n\n"
        + _scores(study, scores),
    ]
    return Report("\n\n".join(parts), {"peers": _draw(study, costs)})


def best(trainings: pl.DataFrame) -> pl.DataFrame:
    """For each method and task the operator and factor with the best mean validation: mean and deviation of its tests.

    A temperature at which a training failed is not chosen.
    """
    whole = pl.col("outcome") == TRAINED
    return (
        trainings.group_by("method", "task", "operator", "factor", maintain_order=True)
        .agg(
            whole.all().alias("whole"),
            pl.col("validation").mean(),
            pl.col("test").mean(),
            pl.col("test").std(ddof=0).alias("deviation"),
        )
        .filter("whole")
        .sort("validation", descending=True, maintain_order=True)
        .group_by("method", "task", maintain_order=True)
        .first()
    )


def _absent(installed: pl.DataFrame) -> Iterator[str]:
    absent = installed.filter(outcome=NOT_INSTALLED)["method"].to_list()
    if absent:
        yield f"Not installed where this was run, so not measured: {', '.join(absent)}."


def _speeds(study: Peers, costs: pl.DataFrame) -> Iterator[str]:
    """Says where otsort stands, shape by shape, among smooth operators."""
    smooth = [name for name in study.methods if PEER_METHODS[name].temperature]
    for lists, n in study.shapes:
        here = costs.filter(pl.col("method").is_in(smooth), outcome=MEASURED, lists=lists, n=n).sort("gradient_seconds")
        yield _place(
            f"Gradient of ranks of {lists} x {n:,}",
            dict(here.select("method", 1e3 * pl.col("gradient_seconds")).iter_rows()),
            lambda value: f"{number(value, '.3g')} ms",
        )


def _trainings(scores: pl.DataFrame) -> Iterator[str]:
    for task in OPERATORS_BY_TASK:
        here = scores.filter(task=task).sort("test", descending=True)
        found = dict(here.select("method", "test").iter_rows())
        yield _place(f"Training of {task}", found, lambda value: number(value, ".3f"))


def _place(what: str, found: dict[str, float], words: Callable[[float], str]) -> str:
    """The first and otsort, of methods in the order of their quality."""
    if not found:
        return f"{what}: nothing was measured."
    first = next(iter(found))
    if OURS not in found:
        return f"{what}: first of {len(found)} is {first} ({words(found[first])}); otsort is not among them."
    place = list(found).index(OURS) + 1
    if place == 1:
        second = list(found)[1:2]
        behind = f", before {second[0]} ({words(found[second[0]])})" if second else ""
        return f"{what}: otsort is first of {len(found)} ({words(found[OURS])}){behind}."
    ahead = f"{first} first ({words(found[first])})"
    return f"{what}: otsort is number {place} of {len(found)} ({words(found[OURS])}), {ahead}."


def _installed(installed: pl.DataFrame) -> str:
    lines = [
        [row["method"], row["version"] or row["outcome"], row["environment"] or ""]
        for row in installed.iter_rows(named=True)
    ]
    return markdown_table(lines, ["", "version", "with"])


def _offered(study: Peers, abilities: pl.DataFrame) -> str:
    words = {MEASURED: "yes", NOT_OFFERED: "no", NOT_INSTALLED: ""}
    found = {
        (method, operator): words.get(outcome, outcome)
        for method, operator, outcome in abilities.select("method", "operator", "outcome").iter_rows()
    }
    lines = [[name, *(found[name, operator] for operator in study.operators)] for name in study.methods]
    return markdown_table(lines, ["", *study.operators])


def _abilities(study: Peers, abilities: pl.DataFrame) -> Iterator[str]:
    for operator in study.operators:
        here = abilities.filter(operator=operator, outcome=MEASURED)
        checks = [name for name in CHECKS if here[name].drop_nulls().len()]
        errors = [name for name in ("hard_error", "definition_error") if here[name].drop_nulls().len()]
        lines = [
            [row["method"], *(_said(name, row[name]) for name in checks), *(number(row[name]) for name in errors)]
            for row in here.iter_rows(named=True)
        ]
        if lines:
            headers = ["", *checks, *(name.replace("_", " ") for name in errors)]
            yield f"`{operator}`, found by calling it:\n\n{markdown_table(lines, headers)}"


def _said(name: str, word: str | None) -> str:
    if word is None:
        return number(None)
    return "no" if name in _OPTIONS and word.startswith("raised") else word.removeprefix("raised ")


def _costs(study: Peers, costs: pl.DataFrame, cell: Callable[[dict[str, Any]], str]) -> str:
    found = {(row["method"], row["lists"], row["n"]): row for row in costs.iter_rows(named=True)}
    lines = [[name, *(cell(found[name, lists, n]) for lists, n in study.shapes)] for name in study.methods]
    return markdown_table(lines, ["", *(f"{lists} x {n:,}" for lists, n in study.shapes)])


def _times(row: dict[str, Any]) -> str:
    if row["forward_seconds"] is None:
        return "" if row["outcome"] == NOT_INSTALLED else row["outcome"].removeprefix("raised ")
    return " / ".join(number(row[name] and 1e3 * row[name], ".3g") for name in ("forward_seconds", "gradient_seconds"))


def _firsts(row: dict[str, Any]) -> str:
    if row["first_seconds"] is None:
        return ""
    memory = row["scratch_bytes"]
    return f"{number(row['first_seconds'], '.2g')} / {number(memory and memory / 2**20, '.3g')}"


def _scores(study: Peers, scores: pl.DataFrame) -> str:
    found = {}
    for row in scores.iter_rows(named=True):
        how = f"{row['operator']}, {row['factor']:g}"
        found[row["method"], row["task"]] = f"{row['test']:.3f} ± {row['deviation']:.3f} ({how})"
    lines = [[name, *(found.get((name, task), number(None)) for task in OPERATORS_BY_TASK)] for name in study.methods]
    return markdown_table([line for line in lines if PEER_METHODS[line[0]].temperature], ["", *OPERATORS_BY_TASK])


def _draw(study: Peers, costs: pl.DataFrame) -> tuple[Figure, str]:
    """Times of gradients against the number of values, on every shape."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    places = {shape: place for place, shape in enumerate(study.shapes)}
    for number_, name in enumerate(study.methods):
        here = costs.filter(method=name).drop_nulls("gradient_seconds")
        x = [places[shape] for shape in here.select("lists", "n").iter_rows()]
        style = {"color": "k", "linewidth": 2.5} if name == OURS else {"color": f"C{number_ % 10}", "linewidth": 1}
        if x:
            axes.plot(x, 1e3 * here["gradient_seconds"].to_numpy(), marker="os^v"[number_ % 4], label=name, **style)
    axes.set(yscale="log", ylabel="milliseconds", title="Gradient of ranks")
    axes.set_xticks(np.arange(len(places)), [f"{lists} x {n:,}" for lists, n in places], rotation=30)
    axes.grid(alpha=0.3)
    if axes.lines:
        figure.legend(loc="outside right center", fontsize="small")
    return figure, "Time of the gradient of ranks, by lists and values."
