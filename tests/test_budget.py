"""No program costs more than 10 % over its budget, by counts that no other load on the machine changes."""

import json
import os
import subprocess
import sys

import jax
import pytest

from benchmarks.programs import OPERATORS

from . import budget

BUDGETS = budget.read()
on_a_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="the budget is one of CPUs")


@pytest.mark.ci
@on_a_cpu
@pytest.mark.skipif(budget.version() not in BUDGETS, reason=f"no budget for JAX {budget.version()}: {budget.ACCEPT}")
@pytest.mark.parametrize("program", budget.LIST, ids=str)
def test_within_budget(program):
    allowed = BUDGETS[budget.version()]
    assert str(program) in allowed, f"{program} has no budget: {budget.ACCEPT}"
    if over := budget.grown(budget.measure(program), allowed[str(program)]):
        pytest.fail(f"{program}: {'; '.join(over)}. If what it buys is worth that: {budget.ACCEPT}")


def test_a_budget_is_of_a_program_that_is_there():
    for version, allowed in BUDGETS.items():
        assert allowed.keys() == set(map(str, budget.LIST)), f"to bring JAX {version} in line: {budget.ACCEPT}"


@pytest.mark.ci
@on_a_cpu
def test_compiler_tricks_are_worth_it():
    """Programs have fewer instructions with them than in ordinary JAX: if not, a version of XLA made them useless."""
    run = [sys.executable, "-m", "tests.budget", "print"]
    plain = subprocess.run(run, env=os.environ | {"OTSORT_PLAIN": "1"}, capture_output=True, text=True, check=True)
    without = json.loads(plain.stdout)
    for program in budget.TRICKED:
        assert budget.measure(program)["instructions"] < 0.9 * without[str(program)]["instructions"], str(program)


def test_what_grows_is_named(monkeypatch, tmp_path):
    """A program that ranks twice is over the budget of one that ranks once, and within its own once accepted."""
    program, path = budget.Program("rank", "forward", 2, 5), tmp_path / "budget.json"
    path.write_text(json.dumps({"0.1": {"rank": {"flops": 1}}}))
    budget.accept([program], path)
    budgets = budget.read(path)
    assert list(budgets) == ["0.1", budget.version()]
    once = budgets[budget.version()][str(program)]
    rank = OPERATORS["rank"]
    monkeypatch.setitem(OPERATORS, "rank", lambda x: rank(rank(x)))
    twice = budget.measure(program)
    assert [said.split(" ")[0] for said in budget.grown(twice, once)] == ["flops", "bytes", "scratch", "instructions"]
    assert "budget 100 (+11%)" in budget.grown({**once, "flops": 111}, {**once, "flops": 100})[0]
    assert not budget.grown({**once, "flops": 110}, {**once, "flops": 100})
    assert not budget.grown(once, twice)
