"""Rows as a report gets them."""

import tempfile
from pathlib import Path

import polars as pl

from otsort_studies.common import rows as files


def frames(study, rows) -> dict[str, pl.DataFrame]:
    """By part, after they were written to a file and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        for row in rows:
            files.append(path, row)
        found, _ = files.read(path, study.parts)
    return study.frames(found.values())
