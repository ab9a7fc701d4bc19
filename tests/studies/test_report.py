"""The report of a run is written from its folder alone: without JAX, and whatever the versions were."""

import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from otsort_studies.common import rows
from otsort_studies.common.errors import InputError
from otsort_studies.common.folder import claim, read_config
from otsort_studies.common.report import number, render
from otsort_studies.compare.study import Compare, Cost, Reading, Swept

from .disk import full

STUDY = Compare("a.npy", "", (3.0, 1.0, 2.0), ("LogSinkhorn", "NorthWestCorner"), (0.1,), sweeps=(10,), pictured=3)

# Whatever imports one of these is an error.
BLOCKER = """
import sys

BLOCKED = {"jax", "jaxlib", "equinox", "otsort"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Blocker())
"""
REPORT = """
from otsort_studies.cli import main
try:
    main()
finally:
    assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
"""
EVERY_REPORT = """
from otsort_studies.studies import STUDIES
for kind in STUDIES.values():
    assert callable(kind.quick().module("report").report)
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
"""


def measured(case):
    """Numbers that a measurement could have given."""
    if isinstance(case, Reading):
        return case.row("converged", ranks=[1.0, 2.0, 3.0], sorted_values=[1.0, 2.0, 3.0])
    if isinstance(case, Swept):
        return case.row("fixed budget", gradient_error=0.25)
    if case.differentiation == "Unrolled":
        return case.row("raised Error", scratch_bytes=2.0**21)
    reference = "converged" if case.epsilon else "exact"
    return case.row("converged", steps=7, rank_error=1.5e-6, reference=reference, reference_marginal_error=1e-12)


def environment(version):
    return {"versions": {"jax": version}, "device": {"kind": "cpu", "machine": "abacus"}, "dtype": "float32"}


@pytest.fixture
def folder(tmp_path):
    """That of a finished run with packages of long ago."""
    claim(tmp_path, {"study": "compare", "configuration": asdict(STUDY), **environment("0.0.1")})
    for case in STUDY.cases():
        rows.append(tmp_path / "results.jsonl", measured(case))
    return tmp_path


@pytest.mark.ci
def test_needs_neither_jax_nor_otsort(folder):
    process = subprocess.run(
        [sys.executable, "-c", BLOCKER + REPORT, "report", str(folder)], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"Written to {folder}: read {folder / 'report.md'} first\n"
    text = (folder / "report.md").read_text()
    assert text.startswith(f"# {Compare.title}\n")
    assert "jax 0.0.1. Device: cpu (abacus)" in text
    assert "- values: 3.0, 1.0, 2.0" in text
    for name in ("ranks.png", "sweeps.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in text
    before = (folder / "report.md").read_bytes()
    render(folder)
    assert (folder / "report.md").read_bytes() == before


@pytest.mark.ci
def test_no_report_needs_jax():
    subprocess.run([sys.executable, "-c", BLOCKER + EVERY_REPORT], check=True)


def test_says_what_the_rows_say(folder):
    text = render(folder).text
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    assert "raised Error" in text
    assert "| converged    | 7       | \N{EN DASH}                | 1.5e-06      |" in text
    assert "2.00" in lines["LogSinkhorn Unrolled"]
    assert "converged to a marginal error of 1e-12 at epsilon = 0.1." in text
    assert "NorthWestCorner is compared with the exact ranks and sorted values." in text
    assert text.startswith("These results cannot be used: LogSinkhorn Unrolled at epsilon = 0.1 (raised Error).")


def test_a_reference_that_failed_is_told(folder):
    lost = Cost("LogSinkhorn", "Implicit", 0.1).row("converged", steps=7, reference="not converged")
    (folder / "results.jsonl").write_text("")
    for case in STUDY.cases():
        mine = isinstance(case, Cost) and case.epsilon > 0
        rows.append(folder / "results.jsonl", lost | asdict(case) if mine else measured(case))
    assert (
        "Errors do not exist where the reference is not converged; its marginal error is \N{EN DASH} at epsilon = 0.1."
    ) in render(folder).text


def test_readings_that_failed_are_gaps(folder):
    path = folder / "results.jsonl"
    path.write_text("")
    for case in STUDY.cases():
        rows.append(path, case.row("raised Error") if isinstance(case, Reading) else measured(case))
    _, caption = render(folder).figures["ranks"]
    assert "gaps where it did not converge" in caption


def test_tells_where_it_cannot_write(folder):
    (folder / "ranks.png").mkdir()
    with pytest.raises(InputError, match="cannot write to"):
        render(folder)


def test_a_full_disk_leaves_the_report_before(folder):
    render(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for room in (0, 1000, len(before["report.md"]) - 1):
        with pytest.raises(InputError, match=r"cannot write to .* \(.*\): free space"), full(room):
            render(folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_refuses_rows_of_other_types(folder):
    path = folder / "results.jsonl"
    path.write_text(path.read_text().replace('"ranks": [1.0', '"ranks": ["one"'))
    with pytest.raises(InputError, match="values of other types"):
        render(folder)


def test_refuses_an_unfinished_run(folder):
    path = folder / "results.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    with pytest.raises(InputError, match=f"lacks 2 of {len(STUDY.cases())} rows"):
        render(folder)
    path.unlink()
    with pytest.raises(InputError, match="lacks"):
        render(folder)
    assert {file.name for file in folder.iterdir()} == {"config.json"}


@pytest.mark.parametrize(
    "other",
    [
        {"study": "other", "configuration": asdict(STUDY)},
        {"study": "compare", "configuration": {"nothing": 1}},
        {"study": "compare"},
    ],
)
def test_refuses_what_is_no_study(other, tmp_path):
    claim(tmp_path, other)
    with pytest.raises(InputError, match="not that of a study"):
        render(tmp_path)


def test_refuses_what_is_no_run(tmp_path):
    with pytest.raises(InputError, match=r"which has no config\.json"):
        render(tmp_path)
    with pytest.raises(InputError, match="which does not exist"):
        render(tmp_path / "absent")


def test_a_run_with_other_versions_is_not_continued(folder):
    kept = read_config(folder)
    with pytest.raises(InputError, match="versions jax"):
        claim(folder, {"study": "compare", "configuration": asdict(STUDY), **environment("0.0.2")})
    changed = asdict(replace(STUDY, pictured=4))
    with pytest.raises(InputError, match="configuration pictured"):
        claim(folder, {"study": "compare", "configuration": changed, **environment("0.0.1")})
    assert read_config(folder) == kept


@pytest.mark.parametrize(("value", "text"), [(None, "\N{EN DASH}"), (float("nan"), "\N{EN DASH}"), (0.25, "2.5e-01")])
def test_numbers_that_do_not_exist_are_dashes(value, text):
    assert number(value) == text
