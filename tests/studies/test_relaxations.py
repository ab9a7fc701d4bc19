"""The study of relaxations: trainings with known operators, and a report of rows whose answers are known."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common.outcome import NOT_FINITE, NOT_INSTALLED, NOT_OFFERED, TRAINED
from otsort_studies.common.run import measured
from otsort_studies.common.significance import interval
from otsort_studies.peers.frameworks import Jax
from otsort_studies.peers.library import Library
from otsort_studies.peers.methods import OURS
from otsort_studies.peers.study import Installed
from otsort_studies.relaxations import measure
from otsort_studies.relaxations.report import report
from otsort_studies.relaxations.study import NEVER_RETURNS, OPERATORS_BY_TASK, USUAL, Relaxations, Training
from otsort_studies.relaxations.tasks import TASKS
from otsort_studies.relaxations.training import train

from .frames import frames

TINY = Relaxations(methods=(USUAL, OURS, "LapSum"), factors=(1.0,), seeds=2, steps=2)
#: Name of an operator -> a smooth function that is wrong, but points in the right direction.
ROUGH = {
    "rank": lambda x, _: x.shape[-1] * jax.nn.sigmoid(x - jnp.mean(x, axis=-1, keepdims=True)),
    "top_k_mask": lambda x, _, k: jax.nn.softmax(x),
    "sort": lambda x, _: jnp.sort(x),
    # Softsort: row i is a distribution over the values near the i-th key.
    "sort_by": lambda x, _, values: jnp.einsum(
        "lij,lj->li", jax.nn.softmax(-jnp.abs(jnp.sort(x)[:, :, None] - x[:, None, :]), axis=2), values
    ),
}


@pytest.fixture
def toy(monkeypatch):
    """A method with the given operators."""

    def make(**operators):
        made = {"package": "toy", "temperature": 1.0, "framework": Jax(), "operators": operators}
        monkeypatch.setattr(Library, "__init__", lambda self, name: self.__dict__.update(made))
        measure._load.cache_clear()
        return Library("toy")

    yield make
    measure._load.cache_clear()


def test_tasks_are_those_of_the_study():
    operators = {task: tuple(name for name in of.losses if name != "none") for task, of in TASKS.items()}
    assert operators == OPERATORS_BY_TASK


@pytest.mark.ci
def test_the_rows_of_a_run():
    """All tasks are trained with the usual loss and through otsort; LapSum is not installed."""
    cases = TINY.cases()
    found = dict(zip(cases, measured(TINY, cases), strict=True))
    outcomes = {
        method: {row["outcome"] for row in found.values() if row["method"] == method} for method in TINY.methods
    }
    assert outcomes == {USUAL: {TRAINED}, OURS: {"measured", TRAINED}, "LapSum": {NOT_INSTALLED}}
    text = report(TINY, frames(Relaxations, found.values())).text
    assert "Not installed, and therefore not measured: LapSum." in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("task", "operator"),
    [(task, operator) for task, operators in OPERATORS_BY_TASK.items() for operator in operators],
)
def test_a_model_learns_through_what_it_is_given(toy, task, operator):
    """Even rough operators teach something: with more steps the score is better."""
    before, after = (train(toy(**ROUGH), task, operator, 1.0, [0, 1], steps) for steps in (1, 60))
    assert np.mean([one["test"] for one in after]) > np.mean([one["test"] for one in before]) + 0.05


def test_keys_are_given_their_values(toy):
    seen = []

    def sort_by(x, _, values):
        seen.append((x.shape, values.shape))
        return ROUGH["sort_by"](x, _, values)

    train(toy(sort_by=sort_by), "key", "sort_by", 1.0, [0, 1, 2], 1)
    assert set(seen) == {((24, 16), (24, 16))}  # 8 lists of 16 for each seed


def test_a_seed_does_not_depend_on_its_neighbours(toy):
    """A row depends on its case alone, so a run that was interrupted can go on."""
    alone, together = (train(toy(**ROUGH), "ndcg", "rank", 1.0, seeds, 20) for seeds in ([1], [0, 1, 2]))
    assert alone[0] == pytest.approx(together[1], abs=1e-4)


def test_what_an_operator_lacks_is_said(toy):
    def fails(x, _):
        raise ValueError

    toy(rank=fails)
    missing = [Training(OURS, "ndcg", "rank", 1.0, 0), Training(OURS, "trimmed", "sort", 1.0, 0)]
    assert [row["outcome"] for row in measured(TINY, missing)] == ["raised ValueError", NOT_OFFERED]
    toy(sort=lambda x, _: jnp.sort(x))
    endless = [Training("LapSum", "trimmed", "sort", 1.0, 0)]
    assert [row["outcome"] for row in measured(TINY, endless)] == [NEVER_RETURNS]
    text = report(replace(TINY, seeds=1), frames(Relaxations, measured(TINY, [*missing[1:], *endless]))).text
    assert NOT_OFFERED not in text
    assert "| LapSum   | trimmed | sort       | may never return | 1 of 1" in text


def test_a_method_that_failed_at_some_temperatures_is_marked():
    """LapSum is clearly worse with the factor 3, and its other factor failed."""
    study = Relaxations(methods=(OURS, "LapSum"), tasks=("key",), factors=(1.0, 3.0), seeds=6)
    rows = []
    for case in study.cases():
        row = invented(case)
        if case.method == "LapSum" and isinstance(case, Training):
            row = case.row("raised Error") if case.factor == 1.0 else {**row, "test": 0.1 + 0.001 * case.seed}
        rows.append(row)
    text = " ".join(report(study, frames(Relaxations, rows)).text.split())
    assert "In each of these, the other method failed at some of its temperatures" in text
    assert "it failed at 50 % of its settings" in text


@pytest.mark.parametrize(("task", "operator"), [("digits", "rank"), ("ndcg", "rank"), ("trimmed", "sort")])
def test_a_model_of_nan_is_not_trained(toy, task, operator):
    toy(**{operator: lambda x, _: x * jnp.nan})
    (row,) = measured(TINY, [Training(OURS, task, operator, 1.0, 0)])
    assert row["outcome"] == NOT_FINITE


def test_the_interval_is_that_of_the_t_distribution():
    low, high = interval(np.asarray([1.0, 2.0, 3.0]), 1)
    assert (low, high) == pytest.approx((2 - 4.30265 / 3**0.5, 2 + 4.30265 / 3**0.5), abs=1e-4)
    wide = interval(np.asarray([1.0, 2.0, 3.0]), 10)
    assert wide[0] < low
    assert high < wide[1]
    assert interval(np.asarray([0.5, 0.5]), 1) == (0.5, 0.5)
    assert interval(np.asarray([0.5]), 1) == (-np.inf, np.inf)


def invented(case):
    """Rows in which LapSum is better with every seed, the usual loss is worse, and the factor 3 is the best."""
    if isinstance(case, Installed):
        return case.row("measured", version="1", environment="e")
    score = 0.5 + 0.001 * (case.seed % 3) * (1 + (case.method == OURS))
    score += {OURS: 0.0, "LapSum": 0.1, USUAL: -0.1}[case.method] + 0.1 * (case.factor == 3.0) * (case.method != USUAL)
    return case.row(TRAINED, validation=score - 0.2 * (case.operator == "top_k_mask"), test=score)


def test_the_report_says_what_the_rows_say(tmp_path):
    study = Relaxations(methods=(USUAL, OURS, "LapSum"), tasks=("key", "digits"), factors=(1.0, 3.0), seeds=6)
    found = report(study, frames(Relaxations, map(invented, study.cases())))
    text = " ".join(found.text.split())
    assert text.startswith("**In 0 of 2 comparisons of a relaxation with otsort, there is no clear difference.**")
    assert "The other relaxation is clearly better in 2 comparisons, and otsort in 0." in text
    assert "Training through otsort is clearly better than the usual loss of the task in: key, digits." in text
    assert "*key*: The best mean score of 2 relaxations is 0.701 (LapSum). That of otsort is" in text
    assert "Clearly better than otsort: LapSum (+0.099). The usual loss" in text
    assert "rank, 3 *" in text
    assert "top_k_mask" not in text
    found.figures["relaxations"][0].savefig(tmp_path / "relaxations.png")


def test_a_temperature_at_which_a_training_failed_is_not_chosen():
    study = Relaxations(methods=(OURS,), tasks=("key",), factors=(1.0, 3.0, 10.0), seeds=2)
    cases = study.cases()
    fails = lambda case: isinstance(case, Training) and case.factor == 3.0 and case.seed
    rows = [case.row("raised Error") if fails(case) else invented(case) for case in cases]
    assert "| sort_by, 1 *" in report(study, frames(Relaxations, rows)).text
