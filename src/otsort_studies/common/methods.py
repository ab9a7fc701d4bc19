"""The one list of solvers by name; tests, benchmarks and studies go through it. It imports nothing."""

#: Exact: it takes no epsilon, and stands at epsilon = 0.
EXACT_SOLVER = "NorthWestCorner"

#: With another regularisation, so that its answers are others at the same epsilon: `tests/test_sparse.py` tries it.
SPARSE_SOLVER = "SparseNewton"

#: Name of a solver in `otsort` -> the differentiations that the comparison shows it with, "" where it has no choice.
SOLVER_DIFFERENTIATIONS: dict[str, tuple[str, ...]] = {
    "Sinkhorn": ("Unrolled", "Checkpointed"),
    "LogSinkhorn": ("Implicit", "Unrolled", "OneStep(5)"),
    "AndersonSinkhorn": ("Implicit",),
    "Newton": ("Implicit",),
    "Quadrature": ("",),
    EXACT_SOLVER: ("",),
}
