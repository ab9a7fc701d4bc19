"""Writes the report of a run from its folder alone, without JAX or otsort."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure
from polars.exceptions import PolarsError
from tabulate import tabulate

from ..studies import STUDIES
from . import rows
from .errors import InputError
from .folder import CONFIG, REPORT, ROWS, read_config, replacing, write_text, writing
from .study import AbstractStudy

_MOST_WORDS = 20


@dataclass(frozen=True)
class Report:
    """The report of a study.

    Attributes:
        text: Markdown that begins with the answers, followed by the tables that support them.
        figures: file name without suffix -> picture and caption.
    """

    text: str
    figures: dict[str, tuple[Figure, str]]


def render(folder: Path) -> Report:
    """Writes report.md and its pictures from the configuration and the rows of a run, and returns the report.

    Raises:
        InputError: the folder is not the folder of a finished run of a study of this version, or cannot be written to.
    """
    config, study, frames = load(folder)
    report: Report = study.module("report").report(study, frames)
    with writing(folder):
        for name, (figure, _) in report.figures.items():
            with replacing(folder / f"{name}.png") as draft:
                save(figure, draft)
        write_text(folder / REPORT, _page(config, study, report))
    return report


def save(figure: Figure, path: Path) -> None:
    """Writes a picture. An axis without a positive point, for example because all measurements failed, is linear."""
    for axes in figure.axes:
        if math.isinf(axes.dataLim.minposy) and axes.get_yscale() == "log":
            axes.set_yscale("linear")
        if math.isinf(axes.dataLim.minposx) and axes.get_xscale() == "log":
            axes.set_xscale("linear")
    figure.savefig(path, format="png", dpi=150)


def load(folder: Path) -> tuple[dict[str, Any], AbstractStudy, dict[str, pl.DataFrame]]:
    """Returns the configuration, the study, and a frame for each part with all rows of a finished run.

    Raises:
        InputError: see `render`.
    """
    config = read_config(folder)
    try:
        study = STUDIES[config["study"]](**_tuples(config["configuration"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{folder / CONFIG} is not that of a study of this version") from None
    found, _ = rows.read(folder / ROWS, study.parts)
    cases = study.cases()
    missing = sum(case not in found for case in cases)
    if missing:
        said = "run the same otsort command again to measure them"
        raise InputError(f"{folder} lacks {missing} of {len(cases)} rows: {said}")
    try:
        return config, study, study.frames([found[case] for case in cases])
    except (PolarsError, TypeError):
        said = "holds values of other types than the study measures"
        raise InputError(f"{folder / ROWS} {said}: restore the file, or choose another folder") from None


def markdown_table(lines: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    """Returns a table in Markdown; numbers in cells are not reformatted."""
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


def number(value: Any, form: str = ".1e") -> str:
    """Formats a number for a table; a number that does not exist becomes a dash."""
    return "\N{EN DASH}" if value is None or math.isnan(value) else format(value, form)


def _page(config: Mapping[str, Any], study: AbstractStudy, report: Report) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in config["versions"].items())
    device = config["device"]
    pictures = [f"![{caption}]({name}.png)\n\n{caption}" for name, (_, caption) in report.figures.items()]
    how = "\n".join(f"- {name}: {_words(value)}" for name, value in config["configuration"].items())
    parts = [f"# {study.title}", study.question, "## Answers", report.text, *pictures, "## How it was run"]
    parts += [f"Configuration; `otsort_studies/{study.name}/study.py` explains each name:", how]
    parts.append(
        f"Date: {config['date']}. Precision: {config['dtype']}. Versions: {versions}. "
        f"Device: {device['kind']} ({device['machine']}), with LAPACK on one thread."
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _words(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(map(str, value)) if len(value) <= _MOST_WORDS else f"{len(value)} values"


def _tuples(value: Any) -> Any:
    """Converts lists from JSON to the tuples that the fields of a study hold."""
    if isinstance(value, dict):
        return {name: _tuples(one) for name, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
