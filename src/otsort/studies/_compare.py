"""The comparison of all solvers: measures what is missing, then tells and draws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits

from . import _sweeps
from ._data import Column
from ._measure import Result, measure
from ._methods import Method
from ._progress import progress
from ._record import claim, environment, json_row, write_json
from ._report import draw_ranks, draw_sweeps, print_tables
from ._table import Table
from ._trial import REFERENCE_TOL, SEED, Trial

PICTURE_EPSILONS = np.geomspace(1e-5, 10, 31).tolist()


def compare(column: Column, methods: Sequence[Method], epsilons: Sequence[float], out: Path) -> None:
    """Fills the folder; what it holds of the same comparison already is kept.

    Args:
        column: the data.
        methods: what to compare.
        epsilons: decreasing, all of them positive.
        out: the folder.

    Raises:
        InputError: the folder holds anything else; nothing was written.
    """
    config = claim(out, _configuration(column, methods, epsilons))
    results, sweeps = Table(out / "results.csv", Result), Table(out / "sweeps.csv", _sweeps.Sweeps)
    jax.config.update("jax_enable_x64", True)  # for the reference: solvers compute in the dtype of the data
    trial = Trial(column.values)

    cases = [(method, epsilon) for method in methods for epsilon in ((0.0,) if method.exact else epsilons)]
    done = {(row.solver, row.differentiation, row.epsilon) for row in results.rows}
    cases = [(method, e) for method, e in cases if (method.solver, method.differentiation, e) not in done]
    budgets = _sweeps.cases(epsilons) if any(method.solver == "LogSinkhorn" for method in methods) else []
    done = {(row.differentiation, row.sweeps, row.epsilon) for row in sweeps.rows}
    budgets = [case for case in budgets if case not in done]

    # LAPACK's threads wait for each other in a busy loop: with any other load on the machine a factorisation takes ten
    # times as long as on one thread, and no less without.
    with (
        threadpool_limits(1, "blas"),
        progress("comparing", len(cases) + len(budgets) + len(PICTURE_EPSILONS)) as advance,
    ):
        for result in measure(trial, cases):
            results.append(result)
            advance()
        for row in _sweeps.measure_sweeps(trial, budgets):
            sweeps.append(row)
            advance()
        readings = []
        for epsilon in PICTURE_EPSILONS:
            readings.append(trial.reading(epsilon))
            advance()

    place = {(method.solver, method.differentiation): i for i, method in enumerate(methods)}
    rows = sorted(results.rows, key=lambda row: (-row.epsilon, place[row.solver, row.differentiation]))
    write_json(
        out / "results.json",
        {
            "config": config,
            "results": [json_row(row) for row in rows],
            "sweeps": [json_row(row) for row in sweeps.rows],
        },
    )
    draw_ranks(out / "ranks.png", PICTURE_EPSILONS, readings, column)
    if sweeps.rows:
        draw_sweeps(out / "sweeps.png", sweeps.rows)
    console = Console()
    print_tables(rows, console)
    console.print("Written to", ", ".join(sorted(str(path) for path in out.iterdir())), soft_wrap=True)


def _configuration(column: Column, methods: Sequence[Method], epsilons: Sequence[float]) -> dict[str, Any]:
    return {
        "command": "compare",
        "data": column.description(),
        "epsilons": list(epsilons),
        "methods": [f"{method.solver} {method.differentiation}".strip() for method in methods],
        "dtype": "float32",
        "lapack_threads": 1,
        "reference": f"Newton, float64, tol {REFERENCE_TOL:g}, Implicit",
        "seed": SEED,
        **environment(),
    }
