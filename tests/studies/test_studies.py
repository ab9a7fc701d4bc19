"""The list of studies: each is whole, and its configuration and its cases survive a file."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest

import otsort_studies
from otsort_studies.common.folder import CONFIG, ROWS
from otsort_studies.common.learning.study import AbstractLearning
from otsort_studies.common.report import load, save
from otsort_studies.studies import STUDIES

from .frames import frames

FOLDER = Path(otsort_studies.__file__).parent

#: Study -> what its report says if all its {n} measurements raised.
SAID = {
    "compare": "| raised ValueError |",
    "gradients": "clearly more accurate than the implicit one in 0 of 0 cases",
    "schedules": "constant from zero | 0 of 4",
    "signal": "{n} of {n} solves did not converge",
    "figure2": "{n} of {n} solves failed",
    "figure3": "{n} of {n} solves failed",
    "scaling": "No solver gave usable gradients of soft ranks with n = m.",
    "regularisations": "2 of 2 solves did not converge or raised",
    "peers": "Gradient of the ranks of 100 x 10 values: nothing was measured.",
    "epsilons": "No loss was trained with every seed at its default epsilon.",
    "relaxations": "*ndcg*: no method was trained with every seed.",
    "tutorial": "**Soft 0/1 loss: open.**",
    "outliers": "18 of 18 trainings failed",
    "table1": "102 of 102 trainings failed (raised ValueError)",
    "figure4": "**Open.**",
    "figure5": "**Open.**",
    "figure6": "**Open.**",
}


def test_every_folder_with_a_study_is_listed():
    assert {path.parent.name for path in FOLDER.glob("*/study.py")} == {"common", *STUDIES}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_whole(name):
    kind = STUDIES[name]
    assert kind.__module__ == f"otsort_studies.{name}.study"
    assert all((FOLDER / name / f"{module}.py").exists() for module in ("measure", "report"))
    assert all((kind.title, kind.question, kind.dtype))
    assert len({part.part for part in kind.parts}) == len(kind.parts)
    for part in kind.parts:
        names = [*(field.name for field in fields(part)), "outcome", "part", *part.measured]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", STUDIES)
def test_configurations_and_cases_survive_a_file(name, tmp_path):
    kind = STUDIES[name]
    for study in (kind(), kind.quick(), *([kind.paper()] if issubclass(kind, AbstractLearning) else [])):
        cases = study.cases()
        assert len(set(cases)) == len(cases)
        assert {type(case) for case in cases} <= set(kind.parts)
        for case in cases:
            assert all(type(getattr(case, field.name)) is field.type for field in fields(case))
        config = {"study": name, "configuration": asdict(study)}
        (tmp_path / CONFIG).write_text(json.dumps(config))
        (tmp_path / ROWS).write_text("".join(json.dumps(case.row("raised Error")) + "\n" for case in cases))
        _, read, frames = load(tmp_path)
        assert read == study
        assert read.cases() == cases
        assert sum(frame.height for frame in frames.values()) == len(cases)
    assert len(kind.quick().cases()) <= len(kind().cases())


@pytest.mark.parametrize("name", STUDIES)
def test_a_report_on_measurements_that_all_raised(name, tmp_path):
    study = STUDIES[name].quick()
    cases = study.cases()
    found = study.module("report").report(study, frames(study, [case.row("raised ValueError") for case in cases]))
    assert SAID[name].format(n=len(cases)) in " ".join(found.text.split())
    assert "nan" not in found.text
    for figure, _ in found.figures.values():
        save(figure, tmp_path / "figure.png")
