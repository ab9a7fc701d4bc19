"""The page of stored benchmarks, made of results as asv writes them."""

import json
import math

import pytest

from docs import performance

SORTS, TIME = (performance.BENCHMARK + name for name in ("track_sorts", "time_run"))
CASES = ["'ranks'", "'their gradient'"]


def store(folder, version, day, values, current="1"):
    """One version's results, as asv keeps them."""
    record = {
        **{
            "commit_hash": version * 5,
            "date": (day - 1) * 86_400_000,
            "python": "3",
            "env_name": "env",
            "env_vars": {},
            "version": 2,
        },
        **{"params": {"machine": "m", "jax": "9.9"}, "requirements": {}},
        "result_columns": ["result", "params", "version"],
        "results": {key: [found, [CASES], current] for key, found in values.items()},
    }
    (folder / "m" / f"{version}-env.json").write_text(json.dumps(record))


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    (folder / "m").mkdir(parents=True)
    machine = {"machine": "m", "cpu": "Abacus", "num_cpu": "10", "os": "none", "version": 1}
    (folder / "m" / "machine.json").write_text(json.dumps(machine))
    (folder / "benchmarks.json").write_text(json.dumps({key: {"version": "1"} for key in (SORTS, TIME)}))
    store(folder, "bbbbbbbb", 2, {SORTS: [2.0, 4.4], TIME: [0.002, 0.004]})
    store(folder, "aaaaaaaa", 1, {SORTS: [4.0, 4.0], TIME: [0.004, math.nan]})
    store(folder, "cccccccc", 3, {SORTS: [2.0, 8.0], TIME: None})
    return folder


def test_history_is_in_order_of_dates(results):
    history = performance.read(results / "m")
    assert history["version"].unique(maintain_order=True).to_list() == [f"1970-01-0{day} 00:00" for day in (1, 2, 3)]
    times = history.filter(measure="time_run", case="their gradient")["value"].to_list()
    assert times == [None, 0.004, None]
    assert list(performance.changes(history)) == [
        "From 1970-01-01 00:00 to 1970-01-02 00:00 faster: ranks (4 to 2 sorts).",
        "From 1970-01-02 00:00 to 1970-01-03 00:00 slower: their gradient (4.4 to 8 sorts).",
    ]


def test_results_of_a_benchmark_that_changed_are_left_out(results):
    store(results, "dddddddd", 4, {SORTS: [1.0, 1.0]}, current="0")
    assert "1970-01-04 00:00" not in performance.read(results / "m")["version"].to_list()


def test_page(results, tmp_path):
    performance.write(results, tmp_path / "page")
    page = (tmp_path / "page" / "index.md").read_text()
    assert "Abacus, 10 cores, none; JAX 9.9." in page
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ranks")
    ]
    nothing = "\N{EN DASH}"
    assert rows[0] == ["ranks", "2.00", *4 * [nothing]]  # now
    assert rows[1:] == [
        ["ranks", "4.00", "2.00", "2.00"],
        ["ranks", "4.00", "2.00", nothing],
    ]  # before: sorts and times
    assert (tmp_path / "page" / "m.png").stat().st_size > 0
    assert "No results" not in page
    performance.write(tmp_path / "nothing", tmp_path / "page")
    assert "No results are stored yet." in (tmp_path / "page" / "index.md").read_text()
