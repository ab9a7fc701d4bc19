"""The study of peers: what is measured where, and what its report says of rows whose answers are known."""

import math
import subprocess
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import rows as files
from otsort_studies.common.errors import InputError
from otsort_studies.common.folder import ROWS
from otsort_studies.common.outcome import GRADIENT_NOT_FINITE, MEASURED, NOT_INSTALLED, NOT_OFFERED, TOO_LARGE, TOO_SLOW
from otsort_studies.common.report import load
from otsort_studies.common.run import measured, run
from otsort_studies.peers import __main__ as elsewhere
from otsort_studies.peers import abilities, library, measure
from otsort_studies.peers.frameworks import Jax
from otsort_studies.peers.library import Library
from otsort_studies.peers.methods import OURS, PEER_METHODS
from otsort_studies.peers.report import report
from otsort_studies.peers.study import Ability, Cost, Installed, Peers

from .frames import frames

TINY = Peers(methods=(OURS, "numpy", "LapSum"), operators=("rank",), shapes=((3, 5),))
X = np.random.default_rng(0).normal(size=(2, 12)).astype(np.float32)


@pytest.fixture
def toy(monkeypatch):
    """A method whose every answer is known: its operators are replaced by those given."""

    def make(**operators):
        monkeypatch.setattr(Library, "__init__", lambda self, name: self.__dict__.update(made(operators)))
        measure._load.cache_clear()
        return Library("numpy")

    yield make
    measure._load.cache_clear()


def made(operators):
    return {"package": "toy", "temperature": 1.0, "framework": Jax(), "operators": operators}


def test_every_library_has_a_module_and_every_module_a_method():
    modules = {path.stem for path in (files.Path(library.__file__).parent / "libraries").glob("*.py")} - {"__init__"}
    assert modules == {method.library for method in PEER_METHODS.values()}


@pytest.mark.ci
def test_the_rows_of_a_run():
    """NumPy is whole in itself, LapSum is not installed, and otsort is measured with derivatives."""
    cases = TINY.cases()
    found = dict(zip(cases, measured(TINY, cases), strict=True))
    assert found[Installed("LapSum")]["outcome"] == found[Cost("LapSum", 3, 5)]["outcome"] == NOT_INSTALLED
    assert found[Installed(OURS)]["version"]
    hard, ours = found[Ability("numpy", "rank")], found[Ability(OURS, "rank")]
    assert (hard["axis"], hard["weights"], hard["ties"]) == ("yes", "raised TypeError", "raised NotImplementedError")
    assert [ours[name] for name in ("axis", "weights", "float64", "order", "monotone", "ties", "single")] == 7 * ["yes"]
    assert "all" not in ours
    assert ours["definition_error"] < 1e-5
    assert hard["hard_error"] == hard["definition_error"] == 0
    cost = found[Cost(OURS, 3, 5)]
    assert cost["outcome"] == MEASURED
    assert cost["first_seconds"] > cost["gradient_seconds"] > 0
    assert found[Cost("numpy", 3, 5)]["forward_seconds"] > 0
    text = report(TINY, frames(Peers, found.values())).text
    assert "Not installed, and therefore not measured: LapSum." in text
    assert "nan" not in text


def test_what_an_operator_can_is_found_by_calling(toy):
    """One that clips, one that turns round, and one that knows no float64."""
    libraries = toy(
        rank=lambda x, _, axis=-1, weights=None: (1.0 if weights is None else weights) * x,
        sort=lambda x, _: -jnp.sort(x),
        top_k_mask=lambda x, _, k: jnp.sqrt(x - jnp.mean(x, axis=-1, keepdims=True)).astype(jnp.float32),
    )
    one = abilities.abilities("toy", libraries, "rank", X)
    assert [one[name] for name in ("axis", "weights", "float64", "order", "monotone", "ties", "single")] == 7 * ["yes"]
    assert one["masks"] == "raised TypeError"
    assert math.isnan(one["definition_error"])
    two = abilities.abilities("toy", libraries, "sort", X)
    assert (two["order"], two["monotone"], two["axis"]) == ("no", "no", "raised TypeError")
    three = abilities.abilities("toy", libraries, "top_k_mask", X)
    assert (three["float64"], three["ties"], three["all"]) == ("no", "no", "no")


def test_masks_are_told_by_what_they_change(toy):
    mean = lambda x, where: jnp.mean(x, axis=-1, keepdims=True, where=where)
    right = toy(rank=lambda x, _, where=True: x - mean(x, where)).operators["rank"]
    wrong = lambda x, _, where=True: x - mean(x, True)
    for operator, word in ((right, "yes"), (wrong, "no")):
        assert abilities.abilities("toy", toy(rank=operator), "rank", X)["masks"] == word


def test_the_projection_is_the_nearest_point_of_the_permutahedron():
    z = np.asarray([0.3, -1.0, 2.0])
    found = abilities._projected(z)
    vertices = np.asarray([[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]])
    assert found.sum() == pytest.approx(6)
    assert np.all((vertices - found) @ (z - found) <= 1e-9)  # no vertex is nearer


def test_costs_that_are_not_to_be_had(toy):
    toy(top_k_mask=lambda x, _, k: jnp.sqrt(x - x))
    case = Cost("numpy", 3, 5)
    assert [row["outcome"] for row in measured(TINY, [case])] == [GRADIENT_NOT_FINITE]
    assert [row["outcome"] for row in measured(replace(TINY, largest=14), [case])] == [TOO_LARGE]
    assert [row["outcome"] for row in measured(TINY, [Ability("numpy", "rank")])] == [NOT_OFFERED]


@pytest.mark.parametrize(("seconds", "word"), [(0.01, TOO_SLOW), (60.0, MEASURED)])
def test_large_cases_are_ended_after_some_time(monkeypatch, seconds, word):
    """They are measured in a process of their own."""
    monkeypatch.setattr(measure, "_LARGE", 0)
    monkeypatch.setattr(measure, "LIMIT", seconds)
    (row,) = measured(TINY, [Cost("jax.numpy", 3, 5)])
    assert row["outcome"] == word


def test_another_environment_adds_what_it_has(tmp_path, monkeypatch):
    """Rows of packages that were not installed are measured again, and nothing else is."""
    study = replace(TINY, methods=("numpy", "LapSum"))
    run(study, tmp_path / "run")
    asked = []

    def here(study, cases):
        for case in cases:
            asked.append(case)
            yield (
                case.row(MEASURED, version="9", environment="elsewhere")
                if isinstance(case, Installed)
                else case.row(NOT_INSTALLED)
            )

    monkeypatch.setattr(measure, "measure", here)
    elsewhere.main(tmp_path / "run")
    assert {case.method for case in asked} == {"LapSum"}
    _, _, found = load(tmp_path / "run")
    assert found["installed"]["version"].to_list()[1] == "9"
    assert "| LapSum | 9" in " ".join((tmp_path / "run" / "report.md").read_text().split())
    assert len((tmp_path / "run" / ROWS).read_text().splitlines()) == len(study.cases()) + 1
    asked.clear()
    elsewhere.main(tmp_path / "run", "numpy")
    assert {case.method for case in asked} == {"numpy", "LapSum"}
    with pytest.raises(InputError, match="no method ott"):
        elsewhere.main(tmp_path / "run", "ott")


def test_the_command_for_another_environment_says_what_is_wrong(tmp_path):
    command = [sys.executable, "-m", "otsort_studies.peers", str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 1
    assert process.stderr.startswith("otsort: FOLDER must be the folder of a run")


def known(case):
    """otsort takes n microseconds, LapSum twice that on short lists and half of it on long ones."""
    if isinstance(case, Cost):
        factor = {"LapSum": 2.0 if case.n < 100 else 0.5}.get(case.method, 1.0)
        seconds = {"forward_seconds": 1e-6 * case.n, "gradient_seconds": factor * 1e-6 * case.n}
        return case.row(MEASURED, operator="rank", first_seconds=1.0, scratch_bytes=2.0**20, **seconds)
    if isinstance(case, Ability):
        return case.row(MEASURED, axis="raised TypeError", order="yes", ties="raised ValueError", hard_error=0.5)
    return case.row(MEASURED, version="1", environment="e")


def test_answers_are_those_of_the_rows(tmp_path):
    study = replace(TINY, methods=(OURS, "LapSum"), shapes=((3, 10), (1, 1000)))
    found = report(study, frames(Peers, map(known, study.cases())))
    assert found.text.startswith("otsort has the fastest gradient of ranks for 1 of 2 shapes.")
    said = "Gradient of the ranks of 3 x 10 values: otsort is first of 2 (0.01 ms). The second is LapSum (0.02 ms)."
    assert said in found.text
    said = "Gradient of the ranks of 1 x 1,000 values: otsort is number 2 of 2 (1 ms). The first is LapSum (0.5 ms)."
    assert said in found.text
    assert "| no     | yes     | ValueError |" in found.text
    found.figures["peers"][0].savefig(tmp_path / "peers.png")
