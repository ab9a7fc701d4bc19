"""The study of time and memory."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..common.methods import EXACT_SOLVER, SOLVER_DIFFERENTIATIONS
from ..common.study import AbstractCase, AbstractStudy

SORT = "jnp.sort"  # the unit: it stands among the solvers
EXACT = (EXACT_SOLVER, SORT)  # without epsilon
SOLVERS = (*SOLVER_DIFFERENTIATIONS, SORT)


@dataclass(frozen=True)
class Cost(AbstractCase):
    """A row: the cost of the soft ranks of a batch of lists.

    Attributes:
        n: values of each list.
        m: targets.
        batch: number of lists.
        epsilon: regularisation, 0 for an exact solver and for jnp.sort.
        solver: its name.
        entries: of the matrices that it works on, by its own count, times the batch.
        tol: the marginal error that it had to reach, raised to what float32 can; infinite for a fixed budget.
        forward_seconds, gradient_seconds: of one call on the batch, without compilation. The ranks of NorthWestCorner
            have gradient zero, which takes no time.
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
    """A length at which the library's own choice of a solver changes.

    Attributes:
        m: number of targets; 0 for as many as values.
        n: from so many values on, the default solver is Quadrature instead of Newton; none if it never is.
    """

    part: ClassVar[str] = "switch"
    measured: ClassVar[dict] = {"n": int}

    m: int


class Sweep(NamedTuple):
    """One factor, all others as they are at the centre.

    Attributes:
        factor: the field of a case that varies.
        title: of the pictures.
        settings: n, m, batch and epsilon.
    """

    factor: str
    title: str
    settings: list[tuple[int, int, int, float]]


@dataclass(frozen=True)
class Scaling(AbstractStudy):
    """Time and memory of every solver in one-factor sweeps.

    Attributes:
        solvers: names.
        n: values and targets of the centre, in one list.
        epsilon: of the centre.
        sizes: n = m.
        few: fixed number of targets.
        many: n with few targets.
        targets: m for n values.
        length: n = m of the lists of a batch.
        batches: numbers of lists.
        epsilons: at the centre.
        largest: a solver with more entries than this in its matrices is not run.
        seed: of the values and of the weights of the ranks whose sum is differentiated.
    """

    name: ClassVar[str] = "scaling"
    title: ClassVar[str] = "Scaling: time and memory of soft ranks"
    question: ClassVar[str] = (
        "What do soft ranks and their gradient cost with each solver, as the number n of values, the number m of "
        "targets, the number of lists and epsilon vary, one at a time? From which size on is Quadrature faster than "
        "Newton? Defaults of every solver, float32, normal values; the gradient is that of a weighted sum of the "
        "ranks. Times are medians of at most five calls, in turn with the other solvers on the same values, without "
        "compilation."
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
            solvers=("Sinkhorn", "LogSinkhorn", "Newton", "Quadrature", SORT),  # compilation is what takes time
            n=100,
            sizes=(100, 1000),
            many=(),
            targets=(),
            batches=(1,),
            epsilons=(1e-2,),
        )

    def sweeps(self) -> list[Sweep]:
        """All of them: n = m, n with few targets, m, batch and epsilon; one without settings is not measured."""
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
        return [*dict.fromkeys(costs), Switch(0), Switch(self.few)]  # exact solvers once
