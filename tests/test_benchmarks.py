"""Benchmarks: their lists are whole, and every measurement works, on short lists."""

import inspect
import itertools
import math

import numpy as np
import pytest

import otsort
from benchmarks import benchmark_operators, benchmark_short, benchmark_solvers
from benchmarks.base import AbstractAccuracy, AbstractBenchmark, AbstractTime, Case, compiled, in_turn
from benchmarks.benchmark_losses import LOSSES, Losses, step
from benchmarks.benchmark_streams import Streams
from benchmarks.programs import OPERATORS, PROGRAMS
from otsort_studies.common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS

BENCHMARKS = [
    kind
    for module in (benchmark_operators, benchmark_short, benchmark_solvers)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, AbstractBenchmark) and not inspect.isabstract(kind)
]


class Tiny(AbstractTime, AbstractAccuracy):
    def case(self, *parameters):
        return Case(*parameters)


def parameters(kind):
    return [(one,) for one in kind.params] if isinstance(kind.params[0], str) else itertools.product(*kind.params)


@pytest.fixture
def tiny(without_x64):
    """As JAX comes, which benchmarks change."""
    return Tiny()


def test_every_operator_and_every_solver_is_there():
    operators = {name for name, one in vars(otsort).items() if getattr(one, "__module__", "").startswith("otsort._op")}
    assert operators - {"straight_through", "suggest_epsilon", "suggest_sparse_epsilon"} <= OPERATORS.keys()
    solvers = {solver for solver, _ in benchmark_solvers.BENCHMARKED_SOLVERS.values()}
    assert solvers == SOLVER_DIFFERENTIATIONS.keys() - {EXACT_SOLVER}


@pytest.mark.parametrize("kind", BENCHMARKS)
def test_cases_name_what_is_there(kind):
    cases = [kind().case(*found) for found in parameters(kind)]
    assert len(set(cases)) == len(cases) > 1
    for case in cases:
        assert case.operator in OPERATORS
        assert case.program in PROGRAMS
        assert set(case.options()) <= {"epsilon", "solver", "throw"}


@pytest.mark.parametrize(
    ("operator", "program"),
    [
        ("rank", "gradient"),
        ("sort", "forward"),
        *(pytest.param(name, "gradient", marks=pytest.mark.ci) for name in OPERATORS if name != "rank"),
    ],
)
def test_programs(tiny, operator, program):
    run = compiled(Case(operator, program, 2, 6)).run
    x = Case(operator, program, 2, 6).values()[0]
    answer = run(x)
    assert answer.shape == x.shape
    assert np.ptp(answer) > 0


def test_measurements(tiny):
    tiny.setup("rank", "gradient", 2, 6)
    tiny.time_run()
    assert tiny.track_sorts() > 0
    assert tiny.track_compilation() > 0
    assert tiny.track_scratch() > 0
    assert 0 < tiny.track_error() < 1e-4
    tiny.setup("rank", "gradient", 2, 6, 1e-2, "float64")
    assert next(tiny.inputs).dtype == np.float64
    assert 0 < tiny.track_error() < 1e-6


def test_an_error_that_has_no_reference_is_none(tiny):
    tiny.named = Case("rank", "gradient", 1, 2000)
    assert math.isnan(tiny.track_error())


def test_a_solver_counts_its_steps(monkeypatch, without_x64):
    monkeypatch.setattr(
        benchmark_solvers.Solvers, "case", lambda self, solver: Case("rank", "forward", 1, 6, solver=solver)
    )
    benchmark = benchmark_solvers.Solvers()
    steps = []
    for solver in ("Sinkhorn", "Newton"):
        benchmark.setup(solver)
        steps.append(benchmark.track_steps())
    assert steps[0] == otsort.Sinkhorn().max_steps > steps[1] > 0


def test_what_a_version_lacks_is_skipped(tiny, monkeypatch):
    monkeypatch.setitem(OPERATORS, "later", lambda x, **options: otsort.later(x, **options))
    monkeypatch.setitem(OPERATORS, "rank", lambda x, **options: otsort.rank(x, later=1, **options))
    for operator in ("later", "rank"):
        with pytest.raises(NotImplementedError):
            tiny.setup(operator, "forward", 2, 7)
    monkeypatch.delattr(otsort, "Quadrature")
    with pytest.raises(NotImplementedError, match="n x n"):
        tiny.setup("sort", "forward", 1, 10**6)


def test_times_are_taken_in_turn():
    seen = []
    in_turn([lambda x: seen.append(("a", x)), lambda x: seen.append(("b", x))], [1, 2], rounds=2)
    assert seen == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 1), ("b", 1)]


def test_streams(without_x64):
    streams, values = Streams(), np.random.default_rng(0).standard_normal(3000, np.float32)
    streams.setup(values, 2000)
    streams.time_fit(values, 2000)
    streams.time_rank(values, 2000)
    streams.peakmem_fit(values, 2000)
    assert len(streams.setup_cache()) == max(Streams.params)


@pytest.mark.parametrize("name", ["Spearman, 1 x 442", "NDCG at 10, 32 x 100"])
def test_losses(name, without_x64, monkeypatch):
    monkeypatch.setitem(LOSSES, "tiny", (LOSSES[name][0], (2, 11)))
    step.cache_clear()
    losses = Losses()
    losses.setup("tiny")
    losses.time_run("tiny")
    assert losses.track_first_call("tiny") > 0
    value, gradient = losses.step.run(losses.step.scores)
    assert np.isfinite(value)
    assert np.any(gradient != 0)
    assert set(Losses.params) <= LOSSES.keys()
