"""The file of rows: what is read is what was written, and a torn end is no row."""

import json
import math

import polars as pl
import pytest

from otsort_studies.common import rows
from otsort_studies.common.errors import InputError

from .toy.study import Half, Powers, Toy

ROW = Half(3).row("exact", half=1 / 3)


def test_reads_what_was_written(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert rows.read(path, Toy.parts) == ({}, 0)
    numbers = [1e-300, math.nan, math.inf, -math.inf, 5e-324]
    rows.append(path, Powers(0.1).row("exact", powers=numbers))
    rows.append(path, ROW)
    found, size = rows.read(path, Toy.parts)
    powers = {"part": "powers", "base": 0.1, "outcome": "exact", "powers": [1e-300, None, None, None, 5e-324]}
    assert found == {Powers(0.1): powers, Half(3): ROW}
    assert size == path.stat().st_size


@pytest.mark.parametrize("rest", [b"", b"1,2", b"broken\n", b"\xff\x00,\n", b"[]\n", b"{}\n", b'{"part": "other"}\n'])
def test_a_damaged_last_line_is_no_row(rest, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, ROW)
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert rows.read(path, Toy.parts) == ({Half(3): ROW}, len(whole))


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_torn_last_line_is_no_row(lost, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, ROW)
    size = path.stat().st_size
    rows.append(path, Half(4).row("exact", half=2.0))
    path.write_bytes(path.read_bytes()[:-lost])
    assert rows.read(path, Toy.parts) == ({Half(3): ROW}, size)


def test_refuses_other_damage(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("mine\n" + json.dumps(ROW) + "\n")
    with pytest.raises(InputError, match="line 1 of"):
        rows.read(path, Toy.parts)


def test_columns_are_those_of_case_outcome_and_measurement():
    assert Half.schema() == {"number": pl.Int64, "outcome": pl.String, "half": pl.Float64}
