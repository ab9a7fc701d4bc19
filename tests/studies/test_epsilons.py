"""The study of epsilons: every loss has a task that learns, and the report says what invented rows say."""

import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common.outcome import TRAINED
from otsort_studies.common.run import measured
from otsort_studies.epsilons.lessons import _KINDS, LAYERS, lesson
from otsort_studies.epsilons.report import report
from otsort_studies.epsilons.study import DATA, DEFAULT, DEFAULTS, Epsilons

from .frames import frames


def test_every_loss_has_a_task():
    assert {*_KINDS, "ndcg", *LAYERS} == set(DATA)


@pytest.mark.parametrize(
    "loss",
    [loss if loss in ("quantile_error", "recall_at_k") else pytest.param(loss, marks=pytest.mark.ci) for loss in DATA],
)
def test_a_model_learns(loss):
    """With more steps the score is better, on the smaller table."""
    score = {}
    for steps in (1, 40):
        study = Epsilons(losses=(loss,), epsilons=(0.1,), seeds=2, steps=steps)
        rows = list(measured(study, [case for case in study.cases() if case.data == DATA[loss][0]]))
        assert {row["outcome"] for row in rows} == {TRAINED}
        score[steps] = np.mean([row["test"] for row in rows])
    assert score[40] > score[1] + 0.02


@pytest.mark.ci
@pytest.mark.parametrize("loss", [loss for loss in DATA if loss not in LAYERS])
def test_defaults_are_those_of_the_library(loss):
    one, rng = lesson(loss, DATA[loss][0], 16), np.random.default_rng(0)
    labels = rng.integers(one.widths[0], size=48) if one.widths[0] > 1 else one.target(rng.normal(size=48), rng)
    labels = labels > 0.5 if DATA[loss][0] == "eights" else labels
    outputs = jnp.asarray(rng.normal(size=(48, *one.widths)), jnp.float32)
    targets = jnp.asarray(labels, jnp.int32 if labels.dtype.kind in "bi" else jnp.float32)
    expected = one.loss(outputs, targets, 16, epsilon=DEFAULTS.get(loss, DEFAULT))
    assert one.loss(outputs, targets, 16) == pytest.approx(expected)
    assert one.loss(outputs, targets, 16, epsilon=0.5) != pytest.approx(expected)


def invented(case):
    """The best epsilon is 0.1; 1 is nearly as good, and the default is clearly worse on the second table."""
    noise = 0.01 * np.sin(7 * case.seed + case.epsilon)
    score = {0.01: 0.6 if case.data == "concrete" else 0.8, 0.1: 0.801, 1.0: 0.8}[case.epsilon]
    return case.row(TRAINED, validation=score, test=score + noise, seconds=1.0)


def test_the_report_says_what_the_rows_say(tmp_path):
    study = Epsilons(losses=("ndcg",), epsilons=(0.01, 0.1, 1.0), seeds=6)
    found = report(study, frames(Epsilons, map(invented, study.cases())))
    text = " ".join(found.text.split())
    assert text.startswith("**In 1 of 2 cases, the default is not clearly worse than the best epsilon.**")
    assert "It is clearly worse for: `ndcg` on concrete." in text
    assert "| 0.01 to 1 |" in text
    assert "| `ndcg` | 0.1 to 1 | 0.003 | 0.01 | 0.201 |" in text
    found.figures["epsilons"][0].savefig(tmp_path / "epsilons.png")


def test_an_epsilon_at_which_a_training_failed_is_left_out():
    study = Epsilons(losses=("ndcg",), epsilons=(0.01, 0.1), seeds=2)
    fails = lambda case: case.epsilon == 0.1 and case.seed
    rows = [case.row("raised Error") if fails(case) else invented(case) for case in study.cases()]
    text = report(study, frames(Epsilons, rows)).text
    assert "| 0.01 " in text
    assert "| 0.1 " not in text
    assert "2 of 8 trainings failed (raised Error)." in text
