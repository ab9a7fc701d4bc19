"""The page `Performance`, from the results that asv stored: the short selection of benchmarks, now and before."""

import ast
import datetime
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from asv.results import iter_results_for_machine
from matplotlib.figure import Figure

from otsort_studies.common.report import markdown_table, number

BENCHMARK = "benchmark_short.Short."
#: Measurement -> its column in the first table, the unit over asv's, and how a cell is written.
MEASURES = {
    "track_sorts": ("time over `jnp.sort`", 1.0, ".2f"),
    "time_run": ("milliseconds", 1e3, ".2f"),
    "track_compilation": ("seconds to compile", 1.0, ".1f"),
    "track_scratch": ("scratch memory, MB", 1e-6, ".1f"),
    "track_error": ("relative error", 1.0, ".0e"),
}
#: Measurements whose history is shown, with the titles of the tables.
HISTORY = {
    "track_sorts": "Time over that of `jnp.sort` of the same lists",
    "time_run": "Milliseconds of a call",
}
NOTABLE = 1.2  # a change by such a factor

_INTRODUCTION = """# Performance

This page shows what a call costs now, and what it cost in earlier states of the library, which are named by date.
[asv](https://asv.readthedocs.io) measured them one after the other on one machine and in one environment. All values
are float32, epsilon is 0.01, there are as many targets as values, and all other options have their defaults. The time
of `jnp.sort` of the same lists is measured in the same process. Compilation is left out of all times but its own. The
error is relative to float64. A dash means that a state could not do it, or was not asked.

`python benchmarks/scripts/history.py` measures and keeps the results in `benchmarks/results`, from which this page is
made. The page [Peers](../../studies/peers/report.md) compares with other packages.
"""
_NOTHING = "\nNo results are stored yet.\n"


def write(results: Path, folder: Path) -> None:
    """Writes `index.md` and its pictures into the folder.

    Args:
        results: asv's folder; without machines in it the page says so.
        folder: made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_INTRODUCTION]
    for path in sorted(results.glob("*/machine.json")):
        history = read(path.parent)
        if not history.is_empty():
            picture = f"{path.parent.name}.png"
            _draw(history).savefig(folder / picture, dpi=150)
            parts += [_about(json.loads(path.read_text()), history), f"![Over versions]({picture})"]
            parts.insert(-1, f"### Now\n\n{_now(history)}\n\n### Before")
            parts += [f"#### {title}\n\n{_table(history, name)}" for name, title in HISTORY.items()]
            parts += [f"- {change}" for change in changes(history)]
    (folder / "index.md").write_text("\n\n".join(parts) + ("" if parts[1:] else _NOTHING))


def read(machine: Path) -> pl.DataFrame:
    """What was measured on a machine by the benchmarks as they are now: version, measure, case and value, by date."""
    benchmarks = json.loads((machine.parent / "benchmarks.json").read_text())
    rows = []
    for result in sorted(iter_results_for_machine(str(machine.parent), machine.name), key=lambda result: result.date):
        for key in sorted(result.get_result_keys(benchmarks)):
            if key.startswith(BENCHMARK):
                (cases,) = result.get_result_params(key)
                values = result.get_result_value(key, [cases]) or [None] * len(cases)  # None where it failed
                for case, value in zip(cases, values, strict=True):
                    found = None if value is None or math.isnan(value) else float(value)
                    day = datetime.datetime.fromtimestamp(result.date / 1000, datetime.UTC)
                    row = f"{day:%Y-%m-%d %H:%M}", result.params["jax"], key.removeprefix(BENCHMARK)
                    rows.append((*row, ast.literal_eval(case), found))
    names = {"version": pl.String, "jax": pl.String, "measure": pl.String, "case": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, names, orient="row")


def changes(history: pl.DataFrame) -> Iterator[str]:
    """What became slower and faster from each version to the next, in sorts, which a busy machine changes least."""
    sorts = history.filter(measure="track_sorts").drop_nulls()
    versions = history["version"].unique(maintain_order=True).to_list()
    for before, after in itertools.pairwise(versions):
        both = sorts.filter(version=before).join(sorts.filter(version=after), on="case", maintain_order="left")
        said = {"faster": [], "slower": []}
        for case, old, new in both.select("case", "value", "value_right").iter_rows():
            if max(old / new, new / old) > NOTABLE:
                said["faster" if new < old else "slower"].append(f"{case} ({_plain(old)} to {_plain(new)} sorts)")
        words = "; ".join(f"{what}: {', '.join(cases)}" for what, cases in said.items() if cases)
        yield f"From {before} to {after} {words or f'nothing by more than {NOTABLE - 1:.0%}'}."


def _about(machine: dict[str, Any], history: pl.DataFrame) -> str:
    versions = ", ".join(history["jax"].unique(maintain_order=True).to_list())
    return f"## {machine['machine']}\n\n{machine['cpu']}, {machine['num_cpu']} cores, {machine['os']}; JAX {versions}."


def _plain(ratio: float) -> str:
    """Writes two digits without an exponent."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _now(history: pl.DataFrame) -> str:
    """Writes a line for each case of the last state, a column for each measurement."""
    last = history.filter(version=history["version"].unique(maintain_order=True).to_list()[-1])
    found = {(name, case): value for _, _, name, case, value in last.iter_rows()}
    cases = dict.fromkeys(case for _, case in found)
    lines = [
        [
            case,
            *(
                number((value := found.get((name, case))) and scale * value, form)
                for name, (_, scale, form) in MEASURES.items()
            ),
        ]
        for case in cases
    ]
    return markdown_table(lines, ["", *(column for column, _, _ in MEASURES.values())])


def _table(history: pl.DataFrame, measure: str) -> str:
    """A line for each case, a column for each version."""
    _, scale, form = MEASURES[measure]
    versions = history["version"].unique(maintain_order=True).to_list()
    found = {(version, case): value for version, _, name, case, value in history.iter_rows() if name == measure}
    cases = dict.fromkeys(case for _, case in found)
    values = [[found.get((version, case)) for version in versions] for case in cases]
    lines = [[number(value and scale * value, form) for value in line] for line in values]
    return markdown_table([[case, *line] for case, line in zip(cases, lines, strict=True)], ["", *versions])


def _draw(history: pl.DataFrame) -> Figure:
    """Times and their ratios to a sort, a line for each case."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    versions = history["version"].unique(maintain_order=True).to_list()
    panels = figure.subplots(1, 2)
    for axes, (measure, label) in zip(
        panels, {"track_sorts": "time over jnp.sort", "time_run": "milliseconds"}.items(), strict=True
    ):
        here = history.filter(measure=measure).drop_nulls()
        for (case,), line in here.group_by("case", maintain_order=True):
            places = [versions.index(version) for version in line["version"]]
            axes.plot(places, MEASURES[measure][1] * line["value"], "-o", markersize=4, label=case)
        axes.set(yscale="log", ylabel=label, xlabel="version")
        axes.set_xticks(range(len(versions)), [version[:10] for version in versions], rotation=30)
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    return figure
