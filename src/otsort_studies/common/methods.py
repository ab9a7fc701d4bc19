"""Lists all solvers by name, for tests, benchmarks and studies. This module imports nothing."""

#: The exact solver. It has no epsilon and is listed with epsilon = 0.
EXACT_SOLVER = "NorthWestCorner"

#: A solver with another regularisation, so its results differ at the same epsilon. `tests/test_sparse.py` tests it.
SPARSE_SOLVER = "SparseNewton"

#: Name of a solver in `otsort` -> the differentiations that the comparison shows; "" if the solver offers no choice.
SOLVER_DIFFERENTIATIONS: dict[str, tuple[str, ...]] = {
    "Sinkhorn": ("Unrolled", "Checkpointed"),
    "LogSinkhorn": ("Implicit", "Unrolled", "OneStep(5)"),
    "AndersonSinkhorn": ("Implicit",),
    "Newton": ("Implicit",),
    "Quadrature": ("",),
    EXACT_SOLVER: ("",),
}
