"""The gradient of ranks: how long it is, how many neighbours it knows of, and the epsilon for so many."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import otsort

from ..._suggest import OWN, SUPPORT, typical_density
from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table

# Name -> squash, and its slope at each value while what it normalises by (mean, deviation, range) stands still.
_SQUASHES = {
    "logistic": (otsort.squash.logistic, lambda x, position: position * (1 - position) / jnp.std(x)),
    "min_max": (otsort.squash.min_max, lambda x, position: jnp.full_like(x, 1 / jnp.ptp(x))),
}


class Setting(NamedTuple):
    """A list of values and how its ranks are smoothed.

    Attributes:
        data: name of the values.
        n: how many.
        m: uniform targets.
        squash: its name.
        seed: of the values.
        given: epsilon, or neighbours, for which `otsort.suggest_epsilon` gives the epsilon.
        amount: of either.
    """

    data: str
    n: int
    m: int
    squash: str
    seed: int
    given: str
    amount: float


@dataclass(frozen=True)
class Signal:
    """What the Jacobian J of n ranks says, in squashed positions unless something else is said.

    Attributes:
        data, n, m, squash, seed, given, amount: the setting.
        epsilon: that of the solve.
        density: typical one of the positions, over a tenth of them; their mean density is 1 or more.
        support_low, support, support_high: quartiles over the rows of the participation ratio
            (sum_j |J_ij|)^2 / sum_j J_ij^2 over j != i, a number of values.
        whole_support: the same median with j = i.
        support_of_values: `support` for the derivative in the values themselves, through mean and deviation.
        dense: share of that derivative which goes through mean and deviation (or range), in the Frobenius norm.
        row: median norm of a row over n, ranks per range of positions over n.
        frobenius: norm of J over n sqrt(n).
        spectral: largest singular value over n.
        silent: share of rows with a norm below n / 100: by a move over the whole range of positions the rank changes,
            to first order, by less than a hundredth of the list.
        marginal_error: of the plan.
        outcome: converged, or missed.
    """

    data: str
    n: int
    m: int
    squash: str
    seed: int
    given: str
    amount: float
    epsilon: float
    density: float
    support_low: float
    support: float
    support_high: float
    whole_support: float
    support_of_values: float
    dense: float
    row: float
    frobenius: float
    spectral: float
    silent: float
    marginal_error: float
    outcome: str

    @property
    def deviation(self) -> float:
        """Of the kernel in theory, in ranks."""
        return self.n * (self.epsilon * self.density / 2) ** 0.5

    @property
    def predicted(self) -> float:
        """The support of theory."""
        return SUPPORT * self.deviation - OWN


@dataclass(frozen=True)
class GradientSignal(AbstractStudy):
    """Norm and support of d rank / d x under epsilon, n, the squash and m.

    Attributes:
        families: random values, on which the theory is checked.
        real: columns, on which the rule is.
        n: how many values; more than a column has are left out.
        epsilon: of the sweeps.
        neighbours: asked of `otsort.suggest_epsilon`.
        m: fixed numbers of targets, at the largest n; elsewhere m = n.
        seeds: of the values; the first for the sweeps.
        tol: marginal error of the solves, raised to what rounding allows.
    """

    title: ClassVar[str] = "Gradient signal: how long the gradient of a rank is, and how many values it knows of"
    question: ClassVar[str] = (
        "How do the norm and the effective support of J = d rank / d x depend on epsilon, on the number n of values "
        "and on the squash, and which epsilon should one take? J is taken in closed form at converged plans in "
        "float64, in *squashed positions*, so that the mean and the deviation in the squash, which couple everything "
        "with everything, stay out; what they add is measured apart. The *support* of a row is the participation "
        "ratio (sum abs(J_ij))^2 / sum J_ij^2 over the *other* values j != i: the number of neighbours that a rank "
        "sees. The rule, `otsort.suggest_epsilon`, is derived (see Choosing epsilon in the documentation), with no "
        "constant fitted to data; the theory is checked on random families, the rule on real columns."
    )
    dtype: ClassVar[str] = "float64"
    row: ClassVar[type] = Signal

    families: tuple[str, ...] = ("normal", "uniform", "exponential", "cauchy", "two clusters", "rounded")
    real: tuple[str, ...] = (
        "diabetes s2",
        "diabetes bmi",
        "cancer mean radius",
        "cancer area error",
        "wine proline",
        "digits ink",
    )
    n: tuple[int, ...] = (50, 100, 200, 400)
    epsilon: tuple[float, ...] = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
    neighbours: tuple[int, ...] = (3, 5, 10, 30, 100)
    m: tuple[int, ...] = (10, 30, 100)
    seeds: tuple[int, ...] = (0, 1, 2)
    tol: float = 1e-9

    @classmethod
    def quick(cls) -> "GradientSignal":
        return cls(
            families=("normal", "exponential", "rounded"),
            real=("diabetes bmi", "cancer area error"),
            n=(50, 200),
            epsilon=(1e-5, 1e-4, 1e-3, 1e-2, 1.0, 10.0),
            neighbours=(3, 10, 30),
            m=(20,),
            seeds=(0, 1),
        )

    def cases(self) -> list[Case]:
        def both(data: str, n: int, m: int) -> Iterator[Case]:
            for squash, seed in itertools.product(_SQUASHES, self.seeds):
                if m == n and seed == self.seeds[0]:
                    yield from (Setting(data, n, m, squash, seed, "epsilon", epsilon) for epsilon in self.epsilon)
                asked = [float(count) for count in self.neighbours if count < n]
                yield from (Setting(data, n, m, squash, seed, "neighbours", count) for count in asked)

        most = max(self.n)
        sizes = [(n, n) for n in self.n] + [(most, m) for m in self.m]
        return [
            tuple(case)
            for n, m in sizes
            for data in (*self.families, *self.real)
            if data in self.families or n <= values(data, None, 0).size
            for case in both(data, n, m)
        ]

    def measure(self, cases: Sequence[Case]) -> Iterator[Signal]:
        for case in cases:
            setting = Setting(*case)
            x = jnp.asarray(values(setting.data, setting.n, setting.seed))
            epsilon = jnp.asarray(setting.amount, x.dtype)
            if setting.given == "neighbours":
                epsilon = otsort.suggest_epsilon(x, setting.amount, squash=_SQUASHES[setting.squash][0])
            yield self._read(x, setting, epsilon)

    def _read(self, x: Float[Array, " n"], setting: Setting, epsilon: Float[Array, ""]) -> Signal:
        positions, density, *inner = _squash(x, setting.squash)
        inner, slopes = map(np.asarray, inner)
        jacobian, error, converged = jacobian_of_ranks(positions, setting.m, epsilon, self.tol)
        of_values = jacobian @ inner
        rows = np.linalg.norm(jacobian, axis=1)
        low, middle, high = np.quantile(participation(jacobian), [0.25, 0.5, 0.75])
        return Signal(
            *setting,
            epsilon=float(epsilon),
            density=float(density),
            support_low=float(low),
            support=float(middle),
            support_high=float(high),
            whole_support=float(np.median(participation(jacobian, own=True))),
            support_of_values=float(np.median(participation(of_values))),
            dense=float(np.linalg.norm(of_values - jacobian * slopes) / np.linalg.norm(of_values)),
            row=float(np.median(rows) / x.size),
            frobenius=float(np.linalg.norm(rows) / x.size**1.5),
            spectral=float(np.linalg.norm(jacobian, 2) / x.size),
            silent=float(np.mean(rows < x.size / 100)),
            marginal_error=error,
            outcome="converged" if converged else "missed",
        )

    def report(self, rows: Sequence[Signal]) -> Report:
        square = [row for row in rows if row.m == row.n]
        sweeps = [row for row in square if row.given == "epsilon"]
        asked = [row for row in square if row.given == "neighbours"]
        smooth = [row for row in sweeps if row.data in self.families and row.data != "rounded"]
        parts = [
            self._rule(asked, sweeps),
            _scaling(smooth),
            _fading(smooth),
            self._squashes(sweeps),
            self._few_targets([row for row in rows if row.m != row.n], asked),
            _outcomes(rows),
        ]
        figures = {"signal": _draw_sweeps(smooth), "signal-rule": self._draw_rule(asked)}
        return Report("\n\n".join(filter(None, parts)), figures)

    def _rule(self, asked: Sequence[Signal], sweeps: Sequence[Signal]) -> str:
        table = []
        for group, names in (("real columns", self.real), ("random families", self.families)):
            for count in self.neighbours:
                here = [row for row in asked if row.data in names and row.amount == count]
                if here:
                    ratios, epsilon = [_ratio(row) for row in here], [row.epsilon for row in here]
                    worst = max(here, key=_factor)
                    line = [group, count, f"{min(epsilon):.1e} to {max(epsilon):.1e}", f"{np.median(ratios):.2f}"]
                    line.append(f"{np.quantile(ratios, 0.05):.2f} to {np.quantile(ratios, 0.95):.2f}")
                    line.append(f"{_ratio(worst):.2f} ({worst.data}, n = {worst.n}, {worst.squash})")
                    table.append([*line, f"{max(row.silent for row in here):.0%}"])
        headers = ["data", "asked", "epsilon", "median", "5 % to 95 %", "worst", "most silent"]
        real = [row for row in asked if row.data in self.real]
        fails = [row for row in asked if _factor(row) > 1.5]
        where = ", ".join(
            f"{data} ({sum(row.data == data for row in fails)} of {sum(row.data == data for row in asked)})"
            for data in dict.fromkeys(row.data for row in fails)
        )
        return (
            "**How to choose epsilon.** Say how many neighbours a rank should see and call `otsort.suggest_epsilon`. "
            "On the real columns, which no constant was fitted to, the median support it gave was "
            f"{np.median([_ratio(row) for row in real]):.2f} times what was asked in the median of {len(real)} cases "
            f"(lists, squashes and numbers asked for), and {_ratio(max(real, key=_factor)):.2f} times at worst. Of all "
            f"{len(asked)} cases {len(fails)} are off by more than a factor of 1.5{f': {where}' if fails else ''}. "
            "Ties see each other whatever epsilon is: "
            "of rounded values no fewer neighbours are to be had than those. Measured over asked support; silent are "
            "values whose rank changes, to first order, by less than n/100 over the whole range:\n\n"
            f"{markdown_table(table, headers)}\n\n{self._default(sweeps)}"
        )

    @property
    def _usual(self) -> float:
        """The epsilon of the sweeps that is nearest to the default of the library."""
        return min(self.epsilon, key=lambda epsilon: abs(np.log(epsilon / 1e-2)))

    def _default(self, sweeps: Sequence[Signal]) -> str:
        """What a fixed epsilon means."""
        real = [row for row in sweeps if row.data in self.real and row.squash == "logistic"]
        at = self._usual
        shares = [row.support / row.n for row in real if row.epsilon == at]
        return (
            "One epsilon for lists of all lengths is another choice: the same *share* of the list. At "
            f"epsilon = {at:g} after the logistic squash a value sees {np.median(shares):.0%} of it in the median "
            f"of the real lists (from {min(shares):.0%} to {max(shares):.0%}). To see a fixed number of neighbours, "
            "epsilon must fall as 1 / n^2."
        )

    def _squashes(self, sweeps: Sequence[Signal]) -> str:
        at, table = self._usual, []
        for data in dict.fromkeys(row.data for row in sweeps):
            most = max(row.n for row in sweeps if row.data == data)
            line = [data, most]
            for squash in _SQUASHES:
                key = (data, most, squash, at)
                (row,) = (row for row in sweeps if (row.data, row.n, row.squash, row.epsilon) == key)
                line += [f"{row.density:.2f}", f"{row.support / most:.2f}", f"{row.support_high / row.support_low:.2f}"]
            table.append(line)
        headers = [f"{squash}: {name}" for squash in _SQUASHES for name in ("density", "support/n", "q3/q1")]
        inside = [row for row in sweeps if row.predicted > 2 and row.deviation < row.n / 4]
        dense = "; ".join(
            f"{np.median([row.dense for row in here]):.1%} of J in the median with {squash} and "
            f"{max(row.dense for row in here):.0%} at most, which makes the median support "
            f"{np.median([row.support_of_values / row.support for row in here]):.2f} times that in positions"
            for squash in _SQUASHES
            if (here := [row for row in inside if row.squash == squash])
        )
        return (
            "**What the squash changes.** It sets the density, and so the support at one epsilon: that grows as the "
            "square root of the density of the *positions*, and where the density varies within a list, so does the "
            f"support (q3/q1, its upper over its lower quartile). At epsilon = {at:g} and the most values of each:\n\n"
            f"{markdown_table(table, ['data', 'n', *headers])}\n\n"
            "Mean and deviation, or the range, couple all values. In the Frobenius norm, where a rank sees more than "
            f"2 values and few at the ends, what goes through them is {dense or 'not measured'}."
        )

    def _few_targets(self, few: Sequence[Signal], asked: Sequence[Signal]) -> str:
        if not few:
            return ""
        most = max(self.n)
        untied = [row for row in [*few, *asked] if row.n == most and row.data != "rounded"]
        counts = sorted({row.amount for row in untied})
        table, smooth = [], []
        for m in [*self.m, most]:
            here = [[row for row in untied if (row.m, row.amount) == (m, count)] for count in counts]
            norms = [np.median([row.row / row.density for row in group]) for group in here]
            supports = [np.median([row.support for row in group]) for group in here]
            cells = [f"{support:.1f} ({norm:.2f})" for support, norm in zip(supports, norms, strict=True)]
            table.append([m, f"{most / m:.1f}", *cells])
            enough = [count for count, norm in zip(counts, norms, strict=True) if 0.8 < norm < 1.25]
            smooth.append(f"{f'from {enough[0]:g}' if enough else 'never'} at n/m = {most / m:.1f}")
        headers = ["m", "n/m", *(f"asked {count:g}" for count in counts)]
        return (
            f"**Fewer targets.** The rule is made for m = n. With m targets for n = {most} values ranks turn into "
            "steps where fewer than about n/m neighbours are asked for: the norm of a row over n density, 1 in theory, "
            f"is within a factor of 1.25 of that {', '.join(smooth)}. Median support, and in brackets that norm, of "
            f"lists without heavy ties:\n\n{markdown_table(table, headers)}"
        )

    def _draw_rule(self, asked: Sequence[Signal]) -> tuple[Figure, str]:
        figure = Figure(figsize=(10, 4.5), layout="constrained")
        both = (("real columns", self.real), ("random families", self.families))
        for place, (title, names) in zip(figure.subplots(1, 2, sharey=True), both, strict=True):
            for i, data in enumerate(names):
                here = [row for row in asked if row.data == data]
                # Side by side: the points of one request would hide each other.
                across = [row.amount * 1.06 ** (i - (len(names) - 1) / 2) for row in here]
                place.plot(across, [row.support / row.amount for row in here], ".", alpha=0.6, label=data)
            place.axhline(1, color="k", lw=0.8)
            place.axhspan(1 / 1.5, 1.5, color="0.93", zorder=0)
            place.set(title=title, xscale="log", yscale="log", xlabel="neighbours asked for")
            place.legend(fontsize="small")
        figure.axes[0].set_ylabel("median support / neighbours asked for")
        return (
            figure,
            "Median support at the suggested epsilon over the neighbours asked for; grey: within a factor of 1.5.",
        )


@partial(jax.jit, static_argnums=1)
def _squash(x, name):
    """Positions, their typical density, their derivative in x, and that with the normalisation standing still."""
    squash, slopes = _SQUASHES[name]
    weights = jnp.full(x.size, 1 / x.size)
    positions = squash(x, weights)
    inner = jax.jacfwd(squash)(x, weights)
    return positions, typical_density(positions, weights, jnp.asarray(0.1)), inner, slopes(x, positions)


@partial(jax.jit, static_argnums=1)
def _linearise(positions, m, epsilon, tol):
    target = otsort.UniformTarget(m, positions.dtype)
    solver = otsort.Newton(epsilon, tol=tol)
    solution = otsort.solve(positions, target, solver=solver, squash=otsort.squash.identity, throw=False)
    plan = solution.plan
    assert isinstance(plan, otsort.EntropicPlan)
    given = positions.size * plan.as_matrix()  # the law of the target given the value
    levels, points = target.levels(0.5), target.points
    slopes = 2 / epsilon * (given @ (levels * points) - (given @ levels) * (given @ points))
    density = given / target.weights[None, :]
    change = 2 / epsilon / positions.size * density * (points[None, :] - (given @ points)[:, None])
    coupling, _ = plan.dual.coupling(plan.potential)
    response = -jax.vmap(lambda one: plan.dual.solve_linearised(coupling, one, refinements=2))(change)
    through = (given * (levels[None, :] - (given @ levels)[:, None])) @ response.T
    converged = solution.result == otsort.RESULTS.successful
    return positions.size * (jnp.diag(slopes) + through), plan.marginal_error(), converged


def jacobian_of_ranks(
    positions: Float[Array, " n"], m: int, epsilon: Float[Array, ""], tol: float
) -> tuple[np.ndarray, float, bool]:
    """d rank / d positions, shape (n, n), the marginal error, and whether the solve converged.

    The implicit derivative with all n right hand sides at once, d rank_i = Cov(level, 2 y dx_i + df | i) n / epsilon;
    jax.jacrev does the same with n passes over n m arrays.
    """
    jacobian, error, converged = _linearise(positions, m, epsilon, tol)
    return np.asarray(jacobian), float(error), bool(converged)


def participation(matrix: np.ndarray, own: bool = False) -> np.ndarray:
    """(sum_j |J_ij|)^2 / sum_j J_ij^2 of each row, over j != i unless own; 0 for a row of zeros."""
    size = np.abs(matrix) * (1 if own else 1 - np.eye(len(matrix)))
    largest = size.max(axis=1, keepdims=True)  # squares of the smallest would underflow
    size = size / np.where(largest > 0, largest, 1)
    squares = (size**2).sum(axis=1)
    return size.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1)


def _ratio(row: Signal) -> float:
    return row.support / row.amount


def _factor(row: Signal) -> float:
    return max(_ratio(row), 1 / _ratio(row))


def _fit(rows: Sequence[Signal], size: str, power: float) -> np.ndarray | None:
    """Exponents of epsilon and n in size / density^power, by least squares on logarithms, if both vary."""
    if len({row.epsilon for row in rows}) < 2 or len({row.n for row in rows}) < 2:
        return None
    logs = np.log([[row.epsilon, row.n, getattr(row, size) / row.density**power] for row in rows])
    columns = np.column_stack([logs[:, :2], np.ones(len(logs))])
    return np.linalg.lstsq(columns, logs[:, 2])[0][:2]


def _scaling(smooth: Sequence[Signal]) -> str:
    middle = [row for row in smooth if 5 <= row.predicted <= row.n / 4]
    wide = [row for row in smooth if row.epsilon >= 1]
    table = []
    # Norms are stored over n, or n sqrt(n): that is added to their exponents.
    for name, rows, size, power, unit, theory in (
        ("support", middle, "support", 0.5, 0, (0.5, 1)),
        ("norm of a row", middle, "row", 1, 1, (0, 1)),
        ("Frobenius norm", middle, "frobenius", 1, 1.5, (0, 1.5)),
        ("spectral norm", middle, "spectral", 1, 1, (0, 1)),
        ("norm of a row, epsilon >= 1", wide, "row", 0, 1, (-1, 1)),
    ):
        groups = sorted({(row.data, row.squash) for row in rows})
        fits = [_fit([row for row in rows if (row.data, row.squash) == key], size, power) for key in groups]
        fits = np.asarray([np.add(fit, (0, unit)) for fit in fits if fit is not None])
        if fits.size:
            both = [f"{np.median(fit):.2f} ({fit.min():.2f} to {fit.max():.2f})" for fit in fits.T]
            table.append([name, both[0], f"{theory[0]:g}", both[1], f"{theory[1]:g}", len(fits)])
    if not middle or not table:
        return "There are too few rows for the exponents of norm and support."
    ratio = [row.support / row.predicted for row in middle]
    norms = [row.row / row.density for row in middle]
    constant = np.median([(row.support + OWN) / row.deviation for row in middle])
    headers = ["", "exponent of epsilon", "theory", "exponent of n", "theory", "fits"]
    return (
        "**Norm and support.** In theory, where values lie densely, J is n rho (1 - a kernel), with rho the density of "
        "the positions and a kernel of deviation n sqrt(epsilon rho / 2) ranks, which sees "
        f"{SUPPORT:.2f} deviations less {OWN:.2f} for the value itself. So the support grows as n sqrt(epsilon), while "
        "the norm does not depend on epsilon: epsilon says *whose* moves a rank feels, not how much. On random "
        f"families without ties, where between 5 and n/4 neighbours are predicted: it sees {constant:.2f} deviations "
        f"less {OWN:.2f} in the median, {np.median(ratio):.2f} times the predicted support (90 % between "
        f"{np.quantile(ratio, 0.05):.2f} and {np.quantile(ratio, 0.95):.2f}), and the norm of a row is "
        f"{np.median(norms):.2f} times n rho. Exponents by family and squash with the density divided out, median "
        "and range; theory is that of even spacing, and the spectral norm follows the densest place instead that the "
        "kernel still resolves:\n\n"
        + markdown_table(table, headers)
        + "\n\nThe ratio with j = i says little: a row sums to about zero, half of it in absolute value on the "
        f"diagonal, so that it tends to 4; it is {np.median([row.whole_support for row in middle]):.2f} here."
    )


def _fading(smooth: Sequence[Signal]) -> str:
    parts = []
    for low, high in ((1, 2), (0.5, 1), (0.25, 0.5), (0, 0.25)):
        here = [row for row in smooth if low <= row.deviation < high]
        if here:
            norm, silent = np.median([[row.row / row.density, row.silent] for row in here], axis=0)
            parts.append(f"{norm:.2g} times n rho with {silent:.0%} silent at {low:g} to {high:g}")
    if not parts:
        return ""
    return (
        "**When the gradient vanishes.** It does where the kernel gets much narrower than the gap between two values. "
        "By the deviation in ranks the norm of a row is, in medians, " + "; ".join(parts) + "."
    )


def _outcomes(rows: Sequence[Signal]) -> str:
    missed = [row for row in rows if row.outcome != "converged"]
    if not missed:
        return f"All {len(rows)} solves converged."
    names = ", ".join(sorted({row.data for row in missed}))
    least, most = min(row.epsilon for row in missed), max(row.epsilon for row in missed)
    return f"{len(missed)} of {len(rows)} solves missed their tolerance ({names}, epsilon {least:.1e} to {most:.1e})."


def _draw_sweeps(smooth: Sequence[Signal]) -> tuple[Figure, str]:
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    supports, norms = figure.subplots(1, 2)
    for n in sorted({row.n for row in smooth}):
        here = [row for row in smooth if row.n == n]
        across = [row.deviation for row in here]
        supports.plot(across, [row.support for row in here], ".", label=f"n = {n}")
        norms.plot(across, [row.row / row.density for row in here], ".", label=f"n = {n}")
    deviations = np.geomspace(0.5, max((row.deviation for row in smooth), default=1), 50)
    supports.plot(deviations, np.maximum(SUPPORT * deviations - OWN, 1), "k", lw=0.8, label="theory")
    norms.axhline(1, color="k", lw=0.8, label="theory")
    supports.set(ylabel="median support, values", ylim=(0.8, 2 * max((row.n for row in smooth), default=1)))
    norms.set(ylabel="median norm of a row / (n density)", ylim=(1e-4, 3))
    for place in (supports, norms):
        place.set(xscale="log", yscale="log", xlabel="n sqrt(epsilon density / 2), ranks")
        place.legend(fontsize="small")
    return figure, "Support and norm of the gradient of ranks, random families without ties, all epsilon and squashes."
