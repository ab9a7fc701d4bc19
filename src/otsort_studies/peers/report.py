"""Writes the report that compares all packages."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..common.outcome import MEASURED, NOT_INSTALLED, NOT_OFFERED
from ..common.report import Report, markdown_table, number
from .installed import absent, versions
from .methods import OURS, PEER_METHODS
from .study import CHECKS, Peers

_OPTIONS = ("axis", "weights", "masks")  # a function that does not know such an option lacks it

_PROPERTIES = """Properties were found by calling each operator. An entry is yes, no, or the error that was raised. In
the columns *axis*, *weights* and *masks*, an error counts as no.

- *axis*: the operator works along the first axis.
- *weights*: it accepts weights of the values.
- *masks*: it accepts a mask of padding, and the padding then changes nothing.
- *float64*: it returns finite float64 results for float64 values.
- *order*: results are in the order of the values, or of the positions.
- *monotone*: no derivative has the wrong sign.
- *ties*: the gradient is finite if values are equal.
- *single*: it works for lists of one value.
- *all*: k may be the number of values.
- *hard error*: the largest error against the exact operator at temperature 1e-4, divided by the length of the result.
- *definition error*: the largest error of ranks against the definition of the method in float64, divided by n."""


def report(study: Peers, frames: dict[str, pl.DataFrame]) -> Report:
    """Says where otsort stands, then lists all measurements."""
    costs = frames["cost"]
    answers = [*absent(frames["installed"]), *_speeds(study, costs)]
    parts = [
        _summary(study, costs),
        "\n".join(f"- {answer}" for answer in answers),
        f"### Versions\n\n{versions(frames['installed'])}",
        "### Operators\n\nThe names are those of otsort. *Yes* means that a method offers the operator, and an error "
        f"means that its call failed.\n\n{_offered(study, frames['ability'])}",
        f"### Properties\n\n{_PROPERTIES}",
        *_abilities(study, frames["ability"]),
        "### Time and memory\n\nEach cell gives the time of the ranks / the time of their gradient, in milliseconds. A "
        "column header gives the number of lists x the number of values of each list. If a package has no ranks, the "
        "top-k mask was timed instead. *Too large*: not run, because of too many array entries. *Too slow*: ended. The "
        "name of an error means that the call raised it.\n\n" + _costs(study, costs, _times),
        "Each cell gives the time of the first call for a gradient in seconds, including compilation / the scratch "
        "memory of the compiled gradient in MiB. A dash means that it is unknown, because PyTorch compiles nothing. An "
        "empty cell means that no gradient was measured.\n\n" + _costs(study, costs, _firsts),
    ]
    return Report("\n\n".join(parts), {"peers": _draw(study, costs)})


def _summary(study: Peers, costs: pl.DataFrame) -> str:
    """Counts the shapes for which otsort is first."""
    speeds = [_by_speed(study, costs, *shape) for shape in study.shapes]
    fast = sum(frame["method"].to_list()[:1] == [OURS] for frame in speeds)
    return f"otsort has the fastest gradient of ranks for {fast} of {len(speeds)} shapes. The details:"


def _speeds(study: Peers, costs: pl.DataFrame) -> Iterator[str]:
    """Yields the position of otsort among all smooth methods for each shape."""
    for lists, n in study.shapes:
        here = _by_speed(study, costs, lists, n)
        yield _place(
            f"Gradient of the ranks of {lists} x {n:,} values",
            dict(here.select("method", 1e3 * pl.col("gradient_seconds")).iter_rows()),
            lambda value: f"{number(value, '.3g')} ms",
        )


def _by_speed(study: Peers, costs: pl.DataFrame, lists: int, n: int) -> pl.DataFrame:
    """Returns the costs of all smooth methods for one shape, the fastest gradient first."""
    smooth = [name for name in study.methods if PEER_METHODS[name].temperature]
    here = costs.filter(pl.col("method").is_in(smooth), outcome=MEASURED, operator="rank", lists=lists, n=n)
    return here.sort("gradient_seconds")


def _place(what: str, found: dict[str, float], words: Callable[[float], str]) -> str:
    """Describes the first method and otsort, for methods in the order of their quality."""
    if not found:
        return f"{what}: nothing was measured."
    first = next(iter(found))
    if OURS not in found:
        return f"{what}: {first} is first of {len(found)} ({words(found[first])}). otsort is not among them."
    place = list(found).index(OURS) + 1
    if place == 1:
        second = list(found)[1:2]
        behind = f" The second is {second[0]} ({words(found[second[0]])})." if second else ""
        return f"{what}: otsort is first of {len(found)} ({words(found[OURS])}).{behind}"
    ahead = f"The first is {first} ({words(found[first])})."
    return f"{what}: otsort is number {place} of {len(found)} ({words(found[OURS])}). {ahead}"


def _offered(study: Peers, abilities: pl.DataFrame) -> str:
    words = {MEASURED: "yes", NOT_OFFERED: "no", NOT_INSTALLED: ""}
    found = {
        (method, operator): words.get(outcome, outcome)
        for method, operator, outcome in abilities.select("method", "operator", "outcome").iter_rows()
    }
    lines = [[name, *(found[name, operator] for operator in study.operators)] for name in study.methods]
    return markdown_table(lines, ["method", *study.operators])


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
            headers = ["method", *checks, *(name.replace("_", " ") for name in errors)]
            yield f"Properties of `{operator}`:\n\n{markdown_table(lines, headers)}"


def _said(name: str, word: str | None) -> str:
    if word is None:
        return number(None)
    return "no" if name in _OPTIONS and word.startswith("raised") else word.removeprefix("raised ")


def _costs(study: Peers, costs: pl.DataFrame, cell: Callable[[dict[str, Any]], str]) -> str:
    found = {(row["method"], row["lists"], row["n"]): row for row in costs.iter_rows(named=True)}
    lines = [[name, *(cell(found[name, lists, n]) for lists, n in study.shapes)] for name in study.methods]
    return markdown_table(lines, ["method", *(f"{lists} x {n:,}" for lists, n in study.shapes)])


def _times(row: dict[str, Any]) -> str:
    if row["forward_seconds"] is None:
        return "" if row["outcome"] == NOT_INSTALLED else row["outcome"].removeprefix("raised ")
    forward, gradient = (
        row[name] and number(1e3 * row[name], ".3g") for name in ("forward_seconds", "gradient_seconds")
    )
    return f"{forward} / {gradient or row['outcome'].removeprefix('raised ')}"


def _firsts(row: dict[str, Any]) -> str:
    if row["first_seconds"] is None:
        return ""
    memory = row["scratch_bytes"]
    return f"{number(row['first_seconds'], '.2g')} / {number(memory and memory / 2**20, '.3g')}"


def _draw(study: Peers, costs: pl.DataFrame) -> tuple[Figure, str]:
    """Draws the times of gradients for all shapes."""
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
    return figure, "Time of the gradient of ranks, by number of lists x number of values of each list."
