"""No program costs more than 10 % over its budget, by counts that no other load on the machine changes."""

import pytest

from benchmarks.programs import OPERATORS

from . import budget

HELD_IN, BUDGET = budget.read()


@pytest.mark.skipif(
    budget.environment() != HELD_IN, reason=f"the budget is one of {HELD_IN}, this is {budget.environment()}"
)
@pytest.mark.parametrize("program", budget.LIST, ids=str)
def test_within_budget(program):
    assert str(program) in BUDGET, f"{program} has no budget: {budget.ACCEPT}"
    if over := budget.grown(budget.measure(program), BUDGET[str(program)]):
        pytest.fail(f"{program}: {'; '.join(over)}. If what it buys is worth that: {budget.ACCEPT}")


def test_a_budget_is_of_a_program_that_is_there():
    assert BUDGET.keys() == set(map(str, budget.LIST)), f"to bring both in line: {budget.ACCEPT}"


def test_what_grows_is_named(monkeypatch, tmp_path):
    """A program that ranks twice is over the budget of one that ranks once, and within its own once accepted."""
    program, path = budget.Program("rank", "forward", 2, 5), tmp_path / "budget.json"
    budget.accept([program], path)
    environment, programs = budget.read(path)
    once = programs[str(program)]
    assert environment == budget.environment()
    rank = OPERATORS["rank"]
    monkeypatch.setitem(OPERATORS, "rank", lambda x: rank(rank(x)))
    twice = budget.measure(program)
    assert [said.split(" ")[0] for said in budget.grown(twice, once)] == ["flops", "bytes", "scratch", "instructions"]
    assert "budget 100 (+11%)" in budget.grown({**once, "flops": 111}, {**once, "flops": 100})[0]
    assert not budget.grown({**once, "flops": 110}, {**once, "flops": 100})
    assert not budget.grown(once, twice)
