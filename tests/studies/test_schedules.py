"""The schedules of the study, what it measures, and the text of its report."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort_studies.common import outcome
from otsort_studies.common.run import measured
from otsort_studies.common.significance import is_beyond, p_value
from otsort_studies.schedules.learning import TrainingSchedule
from otsort_studies.schedules.measure import Annealed, solvers, training_schedules
from otsort_studies.schedules.report import report
from otsort_studies.schedules.study import BASELINE, CONSTANT, EXACT, Schedules, Solve, Training
from otsort_studies.schedules.trainings import choose

from .. import problems
from .frames import frames

TINY = Schedules(
    data=("normal",),
    n=20,
    epsilons=(0.1,),
    dtypes=("float64", "float32"),
    decays=(0.5,),
    thresholds=(1e-3,),
    tasks=("diabetes",),
    constants=(1.0,),
    rates=(1e-2,),
    seeds=2,
    steps=6,
    checkpoints=2,
    batch=8,
)


def annealed(threshold, **options):
    numbers = {"epsilon": 0.01, "first": 1.0, "factor": 0.5, "threshold": threshold}
    return Annealed(**{name: jnp.asarray(value) for name, value in numbers.items()}, start=otsort.zero_start, **options)


def test_annealed_sweeps_end_at_the_last_epsilon():
    x, a = np.random.default_rng(0).normal(size=12), np.full(12, 1 / 12)
    target = otsort.TargetMeasure.uniform(5)
    solution = otsort.solve(x, target, solver=annealed(1e-1, tol=1e-9, max_steps=2000))
    np.testing.assert_allclose(
        solution.plan.as_matrix(), problems.dense_plan(problems.squashed(x, a), a, target, 0.01), atol=1e-8
    )


def test_annealed_sweeps_wait_for_the_threshold():
    """A threshold that rounding forbids keeps the first epsilon, and such a solve has not converged."""
    x = np.random.default_rng(0).normal(size=12)
    solver = annealed(0.0, tol=1e-6, max_steps=50)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(5), solver=solver, throw=False)
    assert solution.state.epsilon == 1
    assert solution.result != otsort.RESULTS.successful


def epsilons(norms, share, lowest=0.1):
    schedule = TrainingSchedule(jnp.ones(len(norms)), share, 0.5, 4, lowest, float)
    step = lambda schedule, norm: (schedule.update(norm), schedule.epsilon)
    return jax.lax.scan(step, schedule, jnp.asarray(norms, float))[1]


def test_a_gradient_that_fades_lowers_epsilon():
    steady, faded = [2.0] * 6, [0.2] * 40
    found = epsilons(steady + faded, share=0.5)
    np.testing.assert_array_equal(found[:8], 1)
    # The mean of the last four, 2 (3/4)^k + 0.2 (1 - (3/4)^k), is below half of 2 at k = 3; then the norm stays.
    np.testing.assert_array_equal(found[9:], 0.5)
    np.testing.assert_array_equal(epsilons([1000 * norm for norm in steady + faded], share=0.5), found)
    assert epsilons(0.9 ** np.arange(200.0), share=0.5)[-1] == pytest.approx(0.1)


def test_a_share_of_zero_follows_the_plan():
    np.testing.assert_array_equal(epsilons(0.5 ** np.arange(30.0), share=0.0), 1)


def test_every_name_is_measured():
    for study in (TINY, Schedules()):
        for dtype in study.dtypes:
            assert list(solvers(study, 0.1, dtype)) == study.solve_schedules()
        plans = {name: schedule.plan for name, schedule in training_schedules(study).items()}
        assert list(plans) == study.training_schedules()
        assert all(plan.shape == (study.steps,) for plan in plans.values())


def test_plans_begin_and_end_where_they_should():
    study = Schedules()
    for name in ("geometric", "cosine"):
        plan = training_schedules(study)[name].plan
        assert plan[0] == study.highest
        assert plan[-1] == pytest.approx(study.lowest, rel=0.02)
        assert np.all(np.diff(plan) < 0)


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.ci
def test_rows_of_a_tiny_study(rows):
    assert [kind.of(row) for kind, row in zip(map(type, TINY.cases()), rows, strict=True)] == TINY.cases()
    solves = [row for row in rows if row["part"] == "solve"]
    assert {row["outcome"] for row in solves} == {outcome.CONVERGED}
    assert all(row["marginal_error"] <= row["tol"] and row["seconds"] > 0 and row["steps"] > 0 for row in solves)
    steps = {(row["dtype"], row["schedule"]): row["steps"] for row in solves}
    for dtype in TINY.dtypes:
        assert steps[dtype, EXACT] < steps[dtype, CONSTANT]
    trainings = [row for row in rows if row["part"] == "training"]
    assert {row["outcome"] for row in trainings} == {outcome.TRAINED}
    for row in trainings:
        assert len(row["test"]) == len(row["validation"]) == TINY.checkpoints
        assert np.all(np.isfinite(row["epsilon"])) == (row["schedule"] != BASELINE)


def test_a_solve_that_fails_is_a_row():
    """The least number of sweeps reaches nothing, and the training of such ranks has no scores."""
    study = Schedules(
        data=("normal",), n=20, epsilons=(1e-3,), dtypes=("float64",), max_steps=1, decays=(), thresholds=()
    )
    sweeps = [case for case in study.cases() if isinstance(case, Solve) and "Newton" not in case.schedule]
    found = list(measured(study, sweeps))
    assert {row["outcome"] for row in found} == {outcome.NOT_CONVERGED}
    assert all(row["steps"] == 1 and row["marginal_error"] > row["tol"] for row in found)


@pytest.mark.ci
def test_a_training_that_fails_is_a_row():
    (row,) = measured(TINY, [Training("diabetes", "constant 1", float("inf"), 0)])
    assert row["outcome"] == outcome.NOT_FINITE


@pytest.mark.ci
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"schedules-solve", "schedules-training"}
    steps = {row["schedule"]: row["steps"] for row in rows if row["part"] == "solve" and row["dtype"] == "float64"}
    assert f"and *{EXACT}*: {steps[EXACT] / steps[CONSTANT]:.2f}. Newton from exact takes" in found.text
    assert "The best schedule with a falling epsilon, *" in found.text
    assert f"{CONSTANT} | 2 of 2" in " ".join(found.text.split())
    assert "*diabetes* (2 seeds, Spearman correlation)" in found.text
    assert "nan" not in found.text


def test_report_of_a_study_in_which_all_fails():
    study = Schedules.quick()
    rows = []
    for case in study.cases():
        solve = {"steps": 10_000, "tol": 1e-6, "marginal_error": 1e-2, "seconds": 1.0}
        rows.append(case.row(outcome.NOT_CONVERGED, **(solve if isinstance(case, Solve) else {})))
    text = report(study, frames(study, rows)).text
    assert f"{CONSTANT} | 0 of 4" in " ".join(text.split())
    assert "no constant epsilon trained" in text
    assert (
        "It is open whether a falling epsilon saves sweeps compared with a constant epsilon from the exact start"
        in text
    )
    assert "It is open whether a varying epsilon gives better scores" in text


def test_report_of_a_baseline_that_fails(rows):
    changed = [
        {**row, "outcome": "raised ValueError", "validation": None, "test": None}
        if row.get("schedule") == BASELINE
        else row
        for row in rows
    ]
    text = report(TINY, frames(TINY, changed)).text
    assert "The baseline did not train with every seed" in text
    assert "raised ValueError" in text
    assert "nan" not in text


def test_rate_and_steps_are_chosen_by_validation_alone_and_failures_lose():
    def training(rate, seed, validation, test):
        nothing = [None] * 3
        word = outcome.TRAINED if None not in validation else outcome.NOT_FINITE
        curves = {"epsilon": nothing, "gradient_norm": nothing, "validation": validation, "test": test}
        return Training("digits", BASELINE, rate, seed).row(word, **curves, seconds=0.0)

    rows = [
        training(1.0, 0, [0.5, 0.7, 0.6], [0.9, 0.1, 0.9]),
        training(1.0, 1, [0.5, 0.8, 0.7], [0.9, 0.2, 0.9]),
        training(2.0, 0, [0.6, 0.6, 0.6], [0.9, 0.9, 0.9]),
        training(2.0, 1, [0.7, 0.7, 0.7], [0.9, 0.9, 0.9]),
        training(3.0, 0, [0.5, 0.99, 0.99], [0.9, 0.9, 0.9]),
        training(3.0, 1, [0.5, None, None], [0.9, None, None]),
        training(4.0, 0, [0.99, 0.99, 0.99], [0.9, 0.9, 0.9]),
        Training("digits", BASELINE, 4.0, 1).row(outcome.NOT_CONVERGED),
    ]
    (chosen,) = choose(frames(TINY, rows)["training"], 3).values()
    assert chosen.rate == 1.0
    np.testing.assert_array_equal(chosen.at_stop("test"), [0.1, 0.2])


def test_sign_flips_are_exact():
    assert p_value(np.full(10, 0.3)) == 2 / 2**10
    assert p_value(np.full(2, 0.3)) == 0.5  # two seeds show nothing
    assert p_value(np.zeros(5)) == 1
    assert np.isnan(p_value(np.array([0.3, np.nan])))
    assert is_beyond(np.full(10, 0.3), 10)
    assert not is_beyond(np.full(10, 0.3), 26)
