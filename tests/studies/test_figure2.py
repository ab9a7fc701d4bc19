"""The curves of Figure 2 are those of the algorithm in the paper, and the report measures them by the exact ones."""

import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort_studies.common.outcome import FIXED_BUDGET, NOT_FINITE
from otsort_studies.common.run import measured
from otsort_studies.figure2 import measure
from otsort_studies.figure2.report import report
from otsort_studies.figure2.study import Curves, Figure2

from .frames import frames

STUDY = Figure2(data=("normal", "uniform"), n=8, epsilon=1e-2, sweeps=300)
PANELS = ["m = n", "stronger epsilon", "fewer sweeps", "m = 5", "random b", "b for one quantile"]


@pytest.fixture(scope="module")
def rows():
    return list(measured(STUDY, STUDY.cases()))


def paper(row):
    """CDF and quantiles of Definition 2, and the marginal error, by sweeps in the kernel domain."""
    x, b = np.asarray(row["values"]), np.diff(row["levels"], prepend=0)
    squashed = 1 / (1 + np.exp(-(x - x.mean()) / x.std()))
    kernel = np.exp(-((np.linspace(0, 1, b.size) - squashed[:, None]) ** 2) / row["epsilon"])
    v = b
    for _ in range(row["sweeps"]):
        v = b / (kernel.T @ (1 / x.size / (kernel @ v)))
    plan = kernel * v
    plan /= x.size * plan.sum(axis=1, keepdims=True)
    return x.size * plan @ np.cumsum(b), plan.T @ x / b, np.abs(plan.sum(axis=0) - b).sum()


def test_every_row_is_the_algorithm_of_the_paper(rows):
    assert [Curves.of(row) for row in rows] == STUDY.cases()
    for row in rows:
        assert row["outcome"] == FIXED_BUDGET
        cdf, quantiles, error = paper(row)
        np.testing.assert_allclose(row["cdf"], cdf, rtol=1e-7)
        np.testing.assert_allclose(row["quantiles"], quantiles, rtol=1e-6, atol=1e-7)
        assert row["marginal_error"] == pytest.approx(error, rel=1e-6, abs=1e-12)


def test_the_first_curves_are_the_operators(rows):
    row = rows[0]
    assert (row["panel"], row["m"]) == ("m = n", STUDY.n)
    assert row["levels"] == pytest.approx(np.arange(1, 9) / 8)
    np.testing.assert_allclose(row["cdf"], otsort.cdf(np.asarray(row["values"]), epsilon=1e-2), rtol=1e-4)
    np.testing.assert_allclose(row["quantiles"], otsort.sort(np.asarray(row["values"]), epsilon=1e-2), rtol=1e-3)


def test_weights_of_the_targets(rows):
    levels = {row["panel"]: row["levels"] for row in rows if row["data"] == "uniform"}
    assert levels["m = 5"] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert levels["b for one quantile"] == pytest.approx([0.27, 0.37, 1])  # tau = 0.3 and t = 0.1
    assert levels["random b"][-1] == pytest.approx(1)
    assert np.ptp(np.diff(levels["random b"])) > 0.05


def test_a_row_depends_on_its_case_alone(rows):
    some = slice(12, 15)
    assert list(measured(STUDY, STUDY.cases()[some])) == rows[some]


def test_report(rows, tmp_path):
    text, figures = (found := report(STUDY, frames(STUDY, rows))).text, found.figures
    assert set(figures) == {"figure2-normal", "figure2-uniform"}
    figure, caption = figures["figure2-normal"]
    figure.savefig(tmp_path / "figure.png")
    assert [axes.get_title() for axes in figure.axes] == PANELS
    assert [len(axes.lines) for axes in figure.axes] == [3, 7, 7, 3, 3, 3]  # the exact steps, and two of each setting
    assert caption.startswith("S-CDF (lines) and S-quantiles (dots) of 8 values (normal).")
    assert text.startswith("A larger epsilon makes the CDF flatter. With too few sweeps, the plan is not accurate, and")

    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")][
        1:
    ]
    assert len(lines) == len(rows)
    for cells, row in zip(lines, rows, strict=True):
        x, cdf, quantiles = (np.asarray(row[name]) for name in ("values", "cdf", "quantiles"))
        exact = [x[np.nonzero(np.arange(1, 9) / 8 >= level - 1e-9)[0][0]] for level in row["levels"]]
        outside = max(quantiles.max() - x.max(), x.min() - quantiles.min(), 0)
        apart = np.abs(quantiles - exact)
        quantile_error = apart[1] if row["weights"] == "quantile" else apart.max()
        expected = np.abs(cdf - np.arange(1, 9) / 8).max(), cdf[-1] - cdf[0]
        expected += quantile_error / np.ptp(x), outside / np.ptp(x)
        assert cells[:2] == [row["data"], row["panel"]]
        assert [float(cell) for cell in cells[4:]] == pytest.approx(expected, abs=6e-4)
    cdf, quantiles = (
        [f"{float(cells[column]):.3f}" for cells in lines if cells[1] == "b for one quantile"] for column in (4, 6)
    )
    spans = [" to ".join(dict.fromkeys(sorted(span))) for span in (cdf, quantiles)]
    assert f"with b for one quantile, {spans[0]} (CDF) and {spans[1]} (quantiles)" in text
    assert "0 of 20 solves failed" in text


def test_what_fails_is_a_row_and_is_told(rows, monkeypatch):
    """A solve that raises, or whose numbers are not finite, leaves the others as they are."""

    def broken(case):
        start = (lambda problem: 1 / 0) if case.sweeps == 3 else lambda problem: jnp.full(problem.target.size, jnp.nan)
        return otsort.LogSinkhorn(case.epsilon, tol=None, max_steps=2, start=start)

    whole = measure._solver
    monkeypatch.setattr(measure, "_solver", lambda case: whole(case) if case.sweeps not in (1, 3) else broken(case))
    found = list(measured(STUDY, STUDY.cases()))
    for row, sound in zip(found, rows, strict=True):
        if row["sweeps"] not in (1, 3):
            assert row == sound
            continue
        assert row["outcome"] == (NOT_FINITE if row["sweeps"] == 1 else "raised ZeroDivisionError")
        assert (row["values"], row["levels"]) == (sound["values"], sound["levels"])
    text = report(STUDY, frames(STUDY, found)).text
    assert text.count("raised ZeroDivisionError") == text.count(f"| {NOT_FINITE} ") == 2
    assert "4 of 20 solves failed" in text
    assert "nan" not in text
