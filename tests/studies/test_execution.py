"""Calls that share a program, that fail, and that are timed."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort_studies.common import outcome
from otsort_studies.common.execution import Call, execute, failure, in_turn
from otsort_studies.common.verdict import Verdict

X = np.asarray([3.0, 1.0, 2.0])


def test_calls_that_differ_in_entries_alone_share_a_program():
    traced, compiled = [], []

    @eqx.filter_jit
    def scaled(x, factor, power):
        traced.append(power)
        return factor * x**power

    calls = [Call(scaled, (jnp.asarray(X), jnp.asarray(f), power)) for power in (1, 2) for f in (2.0, 3.0)]
    for (x, f, power), done in zip((call.arguments for call in calls), execute(calls), strict=True):
        np.testing.assert_allclose(done.value, f * x**power)
        assert done.failure is None
        assert done.seconds > 0
        assert done.scratch_bytes >= 0
        compiled.append(done.program)
    assert traced == [1, 2]
    assert compiled[0] is compiled[1] is not compiled[2]


def test_calls_run_as_they_are_asked_for():
    ran = []
    noted = eqx.filter_jit(lambda x: jax.experimental.io_callback(lambda x: ran.append(float(x[0])), None, x))
    done = execute([Call(noted, (jnp.asarray(X + i),)) for i in range(3)])
    assert not ran
    next(done)
    assert ran == [3.0]


def test_failures_are_outcomes_of_their_own_calls():
    @eqx.filter_jit
    def fails(x, where):
        if where == "traced":
            raise ZeroDivisionError
        if where == "absent":
            import absent_package  # noqa: F401  # pyright: ignore[reportMissingImports]
        return eqx.error_if(x, x[0] > 3, "too large") if where == "run" else x

    calls = [Call(fails, (jnp.asarray(x), where)) for x in (X, 2 * X) for where in ("traced", "absent", "run", "")]
    done = list(execute(calls))
    raised = [None, "raised ZeroDivisionError", outcome.NOT_INSTALLED]
    assert [one.failure for one in done[:4]] == [*raised[1:], None, None]
    assert [one.failure for one in done[4:6]] == raised[1:]
    assert done[6].failure.startswith("raised ")
    assert done[7].failure is None
    for one in done:
        assert (one.value is None) == (one.failure is not None) == math.isnan(one.seconds)
    assert math.isnan(done[0].scratch_bytes)
    assert done[6].scratch_bytes >= 0  # a program that was compiled
    seconds = in_turn(done)
    assert [math.isnan(taken) for taken in seconds] == [one.failure is not None for one in done]
    assert all(taken > 0 for taken in seconds if not math.isnan(taken))


def test_times_are_of_values_in_other_orders():
    seen = []
    noted = eqx.filter_jit(lambda x: jax.experimental.io_callback(lambda x: seen.append(tuple(map(float, x))), None, x))
    done = list(execute([Call(noted, (jnp.arange(7.0),))]))
    seen.clear()
    in_turn(done)
    assert len(set(seen)) == len(seen) == 5
    assert all(sorted(values) == list(range(7)) for values in seen)
    assert tuple(range(7)) not in seen


@pytest.mark.parametrize(
    ("solver", "word"),
    [
        (otsort.LogSinkhorn(1e-2, tol=1e-12, max_steps=1), outcome.NOT_CONVERGED),
        (otsort.Sinkhorn(1e-5), outcome.NOT_FINITE),
    ],
)
def test_what_solvers_raise_is_told_as_what_they_say(solver, word):
    rank = eqx.filter_jit(lambda x, solver: otsort.rank(x, solver=solver))
    (done,) = execute([Call(rank, (jnp.asarray(X), solver))])
    assert done.failure == word
    with pytest.raises(RuntimeError) as raised:
        jax.block_until_ready(otsort.rank(jnp.asarray(X), solver=solver))
    assert failure(raised.value) == word
    solution = otsort.solve(X, otsort.UniformTarget(3), solver=solver, throw=False)
    assert Verdict.of(solution, solution.plan.push(jnp.asarray(X))).outcome() == word
