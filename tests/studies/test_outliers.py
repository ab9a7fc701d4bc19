"""The losses and the changed targets of the study on outliers, a tiny run, and the text of the report."""

import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.run import measured
from otsort_studies.outliers.measure import change_of, heavy, load, loss_of
from otsort_studies.outliers.report import report
from otsort_studies.outliers.study import CLEAN, HEAVY, KEPT, TRIMMED, Outliers, Training
from otsort_studies.table1.measure import pinball
from otsort_studies.table1.study import PINBALL

from .frames import frames

TINY = Outliers(
    data=("concrete",),
    changed=("concrete",),
    taus=(0.5,),
    losses=(TRIMMED,),
    epsilons=(1.0,),
    changes=(CLEAN, HEAVY),
    hidden=4,
    checkpoints=2,
    stride=5,
    seeds=2,
)


def case(loss=PINBALL, epsilon=0.0, change=CLEAN, tau=0.3):
    return Training("concrete", tau, loss, epsilon, change, 0)


def test_the_trimmed_loss_is_what_it_says():
    """At a small epsilon, against NumPy."""
    residuals = np.random.default_rng(0).normal(size=500)
    losses = np.sort(pinball(jnp.asarray(residuals), jnp.asarray(0.3)))
    found = loss_of(case(TRIMMED, 1e-4))(jnp.asarray(residuals, jnp.float32))
    assert found == pytest.approx(np.mean(losses[: round(KEPT * 500)]), rel=0.01)


def test_outliers_are_a_share_of_the_targets():
    y, rng = np.linspace(1, 2, 100), np.random.default_rng(0)
    ratio = change_of(TINY, case(change="20 % outliers"))(y, rng) / y
    assert np.sum(np.isclose(ratio, TINY.factor)) == 20
    assert np.sum(ratio == 1) == 80
    np.testing.assert_array_equal(change_of(TINY, case())(y, rng), y)


def test_heavy_tails_have_the_scale_that_the_question_names():
    """The quartiles of Student's t-distribution with 1.5 degrees of freedom are about 0.87."""
    y = np.random.default_rng(0).normal(5.0, 2.0, size=100_000)
    noise = heavy(y, np.random.default_rng(1)) - y
    assert np.quantile(noise, 0.75) / (0.3 * y.std()) == pytest.approx(0.87, abs=0.02)
    assert np.max(abs(noise)) > 100


@pytest.mark.ci
def test_rows_and_report_of_a_tiny_study():
    rows = list(measured(TINY, TINY.cases()))
    assert [row["outcome"] for row in rows] == [outcome.TRAINED] * 8
    by_change = {(row["change"], row["loss"], row["seed"]): row["test_pinball"] for row in rows}
    assert by_change[CLEAN, PINBALL, 0] != by_change[HEAVY, PINBALL, 0]
    (again,) = measured(TINY, TINY.cases()[3:4])
    assert {**again, "seconds": 0} == {**rows[3], "seconds": 0}
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"outliers"}
    assert "0 of 8 trainings failed" in found.text
    assert "nan" not in found.text


def test_tables_are_loaded_once_by_name():
    assert set(load(TINY, None)) == {"concrete"}


def known_rows(study, ratio):
    """Rows whose losses relative to pinball training are known: `(case) -> ratio`."""
    return [
        case.row(
            outcome.TRAINED,
            validation_pinball=[2.0, 1.0, 3.0],
            test_pinball=[
                9.0,
                (1.0 if case.loss == PINBALL else ratio(case)) * (2.0 if case.change != CLEAN else 1.0),
                7.0,
            ],
            seconds=1.0,
            source="made",
        )
        for case in study.cases()
    ]


def test_report_on_a_loss_that_withstands_outliers():
    """Trimmed losses are 1.05 times as bad on clean data, and better on others, most with epsilon = 0.1."""
    study = Outliers()

    def ratio(case):
        if case.loss != TRIMMED:
            return 3.0
        return 1.05 if case.change == CLEAN else 0.5 if case.epsilon == 0.1 else 0.9

    text = report(study, frames(study, known_rows(study, ratio))).text
    every = ", ".join(f"*{TRIMMED}* with epsilon = {epsilon:g}" for epsilon in study.epsilons)
    assert f"**As good as the pinball loss in all 15 cells of clean data: {every}.**" in text
    assert text.startswith(
        f"**As good on clean data and clearly better with changed data: *{TRIMMED}* with epsilon = 0.01 ("
    )
    assert f"With {HEAVY}, *{TRIMMED}* with epsilon = 0.1 is clearly better: its test loss is 0.50 [0.50, 0.50]" in text
    assert "on clean data of the same tables it is 1.05 [1.05, 1.05] times" in text
    assert "| pinball, over pinball on clean data |" in text
    assert text.count("2.00") == 3  # pinball training itself, with each change


def test_report_without_a_loss_that_is_as_good():
    study = Outliers()
    text = report(study, frames(study, known_rows(study, lambda case: 1.2))).text
    assert text.startswith("**As good on clean data and clearly better with changed data: none.**")
    assert "**As good as the pinball loss in all 15 cells of clean data: none.**" in text
    assert f"With {HEAVY}, no loss is clearly better. The best mean is that of" in text


def test_clean_data_are_needed():
    with pytest.raises(ValueError, match="changes must hold 'clean'"):
        Outliers(changes=(HEAVY,))
    with pytest.raises(ValueError, match="got \\['few outliers'\\]"):
        Outliers(changes=(CLEAN, "few outliers"))
