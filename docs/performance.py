"""The page `Performance`, from the results that asv stored: the short selection of benchmarks over versions."""

import ast
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
#: Measurement -> its title, the unit over asv's, and how a cell is written.
MEASURES = {
    "track_sorts": ("Times the price of `jnp.sort` of the same lists, in the same process", 1.0, ".2f"),
    "time_run": ("Milliseconds of a call, without compilation", 1e3, ".2f"),
    "track_compilation": ("Seconds to trace and to compile", 1.0, ".2f"),
    "track_scratch": ("Scratch memory, MB", 1e-6, ".2f"),
    "track_error": ("Relative error against float64", 1.0, ".1e"),
}
NOTABLE = 1.2  # a change by such a factor

_INTRODUCTION = """# Performance

The short selection of benchmarks at some versions of the library, one after the other on one machine, in one
environment: `python benchmarks/scripts/history.py` measures them with [asv](https://asv.readthedocs.io) and keeps its
results in `benchmarks/results`, from which this page is made. Float32, epsilon 0.01, as many targets as values, the
defaults of each version. A dash: that version could not, or was not asked.
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
            parts += [f"- {change}" for change in changes(history)]
            parts += [f"### {title}\n\n{_table(history, name)}" for name, (title, _, _) in MEASURES.items()]
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
                    row = result.commit_hash[:7], result.params["jax"], key.removeprefix(BENCHMARK)
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
                said["faster" if new < old else "slower"].append(f"{case} ({old:.2g} to {new:.2g} sorts)")
        words = "; ".join(f"{what}: {', '.join(cases)}" for what, cases in said.items() if cases)
        yield f"From {before} to {after} {words or f'nothing by more than {NOTABLE - 1:.0%}'}."


def _about(machine: dict[str, Any], history: pl.DataFrame) -> str:
    versions = ", ".join(history["jax"].unique(maintain_order=True).to_list())
    return f"## {machine['machine']}\n\n{machine['cpu']}, {machine['num_cpu']} cores, {machine['os']}; JAX {versions}."


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
        panels, {"track_sorts": "times the price of jnp.sort", "time_run": "milliseconds"}.items(), strict=True
    ):
        here = history.filter(measure=measure).drop_nulls()
        for (case,), line in here.group_by("case", maintain_order=True):
            places = [versions.index(version) for version in line["version"]]
            axes.plot(places, MEASURES[measure][1] * line["value"], "-o", markersize=4, label=case)
        axes.set(yscale="log", ylabel=label, xlabel="version")
        axes.set_xticks(range(len(versions)), versions)
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    return figure
