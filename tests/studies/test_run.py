"""A run: what it measures and keeps, and that one that was killed ends as if it had not been."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from otsort_studies.common import rows
from otsort_studies.common.errors import InputError
from otsort_studies.common.lock import locked
from otsort_studies.common.run import measured, run
from otsort_studies.figure2.study import Figure2
from otsort_studies.studies import STUDIES

from .toy.measure import asked
from .toy.study import Half, Powers, Toy

KEPT = 2

# A process that runs the study. The arguments: a folder, and after how many rows it kills itself while it writes the
# next one.
CHILD = """
import os, signal, sys
from pathlib import Path
from otsort_studies import studies
from otsort_studies.common import rows
from otsort_studies.common.run import run
from tests.studies.toy.study import Toy

studies.STUDIES["toy"] = Toy
append, left = rows.append, iter(range(int(sys.argv[2])))

def dying(path, row):
    if next(left, None) is None:
        append(path, row)
        os.truncate(path, path.stat().st_size - 9)
        os.kill(os.getpid(), signal.SIGKILL)
    append(path, row)

rows.append = dying
run(Toy(), Path(sys.argv[1]))
"""


# The arguments: a folder, and the size in bytes that no file may exceed, as on a full disk.
FULL = """
import resource, sys
from otsort_studies import cli, studies
from tests.studies.toy.study import Toy

studies.STUDIES["toy"] = Toy
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
sys.argv[1:] = ["study", "toy", "--full", "--out", sys.argv[1]]
cli.main()
"""


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(STUDIES, "toy", Toy)
    asked.clear()


def dateless(folder):
    """The content of all files, without the date."""
    day = re.compile(rb"\d{4}-\d{2}-\d{2}T[\d:+]+")
    return {path.name: day.sub(b"", path.read_bytes()) for path in folder.iterdir()}


def read(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_killed_run_resumes(toy, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    everything = len(Toy().cases())
    assert subprocess.call([sys.executable, "-c", CHILD, str(killed), str(KEPT)]) == -signal.SIGKILL
    assert {path.name for path in killed.iterdir()} == {"config.json", "results.jsonl", "otsort.lock"}
    kept = (killed / "results.jsonl").read_bytes()
    assert kept.count(b"\n") == KEPT
    assert not kept.endswith(b"\n")

    run(Toy(), killed)
    assert (killed / "results.jsonl").read_bytes().startswith(kept[: kept.rindex(b"\n")])
    run(Toy(), whole)
    assert dateless(killed) == dateless(whole)
    assert set(dateless(whole)) == {"config.json", "report.md", "results.jsonl", "halves.png"}
    found, size = rows.read(whole / "results.jsonl", Toy.parts)
    assert list(found) == Toy().cases()
    assert size == (whole / "results.jsonl").stat().st_size
    assert len(read(whole)) == everything
    assert {row["outcome"] for row in read(whole)} == {"exact"}


def test_measures_only_what_is_missing(toy, tmp_path):
    study = Toy()
    run(study, tmp_path / "whole")
    assert asked == [tuple(study.cases())]
    (tmp_path / "part").mkdir()
    for name in ("config.json", "results.jsonl"):
        (tmp_path / "part" / name).write_bytes((tmp_path / "whole" / name).read_bytes())
    lines = (tmp_path / "whole" / "results.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "part" / "results.jsonl").write_bytes(lines[2] + lines[0] + b'{"part": "half')
    asked.clear()
    run(study, tmp_path / "part")
    assert asked == [(Half(2), Powers(2.0))]
    assert sorted(read(tmp_path / "part"), key=str) == sorted(read(tmp_path / "whole"), key=str)
    for name in ("report.md", "halves.png"):  # the order of the lines does not matter
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    asked.clear()
    before = dateless(tmp_path / "part")
    run(study, tmp_path / "part")
    assert not asked
    assert dateless(tmp_path / "part") == before


@pytest.mark.ci
def test_a_full_disk_loses_no_row(toy, tmp_path):
    run(Toy(), tmp_path / "whole")
    lines = (tmp_path / "whole" / "results.jsonl").read_bytes().splitlines(keepends=True)
    full = tmp_path / "full"
    full.mkdir()
    (full / "config.json").write_bytes((tmp_path / "whole" / "config.json").read_bytes())
    (full / "results.jsonl").write_bytes(lines[0])
    command = [sys.executable, "-c", FULL, str(full), str(len(lines[0] + lines[1]) + 7)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    said = f"otsort: cannot write to {full / 'results.jsonl'} (File too large): free space or allow writing there, and"
    assert process.stderr.splitlines()[-1].startswith(said)
    assert (full / "results.jsonl").read_bytes() == lines[0] + lines[1]
    assert {path.name for path in full.iterdir()} == {"config.json", "results.jsonl"}
    run(Toy(), full)
    assert dateless(full) == dateless(tmp_path / "whole")


def test_what_raises_is_an_outcome(toy, tmp_path):
    run(Toy(raising=(1, 3)), tmp_path)
    assert read(tmp_path) == [
        {"part": "half", "number": 1, "outcome": "raised ZeroDivisionError"},
        {"part": "half", "number": 2, "outcome": "exact", "half": 1.0},
        {"part": "half", "number": 3, "outcome": "raised ZeroDivisionError"},
        {"part": "powers", "base": 2.0, "outcome": "exact", "powers": [2.0, 4.0, None]},
    ]
    text = (tmp_path / "report.md").read_text()
    assert "| 1        | \N{EN DASH}      |" in text
    assert "| 2        | 1.00   |" in text


def test_what_raises_for_all_is_an_outcome_of_its_own_case_alone(toy):
    """As where no program of a group can be made because of one of them."""
    found = list(measured(Toy(refused=(2,)), Toy().cases()))
    assert [row["outcome"] for row in found] == ["exact", "raised MemoryError", "exact", "exact"]
    assert [row.get("half") for row in found] == [0.5, None, 1.5, None]


@pytest.mark.parametrize("alone", [False, True])
def test_a_file_that_cannot_be_written_is_no_outcome(alone):
    def full(cases):
        if alone and len(cases) > 1:
            raise MemoryError
        raise InputError("cannot write to checkpoint")
        yield

    with pytest.raises(InputError, match="checkpoint"):
        next(measured(Toy(), Toy().cases(), full))


def test_two_runs_into_one_folder(toy, tmp_path):
    """The second one neither measures nor writes; when the first has ended, it finds all rows."""
    with locked(tmp_path):
        with pytest.raises(InputError, match=f"in use by process {os.getpid()}"):
            run(Toy(), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["otsort.lock"]
    assert not asked
    run(Toy(), tmp_path)
    run(Toy(), tmp_path)
    assert len(asked) == 1
    assert len(read(tmp_path)) == len(Toy().cases())


def test_a_row_must_be_that_of_its_case(toy):
    found = measured(Toy(swapped=(2,)), Toy().cases())
    assert next(found)["number"] == 1
    with pytest.raises(RuntimeError, match="in place of Half"):
        next(found)


def test_refuses_another_configuration(toy, tmp_path):
    run(Toy(), tmp_path)
    before = dateless(tmp_path)
    with pytest.raises(InputError, match="configuration numbers"):
        run(Toy(numbers=(1, 2)), tmp_path)
    with pytest.raises(InputError, match="study"):
        run(Figure2(data=("normal",), n=4, sweeps=20), tmp_path)
    assert dateless(tmp_path) == before


def test_rows_have_only_what_their_case_measures():
    with pytest.raises(TypeError, match="half have no third"):
        Half(1).row("exact", third=1 / 3)
