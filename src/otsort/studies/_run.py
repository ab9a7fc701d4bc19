"""Runs a study: measures what is missing, then writes the report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import jax
import matplotlib
from threadpoolctl import threadpool_limits

from ._progress import progress
from ._record import claim, environment, json_row, write_json, write_text
from ._study import STUDIES, AbstractStudy
from ._study.base import Report
from ._table import Table


def run(study: AbstractStudy, out: Path) -> None:
    """Fills the folder; what it holds of the same study already is kept.

    Args:
        study: with its configuration.
        out: the folder.

    Raises:
        InputError: the folder holds anything else; nothing was written.
    """
    (name,) = (name for name, kind in STUDIES.items() if kind is type(study))
    configuration = {
        "study": name,
        "configuration": asdict(study),
        "dtype": study.dtype,
        "lapack_threads": 1,
        **environment(),
    }
    record = claim(out, json.loads(json.dumps(configuration)))  # as it will be read again
    table = Table(out / "results.csv", study.row)
    jax.config.update("jax_enable_x64", True)  # for references: solvers compute in the dtype of the data

    cases = [tuple(case) for case in study.cases()]
    case_of = lambda row: astuple(row)[: len(cases[0])]
    done = {case_of(row) for row in table.rows}
    missing = [case for case in cases if case not in done]
    # LAPACK's threads wait for each other in a busy loop: see `compare`.
    with threadpool_limits(1, "blas"), progress(name, len(cases)) as advance:
        for _ in range(len(cases) - len(missing)):
            advance()
        for row in study.measure(missing):
            table.append(row)
            advance()

    by_case = {case_of(row): row for row in table.rows}
    rows = [by_case[case] for case in cases]
    write_json(out / "results.json", {"record": record, "rows": [json_row(row) for row in rows]})
    _write(study, record, study.report(rows), out)


def _write(study: AbstractStudy, record: dict[str, Any], report: Report, out: Path) -> None:
    with matplotlib.rc_context({"svg.hashsalt": "otsort"}):  # the same picture is the same file
        for name, (figure, _) in report.figures.items():
            figure.savefig(out / f"{name}.png", dpi=150)
            figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
    device = record["device"]
    pictures = [f"![{caption}]({name}.png)\n\n{caption}" for name, (_, caption) in report.figures.items()]
    how = "\n".join(f"- {key}: {_words(value)}" for key, value in record["configuration"].items())
    parts = [f"# {study.title}", study.question, "## Answers", report.text, *pictures, "## How it was run", how]
    where = f"{device['kind']} ({device['machine']}), LAPACK on one thread"
    parts.append(f"{record['date']}, {record['dtype']}; {versions}; {where}.")
    write_text(out / "report.md", "\n\n".join(part.strip() for part in parts) + "\n")


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
