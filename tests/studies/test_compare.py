"""The command `otsort compare`: for real in a process of its own."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from otsort_studies.common.methods import SOLVER_DIFFERENTIATIONS
from otsort_studies.common.report import load
from otsort_studies.compare.measure import Trial
from otsort_studies.compare.study import Compare, chosen

from .test_cli import rejected

# The command, with one budget of sweeps and few readings.
COMMAND = """
import functools
from otsort_studies import app, cli
app.Compare = functools.partial(app.Compare, sweeps=(10,), pictured=4)
cli.main()
"""
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


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def without_times(folder):
    lines = (folder / "results.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name not in TIMES} for line in lines]


def test_writes_everything(finished):
    _, out, process = finished
    assert set(content(out)) == {"config.json", "results.jsonl", "report.md", "ranks.png", "sweeps.png"}
    for name in ("ranks.png", "sweeps.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    config, study, frames = load(out)
    assert {"study", "configuration", "dtype", "versions", "device", "date"} <= set(config)
    assert isinstance(study, Compare)
    assert (study.source, study.column, len(study.values)) == ("values.npy", "", 20)
    assert (study.solvers, study.epsilons) == (("LogSinkhorn", "NorthWestCorner"), (0.01,))
    assert {part: frame.height for part, frame in frames.items()} == {"cost": 4, "sweeps": 3, "reading": 4}
    said = " ".join(process.stdout.split())
    for words in ("LogSinkhorn", "OneStep", "fixed budget", "NorthWestCorner", "converged to a marginal error of"):
        assert words in said
        assert words in (out / "report.md").read_text()
    assert process.stdout.endswith(f"Written to {out}: read {out / 'report.md'} first\n")
    assert "left" in process.stderr  # the bar
    assert "left" not in process.stdout


def test_numbers_are_sane(finished):
    _, _, frames = load(finished[1])
    *soft, exact = frames["cost"].iter_rows(named=True)
    assert [row["outcome"] for row in soft] == ["converged", "fixed budget", "converged"]
    for row in soft:
        assert row["reference"] == "converged"
        assert row["reference_marginal_error"] < 1e-10
        assert row["marginal_error"] < 1e-4
        assert row["rank_error"] < 1e-4
        assert row["sort_error"] < 1e-4
        assert row["steps"] > 1
        assert row["scratch_bytes"] > 0
    implicit, unrolled, one_step = (row["gradient_error"] for row in soft)
    assert max(implicit, unrolled) < 1e-3
    assert implicit < one_step < 1
    assert (exact["outcome"], exact["epsilon"], exact["steps"], exact["tol"]) == ("exact", 0, 0, 0)
    assert exact["sort_error"] == 0
    assert exact["rank_error"] < 1e-6
    assert exact["gradient_error"] is None
    assert all(row["forward_seconds"] > 0 and row["gradient_seconds"] > 0 for row in [*soft, exact])
    assert frames["sweeps"]["outcome"].to_list() == ["fixed budget"] * 3
    assert all(math.isfinite(error) for error in frames["sweeps"]["gradient_error"])
    readings = frames["reading"].filter(pl.col("epsilon") < 1e-4)
    np.testing.assert_allclose(readings["ranks"][0], range(1, 21), atol=0.05)
    values = np.load(finished[1].parent / "values.npy")
    np.testing.assert_allclose(readings["sorted_values"][0], np.sort(values), atol=0.01 * np.ptp(values))


@pytest.mark.slow
def test_resumes(finished, compare, tmp_path):
    arguments, out, _ = finished
    kept = content(out)
    (tmp_path / "config.json").write_bytes(kept["config.json"])
    lines = kept["results.jsonl"].splitlines(keepends=True)
    (tmp_path / "results.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])
    process = compare(*arguments, tmp_path)
    assert process.returncode == 0, process.stderr
    assert without_times(tmp_path) == without_times(out)
    assert (tmp_path / "results.jsonl").read_bytes().splitlines(keepends=True)[:3] == lines[:3]
    assert set(content(tmp_path)) == set(kept)


def test_refuses_another_configuration(finished):
    arguments, out, _ = finished
    kept = content(out)
    assert "epsilons" in rejected("compare", *arguments[:-1], "--epsilon", "0.1", "--out", out)
    assert content(out) == kept


def test_refuses_a_folder_with_other_files(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    np.save(tmp_path / "values.npy", np.arange(3.0))
    assert "other files" in rejected("compare", "--data", tmp_path / "values.npy", "--out", tmp_path)
    assert "is a file" in rejected("compare", "--data", tmp_path / "values.npy", "--out", tmp_path / "mine")
    assert content(tmp_path).keys() == {"mine", "values.npy"}


def test_a_gradient_that_vanishes_has_no_relative_error():
    """Ranks of values that are far apart, at a small epsilon, do not move."""
    apart, near = Trial((1.0, 3.0, 5.0)), Trial((1.0, 1.1, 1.2, 5.0))
    assert np.isnan(apart.gradient_error(np.zeros(3), 1e-3))
    assert near.gradient_error(near.gradient(1e-1), 1e-1) == 0


def test_solvers_are_chosen_in_the_order_of_the_list():
    assert chosen(()) == tuple(SOLVER_DIFFERENTIATIONS)
    assert chosen(["NorthWestCorner", "Sinkhorn"]) == ("Sinkhorn", "NorthWestCorner")
    study = Compare("", "", (1.0, 2.0), chosen(["Newton"]), (0.1, 0.01), pictured=2)
    assert [type(case).__name__ for case in study.cases()] == ["Cost", "Cost", "Reading", "Reading"]
    assert (
        len(Compare("", "", (1.0, 2.0)).cases())
        == 4 * (sum(map(len, SOLVER_DIFFERENTIATIONS.values())) - 1) + 1 + 4 * (5 + 5 + 3) + 31
    )
