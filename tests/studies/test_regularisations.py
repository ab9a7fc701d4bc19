"""The rows of the study of regularisations, and the text of its report."""

import pytest

from otsort_studies.common.outcome import CONVERGED, TRAINED
from otsort_studies.common.run import measured
from otsort_studies.regularisations.report import report
from otsort_studies.regularisations.study import (
    ENTROPIC,
    EXACT,
    FROZEN,
    QUADRATIC,
    Gate,
    Plan,
    Regularisations,
    Training,
)

from .frames import frames

TINY = Regularisations(
    data=("normal",),
    sizes=(12,),
    epsilons=(1e-2,),
    tasks=("top 2",),
    learning_epsilons=(0.1,),
    mixtures=("curve",),
    experts=3,
    seeds=2,
    steps=20,
    batch=16,
)


@pytest.fixture(scope="module")
def rows():
    cases = [case for case in TINY.cases() if not isinstance(case, Gate) or case.gate in (FROZEN, EXACT, QUADRATIC)]
    return dict(zip(cases, measured(TINY, cases), strict=True))


@pytest.mark.ci
def test_rows_of_a_tiny_study(rows):
    assert {row["outcome"] for row in rows.values()} == {CONVERGED, TRAINED}
    sparse, dense = (rows[Plan("normal", 12, name, 1e-2)] for name in (QUADRATIC, ENTROPIC))
    assert sparse["support"] < dense["support"] == 1
    assert 1 < sparse["places"] <= 12 * sparse["support"]
    assert 0 < sparse["rank_error"] < 0.2
    assert rows[Training("top 2", QUADRATIC, 0.1, 0)] != rows[Training("top 2", QUADRATIC, 0.1, 1)]
    exact, frozen = (rows[Gate("curve", name, 0.0, 0)] for name in (EXACT, FROZEN))
    assert exact["zero_weights"] == frozen["zero_weights"] == pytest.approx(2 / 3)
    assert 0 < rows[Gate("curve", QUADRATIC, 0.1, 0)]["zero_weights"] <= 2 / 3


def invented(case):
    """Rows of a study in which the quadratic regularisation is better with every seed."""
    if isinstance(case, Plan):
        sparse = case.regularisation == QUADRATIC
        numbers = {"places": 3.0, "gradient_support": 0.5, "rank_error": 0.1, "marginal_error": 0.0, "tol": 1e-10}
        steps, support, seconds = (3, 0.25, 0.2) if sparse else (1, 1.0, 0.1)
        return case.row(CONVERGED, steps=steps, support=support, seconds=seconds, **numbers)
    score = 0.5 + 0.001 * case.seed
    if isinstance(case, Training):
        score += 0.1 * (case.regularisation == QUADRATIC) - 0.2 * (case.epsilon != 0.1)
        return case.row(TRAINED, validation=score, test=score, seconds=1.0)
    zeros = {ENTROPIC: 0.0, QUADRATIC: 0.5}.get(case.gate, 0.75)
    score += 0.0 if case.gate == FROZEN else 0.2
    return case.row(TRAINED, validation=score, test=score, zero_weights=zeros, used=2.0, seconds=1.0)


def test_the_report_says_what_the_rows_say():
    study = Regularisations(tasks=("top 2",), mixtures=("curve",), seeds=8)
    text = " ".join(report(study, frames(study, map(invented, study.cases()))).text.split())
    assert "25 % to 25 % of the entries of single quadratic plans" in text
    assert "takes 3.0 steps on average (at most 3), and `Newton` takes 1.0 (at most 1)." in text
    assert "`SparseNewton` takes 2.0 times as long as `Newton`, in the median." in text
    assert "*top 2*: quadratic regularisation is 0.1000 better than entropic regularisation" in text
    assert "which is a clear difference (p = 0.008)" in text
    assert "clearly better with quadratic regularisation in 1 of 1 tasks, and clearly worse in 0." in text
    assert "25 % of the entries of a quadratic plan are above zero if epsilon = 1e-05, and 25 % if epsilon = 1 " in text
    assert "| 0.1 | 0.6035 ± 0.0024 |" in text
    assert (
        "50 % of the weights of the quadratic gate are exactly zero, and 0 % of the weights of the entropic gate"
        in text
    )
    assert "Of 8 mixtures of each kind, 8 quadratic, 8 entropic and 8 exact ones are better than frozen." in text


def test_a_training_that_failed_is_told():
    study = Regularisations(tasks=("top 2",), mixtures=("curve",), seeds=2)
    fails = lambda case: isinstance(case, Training) and case.regularisation == QUADRATIC and case.seed == 1
    rows = [case.row("raised ValueError") if fails(case) else invented(case) for case in study.cases()]
    found = report(study, frames(study, rows)).text
    assert "*top 2* did not train with every seed." in found
    assert "nan" not in found
