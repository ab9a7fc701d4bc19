"""The command `otsort study`: a run that was killed ends as if it had not been."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from otsort.studies._cli import app
from otsort.studies._study import STUDIES
from otsort.studies._study.figure2 import Figure2
from otsort.studies._table import Table

SMALL = """
import sys
from pathlib import Path
from otsort.studies._run import run
from otsort.studies._study.figure2 import Figure2

run(Figure2(data=("normal",), n=4, sweeps=20), Path(sys.argv[1]))
"""
ROWS = len(Figure2(data=("normal",), n=4, sweeps=20).cases())


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts the small study in a process of its own; they compile once for all."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return lambda out: subprocess.Popen([sys.executable, "-c", SMALL, str(out)], env={**os.environ, **cache})


def dateless(folder):
    """The content of all files, without the date."""
    day = re.compile(rb"\d{4}-\d{2}-\d{2}T[\d:+]+")
    return {path.name: day.sub(b"", path.read_bytes()) for path in folder.iterdir()}


def test_a_killed_run_resumes(start, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(killed)
    results = killed / "results.csv"
    while process.poll() is None and (not results.exists() or results.read_bytes().count(b"\n") < ROWS // 4):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = results.read_bytes()
    assert ROWS // 4 < kept.count(b"\n") < ROWS
    assert "report.md" not in dateless(killed)
    with results.open("ab") as file:
        file.write(b"normal,m = n,0.0\xff\x00")

    assert start(killed).wait() == 0
    assert results.read_bytes().startswith(kept[: kept.rindex(b"\n")])
    assert start(whole).wait() == 0
    assert dateless(killed) == dateless(whole)
    assert {"config.json", "report.md", "results.csv", "results.json"} < set(dateless(whole))
    assert {"figure2-normal.png", "figure2-normal.svg"} < set(dateless(whole))
    assert len(json.loads((whole / "results.json").read_text())["rows"]) == ROWS


@pytest.mark.parametrize("rest", [b"", b"1,2", b"broken\n", b"\xff\x00,\n"])
def test_a_damaged_last_line_is_cut_off(rest, tmp_path):
    path = tmp_path / "table.csv"
    table = Table(path, Figure2.row)
    point = Figure2.row("normal", "a, b", 0.1, 1, 2, "uniform", "cdf", 0, 1 / 3, float("inf"), 1e-300)
    table.append(point)
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert Table(path, Figure2.row).rows == [point]
    assert path.read_bytes() == whole


def test_list_names_every_study():
    said = CliRunner().invoke(app, ["study", "list"])
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.stdout.splitlines()] == list(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_cases_are_the_first_fields_of_rows(name):
    study = STUDIES[name]
    for one in (study(), study.quick()):
        cases = one.cases()
        assert len(set(cases)) == len(cases)
        kinds = list(study.row.__annotations__.values())[: len(cases[0])]
        assert all([type(field) for field in case] == kinds for case in cases)
    assert len(study.quick().cases()) <= len(study().cases())


def test_refuses_the_folder_of_another_study(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"study": "other"}))
    result = CliRunner().invoke(app, ["study", "figure2", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("otsort: ")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
