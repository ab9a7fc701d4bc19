"""The study of scaling: what it measures, and what its report computes on rows whose answers are known."""

import math
from dataclasses import replace

import jax.numpy as jnp
import polars as pl
import pytest

import otsort
from otsort._call.default_solver import default_solver
from otsort_studies.common.outcome import CONVERGED, EXACT, FIXED_BUDGET, NOT_FINITE, TOO_LARGE
from otsort_studies.common.run import measured
from otsort_studies.scaling import measure
from otsort_studies.scaling.report import Crossing, crossing, curve, power, report
from otsort_studies.scaling.study import EXACT as WITHOUT_EPSILON
from otsort_studies.scaling.study import SOLVERS, Cost, Scaling, Switch

from .frames import frames

DASH = "\N{EN DASH}"
TINY = Scaling(
    solvers=("Sinkhorn", "NorthWestCorner", "jnp.sort"),
    n=8,
    epsilon=1e-4,
    sizes=(8, 64),
    many=(),
    targets=(),
    batches=(1, 3),
    length=8,
    epsilons=(1e-4,),
    largest=300,
)


def cost(n, solver, seconds, outcome=CONVERGED):
    times = {"forward_seconds": seconds, "gradient_seconds": seconds}
    return Cost(n, n, 1, 1e-2, solver).row(outcome, entries=n * n, **times, gradient_bytes=8.0 * n)


def frame(rows):
    return pl.DataFrame(rows, schema=Cost.schema())


def test_exponents_are_those_of_the_dear_end():
    line = frame([cost(n, "Newton", 1.0 if n == 10 else n**2.5) for n in (10, 100, 1000, 10_000)])
    assert power(line, "n", "forward_seconds") == "2.5"
    assert power(line, "n", "gradient_bytes") == "1.0"
    assert power(line.head(1), "n", "forward_seconds") == DASH
    assert power(line.with_columns(forward_seconds=None), "n", "forward_seconds") == DASH
    epsilons = (1e-3, 1.0, 1e-4, 1e-2, 0.1)
    line = frame([Cost(9, 9, 1, e, "Newton").row(CONVERGED, forward_seconds=min(e, 1e-2)) for e in epsilons])
    assert power(line, "epsilon", "forward_seconds") == "1.0"


@pytest.mark.parametrize(
    ("constant", "expected", "said"),
    [
        (200**2, 200.0, "from about n = 200 on"),
        (1.0, 0.0, "at every n from 10 to 1000"),
        (1e9, math.inf, "nowhere up to n = 1000"),
    ],
    ids=["between", "always", "nowhere"],
)
def test_crossing(constant, expected, said):
    slower = frame([cost(n, "Newton", float(n**2)) for n in (10, 100, 1000)])
    faster = frame([cost(n, "Quadrature", constant) for n in (10, 100, 1000, 10_000)])
    found = crossing(slower, faster, "forward_seconds")
    assert found == pytest.approx((expected, 10, 1000))
    assert str(found) == said


def test_the_last_crossing_counts():
    slower = frame([cost(n, "Newton", seconds) for n, seconds in ((10, 2.0), (100, 0.5), (1000, 2.0))])
    faster = frame([cost(n, "Quadrature", 1.0) for n in (1000, 100, 10)])
    assert crossing(slower, faster, "gradient_seconds") == pytest.approx(Crossing(math.sqrt(1e5), 10, 1000))
    assert crossing(slower, faster.filter(n=50), "gradient_seconds") is None


def test_curves_are_sound_and_in_order():
    study = Scaling(sizes=(1000, 10, 100))
    rows = [cost(n, "Newton", 1.0, CONVERGED if n != 100 else NOT_FINITE) for n in (1000, 100, 10, 1)]
    rows.append(Cost(10, 10, 1, 0.0, "jnp.sort").row(EXACT))
    sweep = study.sweeps()[0]
    assert curve(frame(rows), sweep, "Newton")["n"].to_list() == [10, 1000]
    assert curve(frame(rows), sweep, "jnp.sort")["n"].to_list() == [10]
    assert curve(frame(rows), study.sweeps()[1], "Newton").is_empty()


def test_the_switch_is_that_of_the_default_solver():
    cases = [Switch(0), Switch(16)]
    for case, row in zip(cases, measured(Scaling(), cases), strict=True):
        kinds = [
            type(default_solver(1e-2, n, otsort.UniformTarget(case.m or n, jnp.float32), otsort.SquaredCost(), True))
            for n in (row["n"] - 1, row["n"])
        ]
        assert kinds == [otsort.Newton, otsort.Quadrature]


def test_a_switch_that_does_not_come_is_none():
    study = Scaling(sizes=(8, 16), many=())
    rows = list(measured(study, [Switch(0)]))
    assert rows == [Switch(0).row(EXACT)]
    costs = [cost(n, solver, 1.0) for n in study.sizes for solver in ("Newton", "Quadrature")]
    assert (
        "nowhere up to n = 16 for their gradient. The default solver changes from Newton to Quadrature at none of "
        "these n."
    ) in report(study, frames(Scaling, [*costs, *rows])).text


def test_a_switch_that_failed_is_told():
    study = Scaling(sizes=(8, 16), many=())
    costs = [cost(n, solver, 1.0) for n in study.sizes for solver in ("Newton", "Quadrature")]
    text = report(study, frames(Scaling, [*costs, Switch(0).row("raised OSError")])).text
    assert "The default solver was not measured (raised OSError)." in text
    assert "none of these n" not in text


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.ci
def test_what_is_too_large_or_unsound_is_a_row(rows):
    cases = TINY.cases()
    assert [type(case).of(row) for case, row in zip(cases, rows, strict=True)] == cases
    found = {(row["solver"], row["n"], row["batch"]): row for row in rows if row["part"] == "cost"}
    outcomes = {key: row["outcome"] for key, row in found.items()}
    assert outcomes["Sinkhorn", 8, 1] == NOT_FINITE
    assert outcomes["Sinkhorn", 64, 1] == outcomes["Sinkhorn", 8, 3] == TOO_LARGE
    assert outcomes["NorthWestCorner", 8, 1] == outcomes["jnp.sort", 64, 1] == outcomes["jnp.sort", 8, 3] == EXACT
    assert found["Sinkhorn", 8, 3]["entries"] == 3 * found["Sinkhorn", 8, 1]["entries"] > TINY.largest
    assert math.isnan(found["NorthWestCorner", 8, 1]["gradient_seconds"])
    assert found["NorthWestCorner", 8, 1]["forward_seconds"] > 0
    assert found["jnp.sort", 8, 3]["gradient_seconds"] > 0
    text = report(TINY, frames(Scaling, rows)).text
    assert (
        "Outcome *too large* (not run, because of more than 3.0e+02 matrix entries): Sinkhorn at "
        "(n = 8, m = 8, batch = 3, epsilon = 0.0001), (n = 64, m = 64, batch = 1, epsilon = 0.0001)."
    ) in text
    assert "Outcome *not finite*: Sinkhorn at (n = 8, m = 8, batch = 1, epsilon = 0.0001)." in text
    assert "No solver gave usable soft ranks with n = m." in text
    assert "nan" not in text


def test_a_batch_is_as_good_as_its_worst_list(monkeypatch):
    """One list of a batch that holds no number is told."""
    study = replace(TINY, largest=10_000, epsilon=0.1)
    case = Cost(8, 8, 3, 0.1, "Sinkhorn")
    assert [row["outcome"] for row in measured(study, [case])] == [FIXED_BUDGET]
    drawn = measure.values
    monkeypatch.setattr(measure, "values", lambda *which: jnp.asarray(drawn(*which)).at[9].set(jnp.nan))
    assert [row["outcome"] for row in measured(study, [case])] == [NOT_FINITE]


def test_what_raises_is_a_row(monkeypatch):
    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(otsort, "solve", broken)
    case, sort = Cost(9, 9, 1, 0.1, "Newton"), Cost(9, 9, 1, 0.0, "jnp.sort")
    failed, fine = measured(replace(TINY, largest=10_000), [case, sort])
    assert (failed["outcome"], fine["outcome"]) == ("raised MemoryError", EXACT)
    assert failed["entries"] == otsort.Newton().peak_entries(9, otsort.UniformTarget(9, jnp.float32)) > 9 * 9
    assert math.isnan(failed["gradient_seconds"])
    assert fine["gradient_seconds"] > 0


def known(case):
    """Quadrature grows with sqrt(n), Newton with n^2, as fast at n = 300; sorting takes a tenth of a millisecond."""
    if isinstance(case, Switch):
        return case.row(EXACT, n=77)
    if case.solver == "Quadrature":
        milliseconds = (case.n / 150) ** 0.5 * (1 if case.epsilon >= 1e-2 else 10)
    elif case.solver in WITHOUT_EPSILON:
        milliseconds = 0.1
    else:
        milliseconds = (case.n / 150) ** 2 * (1 if case.solver == "Newton" else 2)
    seconds = 1e-3 * milliseconds * (case.batch / 2 if case.batch > 1 else 1)
    costs = {"forward_seconds": seconds, "gradient_seconds": 3 * seconds, "gradient_bytes": 2.0**20}
    tol = {"Sinkhorn": math.inf}.get(case.solver, 1e-6 / case.epsilon if case.epsilon else 0.0)
    return case.row(CONVERGED, entries=case.n, tol=tol, **costs)


@pytest.mark.ci
def test_answers_are_those_of_the_rows(tmp_path):
    study = Scaling()
    found = report(study, frames(Scaling, map(known, study.cases())))
    text = found.text
    assert (
        "Fastest solver for soft ranks with n = m: Newton for n = 100; Quadrature for n = 300, 1,000, 3,000, 10,000, "
        "100,000, 1,000,000. 1,000,000 values take 81.6 ms."
    ) in text
    assert "1,000,000 values take 245 ms." in text
    assert (
        "With n = m, Quadrature is faster than Newton from about n = 150 on for ranks and from about n = 150 on for "
        "their gradient. The default solver changes from Newton to Quadrature at n = 77."
    ) in text
    assert "With m = 16, Quadrature" in text
    assert (
        "Batch of 256 lists of 100 values: the time of the ranks per list, divided by the time for a single list"
        in text
    )
    assert "Newton 0.5 (4.44)" in text
    assert "Sinkhorn 1.0 (0.0001 and 0.1), " in text
    assert "Quadrature 10.0 (0.0001 and 0.1; 1.0e-02 and 1.0e-05)" in text
    assert "Outcome" not in text
    assert "nan" not in text
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    # The exponents, and the last of the sizes.
    assert "| 0.5 / 0.5 / 0.0 |" in text
    assert "| -0.5 / -0.5 / 0.0" in text
    assert lines["Quadrature"].split("|")[2:4] == [" 1000000 ", " 81.6         "]
    assert set(found.figures) == {"scaling"}
    found.figures["scaling"][0].savefig(tmp_path / "scaling.png")


def test_every_solver_is_measured():
    """And exact solvers once a size, whatever epsilon is."""
    cases = [case for case in Scaling().cases() if isinstance(case, Cost)]
    assert {case.solver for case in cases} == set(SOLVERS)
    assert {case.epsilon for case in cases if case.solver in WITHOUT_EPSILON} == {0.0}
