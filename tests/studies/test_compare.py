"""The command `otsort compare`: for real in a process of its own, and what it says to bad input."""

import csv
import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from otsort.studies import main
from otsort.studies._cli import app
from otsort.studies._data import example

# The command, with one budget in its second picture.
COMMAND = "import otsort.studies._sweeps as s; s.BUDGETS = (10,); from otsort.studies import main; main()"
TIMES = ("forward_seconds", "gradient_seconds")


@pytest.fixture(scope="module")
def compare(tmp_path_factory):
    """Runs the command in a process of its own; they compile fast and once for all."""
    quick = {
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

    def run(*arguments):
        command = [sys.executable, "-c", COMMAND, "compare", *map(str, arguments)]
        return subprocess.run(command, env={**os.environ, **quick}, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def finished(compare, tmp_path_factory):
    """Arguments, folder and output of a whole run."""
    folder = tmp_path_factory.mktemp("compare")
    np.save(folder / "values.npy", np.random.default_rng(1).normal(size=20))
    arguments = ("--data", folder / "values.npy", "--epsilon", "0.01")
    arguments += ("--solvers", "LogSinkhorn", "--solvers", "NorthWestCorner", "--out")
    process = compare(*arguments, folder / "out")
    assert process.returncode == 0, process.stderr
    return arguments, folder / "out", process


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def without_times(path: Path) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name not in TIMES} for row in read(path)]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_writes_everything(finished):
    _, out, process = finished
    assert {path.name for path in out.iterdir()} == {
        "config.json", "results.csv", "results.json", "sweeps.csv", "ranks.png", "sweeps.png"
    }  # fmt: skip
    for name in ("ranks.png", "sweeps.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    config = json.loads((out / "config.json").read_text())
    assert {"command", "data", "epsilons", "methods", "dtype", "seed", "versions", "device", "date"} <= set(config)
    assert config["data"]["size"] == 20
    results = json.loads((out / "results.json").read_text())
    assert results["config"] == config
    assert len(results["results"]) == len(read(out / "results.csv")) == 4
    for word in ("LogSinkhorn", "OneStep", "fixed budget", "NorthWestCorner", "converged: marginal error"):
        assert word in process.stdout
    assert "left" in process.stderr  # the bar
    assert "left" not in process.stdout


def test_numbers_are_sane(finished):
    _, out, _ = finished
    *soft, exact = json.loads((out / "results.json").read_text())["results"]
    assert [row["outcome"] for row in soft] == ["converged", "fixed budget", "converged"]
    for row in soft:
        assert row["reference"] == "converged"
        assert row["reference_marginal_error"] < 1e-10
        assert row["marginal_error"] < 1e-4
        assert row["rank_error"] < 1e-4
        assert row["sort_error"] < 1e-4
        assert row["steps"] > 1
        assert row["gradient_bytes"] > 0
    implicit, unrolled, one_step = (row["gradient_error"] for row in soft)
    assert max(implicit, unrolled) < 1e-3
    assert implicit < one_step < 1
    assert (exact["outcome"], exact["epsilon"], exact["steps"]) == ("exact", 0, 0)
    assert exact["sort_error"] == 0
    assert exact["rank_error"] < 1e-6
    assert exact["gradient_error"] is None
    assert all(row["forward_seconds"] > 0 and row["gradient_seconds"] > 0 for row in [*soft, exact])
    for row in read(out / "sweeps.csv"):
        assert math.isfinite(float(row["gradient_error"]))


def test_resumes(finished, compare, tmp_path):
    arguments, out, _ = finished
    kept = content(out)
    for name in ("config.json", "results.csv", "sweeps.csv"):
        (tmp_path / name).write_bytes(kept[name])
    cut = kept["results.csv"].rindex(b",", 0, -40)  # within the last line
    assert kept["results.csv"][cut:].count(b"\n") == 1
    (tmp_path / "results.csv").write_bytes(kept["results.csv"][:cut])
    process = compare(*arguments, tmp_path)
    assert process.returncode == 0, process.stderr
    assert without_times(tmp_path / "results.csv") == without_times(out / "results.csv")
    assert (tmp_path / "results.csv").read_bytes().splitlines()[:4] == kept["results.csv"].splitlines()[:4]
    assert (tmp_path / "sweeps.csv").read_bytes() == kept["sweeps.csv"]
    assert set(content(tmp_path)) == set(kept)


def rejected(*arguments, out: Path) -> str:
    """What the command says on stderr: one line, with status 2."""
    result = CliRunner().invoke(app, ["compare", *map(str, arguments), "--out", str(out)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("otsort: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_refuses_another_configuration(finished):
    arguments, out, _ = finished
    kept = content(out)
    assert "epsilons" in rejected(*arguments[:-1], "--epsilon", "0.1", out=out)
    assert content(out) == kept


def test_refuses_a_folder_with_other_files(tmp_path):
    (tmp_path / "results.csv").write_text("mine\n")
    np.save(tmp_path / "values.npy", np.arange(3.0))
    assert "other files" in rejected("--data", tmp_path / "values.npy", out=tmp_path)
    assert "cannot write" in rejected("--data", tmp_path / "values.npy", out=tmp_path / "results.csv")
    assert content(tmp_path).keys() == {"results.csv", "values.npy"}


@pytest.mark.parametrize(
    ("name", "text", "column", "says"),
    [
        ("absent.csv", None, None, "No such file"),
        ("values.txt", "1\n2\n", None, "neither"),
        ("empty.csv", "", None, "is empty"),
        ("two.csv", "a,b\n1,2\n3,4\n", None, "--column"),
        ("two.csv", "a,b\n1,2\n3,4\n", "c", "'c'"),
        ("twice.csv", "a,a\n1,2\n3,4\n", "a", "2 columns"),
        ("nameless.csv", "1.5\n2.5\n3.5\n", None, "must name"),
        ("word.csv", "a\n1\nlots\n", None, "line 3"),
        ("short.csv", "a,b\n1,2\n3\n", "b", "line 3"),
        ("nan.csv", "a\n1\nnan\n", None, "value 2"),
        ("inf.csv", "a\ninf\n1\n", None, "value 1"),
        ("large.csv", "a\n1e300\n1\n", None, "float32"),
        ("one.csv", "a\n1\n", None, "1 values"),
        ("equal.csv", "a\n1\n1\n", None, "all equal"),
        ("binary.csv", "\x00\xff", None, "column"),
        ("array.npy", "no array", None, "not an .npy file"),
        ("list.npy", np.arange(3.0), "0", "leave out --column"),
        ("matrix.npy", np.eye(3), None, "--column"),
        ("matrix.npy", np.eye(3), "3", "'3'"),
        ("matrix.npy", np.eye(3), "a", "'a'"),
        ("cube.npy", np.ones((2, 2, 2)), "0", "3 dimensions"),
        ("words.npy", np.asarray(["a", "b"]), None, "real numbers"),
        ("complex.npy", np.asarray([1j, 2j]), None, "real numbers"),
        ("nan.npy", np.asarray([1, np.nan]), None, "value 2"),
        ("long.npy", np.arange(5000.0), None, "5000 values"),
    ],
)
def test_bad_data(name, text, column, says, tmp_path):
    if isinstance(text, str):
        (tmp_path / name).write_text(text)
    elif text is not None:
        np.save(tmp_path / name, text)
    arguments = ["--data", tmp_path / name] + ([] if column is None else ["--column", column])
    assert says in rejected(*arguments, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--solvers", "Sinkhron"], "unknown solver 'Sinkhron'"),
        (["--epsilon", "0"], "positive"),
        (["--epsilon", "0.1", "--epsilon", "-1"], "positive"),
        (["--epsilon", "nan"], "positive"),
        (["--epsilon", "inf"], "positive"),
        (["--epsilon", "1e-60"], "positive"),
        (["--column", "a"], "--data"),
    ],
)
def test_bad_options(arguments, says, tmp_path):
    assert says in rejected(*arguments, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_example_has_few_ties():
    values = example().values
    assert values.size == 442
    assert np.unique(values).size == 302


def test_without_the_extra(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "rich" else found(name))
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 'python -m pip install "otsort[studies]"' in said.err
    assert said.err.count("\n") == 1
