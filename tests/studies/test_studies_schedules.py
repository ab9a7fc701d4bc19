"""The schedules of the study, and the text of its report."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort.studies._annealed import Annealed
from otsort.studies._study import schedules
from otsort.studies._study.schedules import CONSTANT, NAN, Row, Schedules
from otsort.studies._training import BASELINE
from otsort.studies._training_schedule import TrainingSchedule

from . import problems


def test_annealed_sweeps_end_at_the_last_epsilon():
    x, a = np.random.default_rng(0).normal(size=12), np.full(12, 1 / 12)
    target = otsort.TargetMeasure.uniform(5)
    numbers = {"first": 1.0, "factor": 0.5, "threshold": 1e-1}
    arrays = {name: jnp.asarray(value) for name, value in numbers.items()}
    solver = Annealed(epsilon=jnp.asarray(0.01), tol=1e-9, max_steps=2000, start=otsort.zero_start, **arrays)
    solution = otsort.solve(x, target, solver=solver)
    np.testing.assert_allclose(
        solution.plan.as_matrix(), problems.dense_plan(problems.squashed(x, a), a, target, 0.01), atol=1e-8
    )


def test_annealed_sweeps_wait_for_the_threshold():
    """A threshold that rounding forbids keeps the first epsilon, and such a solve has not converged."""
    x = np.random.default_rng(0).normal(size=12)
    numbers = {"epsilon": 0.01, "first": 1.0, "factor": 0.5, "threshold": 0.0}
    arrays = {name: jnp.asarray(value) for name, value in numbers.items()}
    solver = Annealed(tol=1e-6, max_steps=50, start=otsort.zero_start, **arrays)
    solution = otsort.solve(x, otsort.TargetMeasure.uniform(5), solver=solver, throw=False)
    assert solution.state.epsilon == 1
    assert solution.result != otsort.RESULTS.successful


def epsilons(norms, share, lowest=0.1):
    plan = jnp.ones(len(norms))
    numbers = (jnp.asarray(value, float) for value in (share, 0.5, lowest))
    share, factor, lowest = numbers
    schedule = TrainingSchedule(plan, share, factor, jnp.asarray(4), lowest)

    def step(state, norm):
        return schedule.update(state, norm), schedule.epsilon(state)

    return jax.lax.scan(step, schedule.init(), jnp.asarray(norms, float))[1]


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


def test_rate_and_steps_are_chosen_by_validation_alone_and_failures_lose():
    def training(rate, seed, validations, tests):
        for step, (validation, test) in enumerate(zip(validations, tests, strict=True)):
            outcome = "trained" if np.isfinite(validation) else "not finite"
            case = ("training", "digits", BASELINE, rate, "float32", seed, step)
            yield Row(*case, outcome=outcome, seconds=0.0, validation=validation, test=test)

    rows = [
        *training(1.0, 0, [0.5, 0.7, 0.6], [0.9, 0.1, 0.9]),
        *training(1.0, 1, [0.5, 0.8, 0.7], [0.9, 0.2, 0.9]),
        *training(2.0, 0, [0.6, 0.6, 0.6], [0.9, 0.9, 0.9]),
        *training(2.0, 1, [0.7, 0.7, 0.7], [0.9, 0.9, 0.9]),
        *training(3.0, 0, [0.5, 0.99, 0.99], [0.9, 0.9, 0.9]),
        *training(3.0, 1, [0.5, NAN, NAN], [0.9, NAN, NAN]),
    ]
    (chosen,) = schedules._chosen(rows).values()
    assert chosen.seeds[0][0].setting == 1.0
    np.testing.assert_array_equal(chosen.at_stop("test"), [0.1, 0.2])


def test_sign_flips_are_exact():
    assert schedules._p(np.full(10, 0.3)) == 2 / 2**10
    assert schedules._p(np.full(2, 0.3)) == 0.5  # two seeds show nothing
    assert schedules._p(np.zeros(5)) == 1


def test_report_of_a_study_in_which_all_fails():
    study = Schedules.quick()
    rows = []
    for case in study.cases():
        solve = {"sweeps": 10_000, "tol": 1e-6, "marginal_error": 1e-2} if case[0] == "solve" else {}
        rows.append(Row(*case, outcome="not reached" if solve else "solve failed", seconds=1.0, **solve))
    text = study.report(rows).text
    assert f"{CONSTANT} | 0 of 4" in " ".join(text.split())
    assert "no constant epsilon trained" in text
