"""The file of rows: what is read is what was written, and a torn end is no row."""

import json
import math
from pathlib import Path

import polars as pl
import pytest

from otsort_studies.common import rows
from otsort_studies.common.errors import InputError

from .disk import full
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
    with pytest.raises(InputError, match=r"line 1 of .* is damaged: delete this line and run the same"):
        rows.read(path, Toy.parts)


@pytest.mark.parametrize("room", [0, 1, 30])
def test_a_full_disk_leaves_whole_rows(room, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, ROW)
    whole = path.read_bytes()
    said = (
        r"cannot write to .*rows\.jsonl \(File too large\): free space or allow writing there, and repeat the command"
    )
    with pytest.raises(InputError, match=said), full(len(whole) + room):
        rows.append(path, Half(4).row("exact", half=2.0))
    assert path.read_bytes() == whole
    rows.append(path, Half(4).row("exact", half=2.0))
    assert list(rows.read(path, Toy.parts)[0]) == [Half(3), Half(4)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_device_is_told():
    with pytest.raises(InputError, match=r"cannot write to /dev/full \(No space left on device\)"):
        rows.append(Path("/dev/full"), ROW)


def test_resuming_cuts_off_a_torn_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert rows.resume(path, Toy.parts) == {}
    assert not path.exists()
    rows.append(path, ROW)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"part": "ha')
    assert rows.resume(path, Toy.parts) == {Half(3): ROW}
    assert path.read_bytes() == whole


def test_tells_what_cannot_be_read(tmp_path):
    for use in (rows.read, rows.resume):
        with pytest.raises(InputError, match=r"cannot read .* \(Is a directory\): restore the file"):
            use(tmp_path, Toy.parts)
    with pytest.raises(InputError, match=r"cannot write to .* \(Is a directory\)"):
        rows.append(tmp_path, ROW)


def test_columns_are_those_of_case_outcome_and_measurement():
    assert Half.schema() == {"number": pl.Int64, "outcome": pl.String, "half": pl.Float64}
