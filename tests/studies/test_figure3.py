"""The rows of Figure 3 say what the operators say, and the report what the rows say."""

from dataclasses import asdict

import numpy as np
import pytest

import otsort
from otsort_studies.common.outcome import CONVERGED, EXACT, NOT_CONVERGED
from otsort_studies.common.run import measured
from otsort_studies.figure3 import measure
from otsort_studies.figure3.report import report
from otsort_studies.figure3.study import CENTRED, PAPER, Average, Figure3

from .frames import frames

STUDY = Figure3(data=("normal",), n=10, taus=(0.23, 0.5), ts=(0.1, 0.3), epsilons=(0.0, 1e-2))
CASES = STUDY.cases()


@pytest.fixture(scope="module")
def rows():
    return list(measured(STUDY, CASES))


def one(rows, **fields):
    (row,) = (row for row in rows if fields.items() <= row.items())
    return row


def test_a_quantile_is_the_average_of_its_values(rows):
    assert [Average.of(row) for row in rows] == CASES
    for row in rows:
        assert row["outcome"] == (CONVERGED if row["epsilon"] else EXACT)
        assert row["marginal_error"] < STUDY.tol
        assert sum(row["shares"]) == pytest.approx(1)
        assert np.dot(row["shares"], row["values"]) == pytest.approx(row["quantile"])
        assert row["exact"] == np.quantile(row["values"], row["tau"])
        assert sum(row["weights"]) == pytest.approx(1)
        x = np.asarray(row["values"])
        assert row["positions"] == pytest.approx(1 / (1 + np.exp(-(x - x.mean()) / x.std())))


@pytest.mark.parametrize(("t", "epsilon"), [(0.1, 0.0), (0.1, 1e-2), (0.3, 1e-2)])
def test_the_centred_atom_is_that_of_the_operator(rows, t, epsilon):
    row = one(rows, atom=CENTRED, t=t, epsilon=epsilon, tau=0.23)
    options = {"epsilon": 0} if epsilon == 0 else {"solver": otsort.Newton(epsilon, tol=1e-10)}
    expected = otsort.quantile(np.asarray(row["values"]), row["tau"], width=t, **options)
    assert row["quantile"] == pytest.approx(float(expected), abs=1e-9)


def test_equation_4_is_numpy_s_quantile_at_t_of_1_over_n(rows):
    row = one(rows, atom=PAPER, t=0.1, epsilon=0.0, tau=0.23)
    assert row["weights"] == pytest.approx([0.23 * 0.9, 0.1, 0.77 * 0.9])
    assert row["quantile"] == pytest.approx(row["exact"], abs=1e-12)
    wide = one(rows, atom=PAPER, t=0.3, epsilon=0.0, tau=0.23)
    assert wide["weights"] == pytest.approx([0.23 * 0.7, 0.3, 0.77 * 0.7])
    assert abs(wide["quantile"] - row["exact"]) > 1e-3


def test_a_row_depends_on_its_case_alone(rows):
    assert list(measured(STUDY, CASES[5:8])) == rows[5:8]


def test_report(rows, tmp_path):
    found = report(STUDY, frames(STUDY, rows))
    for name, (figure, _) in found.figures.items():
        figure.savefig(tmp_path / f"{name}.png")
    assert set(found.figures) == {"figure3-normal", "figure3-errors"}
    panels = found.figures["figure3-normal"][0].axes
    assert [axes.get_title() for axes in panels] == [
        f"tau = {tau:g}, epsilon = {epsilon:g}" for epsilon in STUDY.epsilons for tau in STUDY.taus
    ]
    assert [len(axes.lines) for axes in panels] == [STUDY.n + 2] * 4  # from each value, and the two quantiles below
    lines = [line.split("|")[1:-1] for line in found.text.splitlines() if line.startswith("| ")][1:]
    table = {(cells[0].strip(), float(cells[1])): cells[2:] for cells in lines}
    assert len(table) == 4
    for (atom, t), cells in table.items():
        for cell, epsilon in zip(cells, STUDY.epsilons, strict=True):
            here = [one(rows, atom=atom, t=t, epsilon=epsilon, tau=tau) for tau in STUDY.taus]
            errors = [abs(row["quantile"] - row["exact"]) / np.ptp(row["values"]) for row in here]
            assert [float(word) for word in cell.split(" and ")] == pytest.approx(
                [np.mean(errors), max(errors)], abs=6e-5
            )
    assert "With t = 1/n = 0.1, both choices of weights are equal up to" in found.text
    assert "(median and largest of 2 combinations of list and quantile level)" in found.text
    assert "of 1 quantiles towards the median (without counting medians)" in found.text
    assert "0 of 16 solves failed" in found.text


def hand_made(quantile):
    """Rows of 10 values 0, 1, ..., 9 by `(case) -> quantile`, each quantile of two values."""
    x = np.arange(10.0).tolist()
    known = {"values": x, "positions": np.linspace(0, 1, 10).tolist(), "weights": [0.4, 0.1, 0.5], "exact": 2.0}
    shares = [0.5, 0.5, *[0.0] * 8]
    return [
        case.row(CONVERGED if case.epsilon else EXACT, **known, shares=shares, quantile=quantile(case))
        for case in CASES
    ]


@pytest.mark.parametrize(
    ("exact", "soft", "largest", "drift"),
    [
        (
            2.9,
            2.95,
            "the weights of equation (4), not from epsilon",
            "Up to epsilon = 0.01, every S-quantile differs from its K-quantile by less than 1 % of the range.",
        ),
        (
            2.1,
            2.9,
            "epsilon, not from the weights of equation (4)",
            "Already at epsilon = 0.01, some S-quantile differs from its K-quantile by at least 1 % of the range.",
        ),
    ],
)
def test_claims_follow_the_rows(exact, soft, largest, drift):
    text = report(STUDY, frames(STUDY, hand_made(lambda case: soft if case.epsilon else exact))).text
    error = (soft - 2) / 9
    assert f"the S-quantile differs from NumPy's quantile by {error:.4f} and {error:.4f} of the range" in text
    assert f"Most of the error comes from {largest}." in text
    assert drift in text
    assert "moved 1 of 1 quantiles towards the median (without counting medians)" in text
    assert "the average of 2.0, 2.0 values at epsilon = 0 and of 2.0, 2.0 values at epsilon = 0.01" in text


def test_the_best_t_is_that_of_the_least_median_error():
    text = report(STUDY, frames(STUDY, hand_made(lambda case: 2 + abs(case.t - (0.1 if case.epsilon else 0.3))))).text
    assert "equation (4): 0.3 at epsilon = 0, 0.1 at epsilon = 0.01." in text


def test_what_fails_is_a_row_and_is_told(rows, monkeypatch):
    """A solve that misses its tolerance, or raises, leaves the others as they are, and no error is taken from it."""

    def broken(case, tol):
        if case.t == 0.1:
            return otsort.LogSinkhorn(case.epsilon, tol=tol, max_steps=1, start=otsort.zero_start)
        return otsort.LogSinkhorn(case.epsilon, start=lambda problem: 1 / 0)

    whole = measure._solver
    lost = lambda case: case.epsilon > 0 and case.atom == PAPER and case.tau == 0.23
    monkeypatch.setattr(measure, "_solver", lambda case, tol: (broken if lost(case) else whole)(case, tol))
    found = list(measured(STUDY, CASES))
    for case, row, sound in zip(CASES, found, rows, strict=True):
        if not lost(case):
            assert row == sound
            continue
        assert row["outcome"] == (NOT_CONVERGED if case.t == 0.1 else "raised ZeroDivisionError")
        assert (row["values"], row["exact"]) == (sound["values"], sound["exact"])
    text = report(STUDY, frames(STUDY, found)).text
    assert "2 of 16 solves failed or did not converge" in text
    assert "(median and largest of 1 combinations of list and quantile level)" in text
    assert "of 0 quantiles towards the median (without counting medians)" in text
    assert "nan" not in text


@pytest.mark.parametrize("lacking", [{"ts": (0.2,)}, {"epsilons": (0.0, 0.1)}, {"epsilons": (1e-2,)}])
def test_the_paper_s_numbers_are_needed(lacking):
    with pytest.raises(ValueError, match=r"ts must hold 0\.1, and epsilons 0 and 0\.01"):
        Figure3(**{**asdict(STUDY), **lacking})
