"""The command line: what it says, and to whom."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from otsort_studies.app import _told, app
from otsort_studies.cli import main
from otsort_studies.common.lock import locked
from otsort_studies.studies import STUDIES


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def rejected(*arguments):
    """What the command says on stderr: one line, with status 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("otsort: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_list_names_every_study():
    said = invoke("study", "list")
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.stdout.splitlines() if not line.startswith(" ")] == list(STUDIES)
    words = " ".join(said.stdout.split())
    assert all(kind.title in words for kind in STUDIES.values())
    assert max(map(len, said.stdout.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [["figure2"], ["compare", "--full"], ["list"]])
def test_every_study_is_a_command(arguments):
    assert invoke("study", *arguments, "--help").exit_code == 0
    assert invoke("study", "other").exit_code == 2


def test_studies_that_train_look_for_data(tmp_path, monkeypatch):
    """Before anything is written; an option comes before the environment."""
    out = tmp_path / "out"
    said = rejected("study", "table1", "--data", tmp_path / "absent", "--out", out)
    assert (
        f"--data (or OTSORT_DATA) must be a folder with data, got {tmp_path / 'absent'}, which does not exist" in said
    )
    monkeypatch.setenv("OTSORT_DATA", str(tmp_path / "other"))
    assert f"{tmp_path / 'other'}, which does not exist" in rejected("study", "figure5", "--paper", "--out", out)
    (tmp_path / "mnist.npz").write_bytes(b"torn")
    assert "mnist.npz is damaged" in rejected("study", "tutorial", "--full", "--data", tmp_path, "--out", out)
    assert not out.exists()
    assert invoke("study", "figure2", "--paper").exit_code == 2


def test_refuses_the_folder_of_another_study(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"study": "other"}))
    assert "study" in rejected("study", "figure2", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_refuses_to_report_what_is_no_run(tmp_path):
    said = rejected("report", tmp_path / "absent")
    assert f"FOLDER must be the folder of a run, got {tmp_path / 'absent'}, which does not exist: give the one" in said
    assert not (tmp_path / "absent").exists()
    assert "which has no config.json: give the one" in rejected("report", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"study": "other"}))
    assert "not that of a study" in rejected("report", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_refuses_a_folder_in_use(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"study": "figure2"}))
    for command in (("report", tmp_path), ("study", "figure2", "--out", tmp_path)):
        with locked(tmp_path):
            assert f"{tmp_path} is in use by process {os.getpid()} on " in rejected(*command)
            assert {path.name for path in tmp_path.iterdir()} == {"config.json", "otsort.lock"}


def test_an_interrupted_run_says_how_to_continue(capsys):
    with pytest.raises(typer.Exit) as left, _told():
        raise KeyboardInterrupt
    assert left.value.exit_code == 130
    assert "the same command continues" in capsys.readouterr().err


def test_version_needs_neither_jax_nor_the_extra():
    expected = f"otsort {importlib.metadata.version('otsort')}\n"
    code = "import sys; from otsort_studies.cli import main; main(); assert not {'jax', 'typer'} & set(sys.modules)"
    said = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == expected
    assert invoke("--version", "study").stdout == expected  # by typer, which lists the option
    assert "--version" in invoke("--help").stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")
@pytest.mark.parametrize("arguments", [["--version"], ["study", "list"], ["--help"]])
@pytest.mark.ci
def test_tells_that_standard_output_is_full(arguments):
    command = [sys.executable, "-m", "otsort_studies", *arguments]
    with open("/dev/full", "w") as full:
        said = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert said.returncode == 1
    assert said.stderr.startswith("otsort: a file or the standard output cannot be read or written: ")
    assert said.stderr.endswith("No space left on device\n")
    assert said.stderr.count("\n") == 1


def test_a_pipe_that_ends_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "otsort_studies", "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("package", ["rich", "polars", "typer"])
def test_without_the_extra(package, monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 'python -m pip install "otsort[studies]"' in said.err
    assert said.err.count("\n") == 1


@pytest.mark.ci
def test_help_waits_for_no_jax():
    code = "import sys; from otsort_studies.app import app; assert not {'jax', 'otsort', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    said = subprocess.run([sys.executable, "-m", "otsort_studies", "--help"], capture_output=True, text=True)
    assert said.returncode == 0
    assert all(command in said.stdout for command in ("compare", "study", "report"))
