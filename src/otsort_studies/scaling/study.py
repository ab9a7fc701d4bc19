"""Defines the study of time and memory."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS
from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined

SORT = "jnp.sort"  # the unit of comparison, which is listed among the solvers
EXACT = (EXACT_SOLVER, SORT)  # these have no epsilon
SOLVERS = (*SOLVER_DIFFERENTIATIONS, SORT)


@dataclass(frozen=True)
class Cost(AbstractCase):
    """A row: the cost of the soft ranks of a batch of lists.

    Attributes:
        n: number of values of each list.
        m: number of target points.
        batch: number of lists.
        epsilon: strength of the regularisation; 0 for an exact solver and for jnp.sort.
        solver: name of the solver.
        entries: number of matrix entries that the solver reports for itself, times the number of lists.
        tol: tolerance for the marginal error, raised to what float32 can reach; infinite for a fixed number of steps.
        forward_seconds, gradient_seconds: time of one call on the batch, without compilation. The ranks of
            NorthWestCorner have gradient zero, so its gradient is not timed.
        gradient_bytes: scratch memory of the compiled gradient.
    """

    part: ClassVar[str] = "cost"
    measured: ClassVar[dict] = {
        "entries": int,
        **dict.fromkeys(("tol", "forward_seconds", "gradient_seconds", "gradient_bytes"), float),
    }

    n: int
    m: int
    batch: int
    epsilon: float
    solver: str


@dataclass(frozen=True)
class Switch(AbstractCase):
    """A row: the length from which on the library uses another default solver.

    Attributes:
        m: number of target points; 0 for as many as values.
        n: smallest number of values for which the default solver is Quadrature instead of Newton; none if it never is.
    """

    part: ClassVar[str] = "switch"
    measured: ClassVar[dict] = {"n": int}

    m: int


class Sweep(NamedTuple):
    """Settings in which one factor varies and all others have their central value.

    Attributes:
        factor: field of a case that varies.
        title: title in pictures.
        settings: n, m, batch and epsilon of each setting.
    """

    factor: str
    title: str
    settings: list[tuple[int, int, int, float]]


@dataclass(frozen=True)
class Scaling(AbstractStudy):
    """Time and memory of every solver, with one factor varied at a time.

    Attributes:
        solvers: names of the solvers.
        n: central number of values and of target points, for one list.
        epsilon: central epsilon.
        sizes: values of n = m.
        few: small, fixed number of target points.
        many: values of n for this fixed number of target points.
        targets: values of m for the central n.
        length: n = m of the lists of a batch.
        batches: numbers of lists.
        epsilons: epsilons for the central n and m.
        largest: largest number of matrix entries with which a solver is run.
        seed: seed of the values and of the weights of the differentiated sum of ranks.
    """

    name: ClassVar[str] = "scaling"
    title: ClassVar[str] = "Scaling: time and memory of soft ranks"
    full_time: ClassVar[str] = "4 min"
    question: ClassVar[str] = (
        "How do the time and the memory of soft ranks and their gradient depend on the number n of values, the number "
        "m of target points, the number of lists, and epsilon? From which size on is the solver Quadrature faster than "
        "the solver Newton?\n\n"
        f"{defined('epsilon', 'list', 'soft rank', 'target points', 'marginal error', 'scratch memory')}\n\n"
        "Method: One factor varies at a time. All solvers have their default settings. The values are normal random "
        "numbers in float32. The gradient is that of a weighted sum of the ranks. Times are medians of at most five "
        "calls, without compilation. Solvers run in turn on the same values. *Newton*, *LogSinkhorn* and the other "
        "names are solvers of otsort, NorthWestCorner computes exact ranks, and `jnp.sort` is the sort of JAX."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Cost, Switch)

    solvers: tuple[str, ...] = SOLVERS
    n: int = 300
    epsilon: float = 1e-2
    sizes: tuple[int, ...] = (100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)
    few: int = 16
    many: tuple[int, ...] = (300, 10_000, 300_000)
    targets: tuple[int, ...] = (16, 100, 300)
    length: int = 100
    batches: tuple[int, ...] = (1, 16, 256)
    epsilons: tuple[float, ...] = (1e-1, 1e-2, 1e-3, 1e-4)
    largest: int = 2**25
    seed: int = 1

    @classmethod
    def quick(cls) -> "Scaling":
        return cls(
            solvers=("Sinkhorn", "LogSinkhorn", "Newton", "Quadrature", SORT),  # most of the time is compilation
            n=100,
            sizes=(100, 1000),
            many=(),
            targets=(),
            batches=(1,),
            epsilons=(1e-2,),
        )

    def sweeps(self) -> list[Sweep]:
        """Returns settings that vary n = m, n with few target points, m, the batch, and epsilon; some may be empty."""
        return [
            Sweep("n", "n = m", [(n, n, 1, self.epsilon) for n in self.sizes]),
            Sweep("n", f"m = {self.few}", [(n, self.few, 1, self.epsilon) for n in self.many]),
            Sweep("m", f"n = {self.n}", [(self.n, m, 1, self.epsilon) for m in self.targets]),
            Sweep(
                "batch",
                f"lists of {self.length}",
                [(self.length, self.length, batch, self.epsilon) for batch in self.batches],
            ),
            Sweep("epsilon", f"n = m = {self.n}", [(self.n, self.n, 1, epsilon) for epsilon in self.epsilons]),
        ]

    def cases(self) -> list[Cost | Switch]:
        settings = sorted({setting for sweep in self.sweeps() for setting in sweep.settings})
        costs = [
            Cost(n, m, batch, 0.0 if solver in EXACT else epsilon, solver)
            for n, m, batch, epsilon in settings
            for solver in self.solvers
        ]
        return [
            *dict.fromkeys(costs),
            Switch(0),
            Switch(self.few),
        ]  # without repetitions, because exact solvers ignore epsilon
