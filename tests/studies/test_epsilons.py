"""The study of epsilons: every loss has a task that learns, and the report says what invented rows say."""

import numpy as np
import pytest

from otsort_studies.common.outcome import TRAINED
from otsort_studies.common.run import measured
from otsort_studies.epsilons.lessons import _KINDS
from otsort_studies.epsilons.report import report
from otsort_studies.epsilons.study import DATA, Epsilons

from .frames import frames


def test_every_loss_has_a_task():
    assert {*_KINDS, "ndcg", "QuantileNormalization"} == set(DATA)


@pytest.mark.ci
@pytest.mark.parametrize("loss", DATA)
def test_a_model_learns(loss):
    """With more steps the score is better, on the smaller table."""
    score = {}
    for steps in (1, 40):
        study = Epsilons(losses=(loss,), epsilons=(0.1,), seeds=2, steps=steps)
        rows = list(measured(study, [case for case in study.cases() if case.data == DATA[loss][0]]))
        assert {row["outcome"] for row in rows} == {TRAINED}
        score[steps] = np.mean([row["test"] for row in rows])
    assert score[40] > score[1] + 0.02


def invented(case):
    """The best epsilon is 0.1; 1 is nearly as good, and the default is clearly worse on the second table."""
    noise = 0.01 * np.sin(7 * case.seed + case.epsilon)
    score = {0.01: 0.6 if case.data == "concrete" else 0.8, 0.1: 0.801, 1.0: 0.8}[case.epsilon]
    return case.row(TRAINED, validation=score, test=score + noise, seconds=1.0)


def test_the_report_says_what_the_rows_say(tmp_path):
    study = Epsilons(losses=("ndcg",), epsilons=(0.01, 0.1, 1.0), seeds=6)
    found = report(study, frames(Epsilons, map(invented, study.cases())))
    text = " ".join(found.text.split())
    assert "With 1 of 2 pairs of a loss and a table of data, the default epsilon is as good as the best one." in text
    assert "It is clearly worse with: `ndcg` on concrete." in text
    assert "| 0.01 to 1 |" in text
    assert "| `ndcg` | 0.1 to 1 | 0.01 | 0.201 |" in text
    found.figures["epsilons"][0].savefig(tmp_path / "epsilons.png")


def test_an_epsilon_at_which_a_training_failed_is_left_out():
    study = Epsilons(losses=("ndcg",), epsilons=(0.01, 0.1), seeds=2)
    fails = lambda case: case.epsilon == 0.1 and case.seed
    rows = [case.row("raised Error") if fails(case) else invented(case) for case in study.cases()]
    text = report(study, frames(Epsilons, rows)).text
    assert "| 0.01 " in text
    assert "| 0.1 " not in text
    assert "2 of 8 trainings failed (raised Error)." in text
