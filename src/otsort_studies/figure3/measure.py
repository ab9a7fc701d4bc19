"""Figure 3 of Cuturi, Teboul and Vert (2019), point by point: one quantile as a weighted average."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.figure import Figure

import otsort

from ..._target import atom_weights
from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table

PAPER, CENTRED = "equation (4)", "centred"
DRAWN_EPSILON, DRAWN_T = 1e-2, 0.1  # those of the paper's quantile regression, Table 1


@dataclass(frozen=True)
class Share:
    """What one value contributes to one quantile, the sum of share times value.

    Attributes:
        data: name of the values.
        atom: equation (4), or centred, that of `otsort.quantile(x, tau, width=t)`.
        tau: level of the quantile.
        t: mass of the middle target.
        epsilon: regularisation; 0 for the K-quantile of `NorthWestCorner`.
        index: of the value, 0 for the least.
        value: as it is.
        position: squashed, where it is compared with the targets 0, 1/2 and 1.
        share: its entry in the plan's middle column, divided by the sum of the column.
        quantile: K- or S-quantile, from `otsort.solve`.
        exact: numpy's linear quantile.
        marginal_error: of the plan.
        outcome: exact, converged or not converged.
    """

    data: str
    atom: str
    tau: float
    t: float
    epsilon: float
    index: int
    value: float
    position: float
    share: float
    quantile: float
    exact: float
    marginal_error: float
    outcome: str


@dataclass(frozen=True)
class Figure3(AbstractStudy):
    """Quantiles from three targets under t, epsilon and the place of the middle one.

    Attributes:
        data: names of values.
        n: how many of each.
        taus: levels; at multiples of 1/n even a narrow atom of equation (4) gives numpy's quantile.
        ts: masses of the middle target; the paper's is 0.1.
        epsilons: increasing; 0 is exact.
        tol: marginal error of the S-quantiles.
        seed: of the values.
    """

    title: ClassVar[str] = "Figure 3: a quantile as a weighted average of few values"
    question: ClassVar[str] = (
        "A transport to three targets y = [0, 1/2, 1] selects values for the atom of mass t in the middle, and their "
        "average is the quantile: Figure 3 and equation (4) of Cuturi, Teboul and Vert (2019), weights "
        "b = [tau (1 - t), t, (1 - tau)(1 - t)]. Which values does it select, and how far is the average from numpy's "
        "linear quantile, for each epsilon and t? Beside it an atom of the same mass at the place that "
        "`otsort.quantile` gives it. Logistic squash, float64, `Newton` to convergence; the paper takes t = 0.1, and "
        "epsilon = 0.01 in its Table 1."
    )
    dtype: ClassVar[str] = "float64"
    row: ClassVar[type] = Share

    data: tuple[str, ...] = ("diabetes s2", "normal")
    n: int = 20
    taus: tuple[float, ...] = (0.03, 0.11, 0.31, 0.5, 0.69, 0.89, 0.97)
    ts: tuple[float, ...] = (0.01, 0.05, DRAWN_T, 0.2)
    epsilons: tuple[float, ...] = (0.0, 1e-4, 1e-3, DRAWN_EPSILON, 3e-2, 1e-1)
    tol: float = 1e-10
    seed: int = 3

    @classmethod
    def quick(cls) -> "Figure3":
        return cls(taus=(0.11, 0.31, 0.5, 0.89), ts=(0.05, DRAWN_T, 0.2), epsilons=(0.0, 1e-3, DRAWN_EPSILON, 1e-1))

    def cases(self) -> list[Case]:
        return list(itertools.product(self.data, (PAPER, CENTRED), self.taus, self.ts, self.epsilons, range(self.n)))

    def measure(self, cases: Sequence[Case]) -> Iterator[Share]:
        for (data, *setting), group in itertools.groupby(cases, key=lambda case: case[:-1]):
            x = np.sort(values(data, self.n, self.seed))
            yield from self._shares(x, group, *setting)

    def _shares(
        self, x: np.ndarray, cases: Iterator[Case], atom: str, tau: float, t: float, epsilon: float
    ) -> Iterator[Share]:
        target = otsort.TargetMeasure.quantile(tau, t)
        if atom == CENTRED:
            target = otsort.TargetMeasure(target.points, atom_weights(jnp.asarray(tau), t, self.n))
        solver = otsort.Newton(jnp.asarray(epsilon), tol=self.tol) if epsilon > 0 else otsort.NorthWestCorner()
        reading = _read(jnp.asarray(x), target, solver)
        outcome = "exact" if epsilon == 0 else "converged" if reading.successful else "not converged"
        for case in cases:
            index = case[-1]
            yield Share(
                *case,
                value=float(x[index]),
                position=float(reading.positions[index]),
                share=float(reading.shares[index]),
                quantile=float(reading.quantile),
                exact=float(np.quantile(x, tau)),
                marginal_error=float(reading.marginal_error),
                outcome=outcome,
            )

    def report(self, rows: Sequence[Share]) -> Report:
        quantiles = [_Quantile(list(group)) for _, group in itertools.groupby(rows, key=lambda row: astuple(row)[:5])]
        text = "\n".join(f"- {answer}" for answer in self._answers(quantiles)) + "\n\n" + self._table(quantiles)
        figures = {f"figure3-{data.replace(' ', '-')}": self._draw(data, quantiles) for data in self.data}
        return Report(text, {**figures, "figure3-errors": self._draw_errors(quantiles)})

    def _answers(self, quantiles: Sequence["_Quantile"]) -> Iterator[str]:
        for t in self.ts:
            if np.isclose(t * self.n, 1):
                off = max(q.error for q in _where(quantiles, t=t, epsilon=0.0))
                yield (
                    f"With t = 1/n = {t:g} both atoms are one and the same, and the K-quantile is numpy's linear "
                    f"quantile: the largest difference is {off:.0e} of the range of the values."
                )
        paper = _where(quantiles, t=DRAWN_T, epsilon=DRAWN_EPSILON, atom=PAPER)
        exact = _where(quantiles, t=DRAWN_T, epsilon=0.0, atom=PAPER)
        centred = _where(quantiles, t=DRAWN_T, epsilon=DRAWN_EPSILON, atom=CENTRED)
        inward = [abs(q.row.quantile - q.median) < abs(q.row.exact - q.median) for q in paper if q.row.tau != 0.5]
        yield (
            f"At the paper's t = {DRAWN_T:g} and epsilon = {DRAWN_EPSILON:g} an S-quantile is off by {_errors(paper)} "
            f"of the range (median and largest over {len(paper)} levels and lists), and its K-quantile by "
            f"{_errors(exact)}: most of the error is that of {_larger(exact, paper)}."
        )
        yield (
            "The place of the atom matters: equation (4) centres it at tau + t (1/2 - tau), and numpy's quantile of n "
            f"values is at tau + (1/2 - tau) / n. With the atom there, errors are {_errors(centred)}. Equation (4) "
            f"moved {sum(inward)} of {len(inward)} quantiles, other than medians, towards the median."
        )
        averaged = {
            e: ", ".join(f"{self._averaged(quantiles, t, e):.1f}" for t in self.ts)
            for e in (min(self.epsilons), max(self.epsilons))
        }
        yield (
            f"Atoms of mass {', '.join(f'{t:g}' for t in self.ts)} are "
            f"n t = {', '.join(f'{self.n * t:.1f}' for t in self.ts)} values wide. The averages are effectively over "
            + " and ".join(f"{numbers} values at epsilon = {e:g}" for e, numbers in averaged.items())
            + f", of {self.n} (1 over the sum of squared shares, medians of the atom of `otsort.quantile`)."
        )
        soft = [e for e in self.epsilons if e > 0]
        harmless = list(itertools.takewhile(lambda e: self._drift(quantiles, e) < 0.01, soft))
        yield (
            f"The S-quantiles stay within 1 % of the range of their K-quantiles up to epsilon = {max(harmless):g}."
            if harmless
            else f"At epsilon = {soft[0]:g} some S-quantile is already more than 1 % of the range off its K-quantile."
        )
        best = [
            min(self.ts, key=lambda t: _summary(_where(quantiles, atom=PAPER, t=t, epsilon=epsilon))[0])
            for epsilon in self.epsilons
        ]
        yield (
            "The t of the least median error of equation (4): "
            + ", ".join(f"{t:g} at epsilon = {epsilon:g}" for t, epsilon in zip(best, self.epsilons, strict=True))
            + "."
        )
        failed = sum(q.row.outcome == "not converged" for q in quantiles)
        yield f"{failed} of {len(quantiles)} solves did not converge to a marginal error of {self.tol:g}."

    def _averaged(self, quantiles: Sequence["_Quantile"], t: float, epsilon: float) -> float:
        return float(np.median([q.averaged for q in _where(quantiles, t=t, epsilon=epsilon, atom=CENTRED)]))

    def _drift(self, quantiles: Sequence["_Quantile"], epsilon: float) -> float:
        """Largest distance of S- from K-quantiles over the range of the values."""
        pairs = zip(_where(quantiles, epsilon=epsilon), _where(quantiles, epsilon=0.0), strict=True)
        return max(abs(soft.row.quantile - hard.row.quantile) / soft.spread for soft, hard in pairs)

    def _table(self, quantiles: Sequence["_Quantile"]) -> str:
        table = [
            [atom, f"{t:g}", *(_errors(_where(quantiles, atom=atom, t=t, epsilon=e)) for e in self.epsilons)]
            for atom in (PAPER, CENTRED)
            for t in self.ts
        ]
        headers = ["atom", "t", *("K (epsilon = 0)" if e == 0 else f"epsilon = {e:g}" for e in self.epsilons)]
        return "Distance from numpy's quantile over the range of the values, median and largest:\n\n" + markdown_table(
            table, headers
        )

    def _draw(self, data: str, quantiles: Sequence["_Quantile"]) -> tuple[Figure, str]:
        taus = [tau for tau in self.taus if tau <= 0.5][-3:]
        epsilons = [e for e in self.epsilons if e in (0, DRAWN_EPSILON, max(self.epsilons))]
        figure = Figure(figsize=(4 * len(taus), 2.6 * len(epsilons)), layout="constrained")
        panels = figure.subplots(len(epsilons), len(taus), sharex=True, sharey=True, squeeze=False)
        for (epsilon, tau), axes in zip(itertools.product(epsilons, taus), panels.ravel(), strict=True):
            (quantile,) = _where(quantiles, data=data, atom=PAPER, t=DRAWN_T, epsilon=epsilon, tau=tau)
            positions = [row.position for row in quantile.rows]
            weights = np.asarray(otsort.TargetMeasure.quantile(tau, DRAWN_T).weights)
            for row in quantile.rows:
                axes.plot([row.position, 0.5], [0, 1], color="C0", linewidth=12 * row.share, solid_capstyle="butt")
            axes.scatter(positions, np.zeros(self.n), s=12, color="black", zorder=3)
            axes.scatter([0, 0.5, 1], np.ones(3), s=400 * weights, color="C1", zorder=3)
            place = np.interp([quantile.row.quantile, quantile.row.exact], [r.value for r in quantile.rows], positions)
            axes.plot(place[:1], [-0.2], "^", color="C0", label=f"average, {quantile.row.quantile:.3g}")
            axes.plot(place[1:], [-0.2], "|", color="C3", markersize=14, label=f"numpy, {quantile.row.exact:.3g}")
            axes.set(title=f"tau = {tau:g}, epsilon = {epsilon:g}", ylim=(-0.4, 1.2), yticks=[])
            axes.legend(fontsize="small", loc="center right", frameon=False)
        for axes in panels[-1]:
            axes.set_xlabel("squashed value; targets")
        figure.suptitle(f"{data}, n = {self.n}, t = {DRAWN_T:g}: what the middle target of equation (4) receives")
        return figure, (
            f"Values (black, {data}), targets (orange, area as their weights) and the middle column of the plan (blue, "
            "width as the share); below, the average, which is the quantile, and numpy's."
        )

    def _draw_errors(self, quantiles: Sequence["_Quantile"]) -> tuple[Figure, str]:
        figure = Figure(figsize=(10, 4), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        soft = [e for e in self.epsilons if e > 0]
        for axes, atom in zip(panels, (PAPER, CENTRED), strict=True):
            for i, t in enumerate(self.ts):
                medians = [_summary(_where(quantiles, atom=atom, t=t, epsilon=e))[0] for e in (0.0, *soft)]
                axes.plot(soft, medians[1:], "o-", color=f"C{i}", label=f"t = {t:g}")
                axes.axhline(medians[0], color=f"C{i}", linestyle=":")
            axes.set(xscale="log", xlabel="epsilon", title=f"atom of {atom}" if atom == PAPER else "atom centred")
            axes.set_yscale("symlog", linthresh=1e-3)
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("distance from numpy's quantile / range")
        panels[0].legend(fontsize="small")
        return figure, "Median distance from numpy's quantile, S-quantiles (lines) and K-quantiles (dotted)."


class _Reading(NamedTuple):
    shares: Float[Array, " n"]
    positions: Float[Array, " n"]
    quantile: Float[Array, ""]
    marginal_error: Float[Array, ""]
    successful: Bool[Array, ""]


@eqx.filter_jit
def _read(x: Float[Array, " n"], target: otsort.TargetMeasure, solver: otsort.AbstractSolver) -> _Reading:
    solution = otsort.solve(x, target, solver=solver, throw=False)
    column = solution.plan.as_matrix()[:, 1]
    return _Reading(
        column / jnp.sum(column),
        otsort.squash.logistic(x, jnp.full(x.size, 1 / x.size)),
        solution.plan.push(x)[1],
        solution.stats["marginal_error"],
        solution.result == otsort.RESULTS.successful,
    )


class _Quantile:
    """All rows of one quantile.

    Attributes:
        row: one of them.
        rows: in increasing order of the values.
        median: of the values.
        spread: their range.
        error: distance from numpy's quantile over the range; NaN if the solve did not converge.
        averaged: effective number of values in the average, 1 over the sum of squared shares.
    """

    def __init__(self, rows: list[Share]):
        self.row, self.rows = rows[0], rows
        x = [row.value for row in rows]
        self.median, self.spread = np.median(x), np.ptp(x)
        failed = self.row.outcome == "not converged"
        self.error = np.nan if failed else abs(self.row.quantile - self.row.exact) / self.spread
        self.averaged = 1 / sum(row.share**2 for row in rows)


def _where(quantiles: Sequence[_Quantile], **fields: Any) -> list[_Quantile]:
    return [q for q in quantiles if all(getattr(q.row, name) == value for name, value in fields.items())]


def _summary(quantiles: Sequence[_Quantile]) -> tuple[float, float]:
    """Median and largest error."""
    errors = [q.error for q in quantiles if not np.isnan(q.error)] or [np.nan]
    return float(np.median(errors)), max(errors)


def _errors(quantiles: Sequence[_Quantile]) -> str:
    return "{:.4f} and {:.4f}".format(*_summary(quantiles))


def _larger(exact: Sequence[_Quantile], soft: Sequence[_Quantile]) -> str:
    return "the atom, not of epsilon" if _summary(exact)[0] > _summary(soft)[0] / 2 else "epsilon, not of the atom"
